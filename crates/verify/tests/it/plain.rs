//! `verify` without a trust file: one signer, one type of statement.

use sealwright_bundle::predicate_type;
use sealwright_core::Limits;
use sealwright_verify::{Anchor, EvidenceItem, ImageEvidence, Outcome, Report, Requirement, verify_image};

use crate::evidence::{NOW, failed, golden, subject};
use crate::log::Log;
use crate::signing::TestKey;

fn verify(bundles: Vec<Vec<u8>>, anchor: &Anchor, predicate_type: &str) -> Report {
    let evidence =
        ImageEvidence { subject: subject(), stored: bundles.into_iter().map(EvidenceItem::Bundle).collect() };
    let requirement = Requirement::Plain { anchor, predicate_type };
    verify_image(&evidence, &requirement, NOW.parse().expect("time"), &Limits::default())
}

fn names(report: &Report) -> Vec<(&str, &str)> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed(_) => "failed",
        Outcome::NotChecked(_) => "not checked",
    };
    report.checks.iter().map(|check| (check.name, word(&check.outcome))).collect()
}

#[test]
fn a_signature_passes_and_the_report_says_what_was_not_checked() {
    let key = TestKey::p256();
    let bundle = key.bundle(&golden("signature").to_bytes()).to_bytes();
    let report = verify(vec![bundle], &Anchor::Key(key.public()), predicate_type::SIGNATURE);
    assert!(report.passed());
    let expected =
        [("evidence", "passed"), ("signer", "passed"), ("transparency", "not checked"), ("signature", "passed")];
    assert_eq!(names(&report), expected);
    assert_eq!((report.subject, report.schema), (subject(), 1));
    assert_eq!((report.builder, report.level), (None, None));
    let Outcome::NotChecked(why) = &report.checks[2].outcome else { panic!("checked") };
    assert!(why.contains("no log entry and no trusted time") && why.contains("still checked"), "{why}");
}

#[test]
fn a_logged_signature_passes_the_transparency_check() {
    let (key, log) = (TestKey::p256(), Log::new());
    let bundle = log.enter(key.bundle(&golden("signature").to_bytes()), &key, 1_760_000_000).to_bytes();
    let anchor = Anchor::LoggedKey(key.public(), Box::new(log.trusted_root()));
    let report = verify(vec![bundle], &anchor, predicate_type::SIGNATURE);
    assert!(report.passed());
    assert_eq!(names(&report)[2], ("transparency", "passed"));
    // The same signature without the log.
    let bare = key.bundle(&golden("signature").to_bytes()).to_bytes();
    let report = verify(vec![bare], &anchor, predicate_type::SIGNATURE);
    assert_eq!(failed(&report), ["signer", "transparency", "signature"]);
}

#[test]
fn signed_and_attested_are_different_words() {
    let key = TestKey::p256();
    let anchor = Anchor::Key(key.public());
    let sbom = key.bundle(&golden("cyclonedx").to_bytes()).to_bytes();
    let report = verify(vec![sbom.clone()], &anchor, predicate_type::SIGNATURE);
    assert!(!report.passed());
    assert_eq!(failed(&report), ["signature"]);
    let report = verify(vec![sbom], &anchor, predicate_type::CYCLONEDX);
    assert!(report.passed());
    assert_eq!(names(&report).last(), Some(&("statement", "passed")));
    let signature = key.bundle(&golden("signature").to_bytes()).to_bytes();
    let report = verify(vec![signature], &anchor, predicate_type::CYCLONEDX);
    assert_eq!(failed(&report), ["statement"]);
}

#[test]
fn both_spellings_of_spdx_are_one_type() {
    let key = TestKey::p256();
    for written in [predicate_type::SPDX, predicate_type::SPDX_V2_3] {
        let mut statement = golden("spdx");
        statement.predicate_type = written.to_owned();
        let bundle = key.bundle(&statement.to_bytes()).to_bytes();
        for asked in [predicate_type::SPDX, predicate_type::SPDX_V2_3] {
            assert!(verify(vec![bundle.clone()], &Anchor::Key(key.public()), asked).passed(), "{written} {asked}");
        }
        assert!(!verify(vec![bundle], &Anchor::Key(key.public()), predicate_type::CYCLONEDX).passed());
    }
}

#[test]
fn no_bundle_and_no_bundle_of_the_signer_are_told_apart() {
    let (key, other) = (TestKey::p256(), TestKey::p256());
    let report = verify(vec![], &Anchor::Key(key.public()), predicate_type::SIGNATURE);
    assert_eq!(failed(&report), ["evidence", "signer", "signature"]);
    let foreign = other.bundle(&golden("signature").to_bytes()).to_bytes();
    let report = verify(vec![foreign], &Anchor::Key(key.public()), predicate_type::SIGNATURE);
    assert_eq!(failed(&report), ["signer", "signature"]);
    let why = format!("the bundle names key {}", other.public().fingerprint().short());
    assert!(matches!(&report.checks[1].outcome, Outcome::Failed(w) if w.starts_with(&why)), "{report:?}");
    assert_eq!(report.left_aside.len(), 1);
}
