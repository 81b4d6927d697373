//! What a trust file asks for: each rule, met and not met.

use sealwright_bundle::predicate_type;
use sealwright_core::{Digest, Limits};
use sealwright_policy::{Builder, EvidenceRules, SbomFormat, SignersRule};
use sealwright_verify::{Outcome, Report, Requirement, verify_image};
use serde_json::json;

use crate::evidence::{Evidence, NOW, anchored, builder, failed, golden, rules};
use crate::signing::TestKey;

fn outcome(report: &Report, name: &str) -> Outcome {
    report.checks.iter().find(|check| check.name == name).map(|check| check.outcome.clone()).expect(name)
}

fn why(report: &Report, name: &str) -> String {
    match outcome(report, name) {
        Outcome::Failed(why) => why,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn whole_evidence_passes_every_check_in_order() {
    let report = Evidence::new().verify();
    assert!(report.passed(), "{report:#?}");
    let names: Vec<&str> = report.checks.iter().map(|check| check.name).collect();
    let expected = [
        "evidence",
        "signer",
        "transparency",
        "source",
        "signature",
        "decision",
        "decision-policy",
        "decision-inputs",
        "sbom",
        "scan",
        "scan-age",
        "provenance",
        "provenance-level",
        "signers",
        "provenance-source",
        "provenance-parameters",
    ];
    assert_eq!(names, expected);
    assert_eq!(report.passes(), expected.len() - 2, "all but the transparency and the threshold");
    assert_eq!((report.builder.as_deref(), report.level), (Some("release"), Some(0)));
    let waiver =
        "CVE-2024-0001 in pkg:deb/debian/zlib1g@1%3A1.2.13: not reachable, see SEC-12 (@sec, until 2027-01-31)";
    assert_eq!(report.waivers, [waiver]);
    assert!(report.left_aside.is_empty());
}

#[test]
fn each_missing_statement_fails_its_checks() {
    for (name, fails) in [
        ("signature", &["signature"][..]),
        ("decision", &["decision", "decision-policy", "decision-inputs"]),
        ("cyclonedx", &["decision-inputs", "sbom"]),
        ("spdx", &["decision-inputs", "sbom"]),
        ("scan", &["decision-inputs", "scan", "scan-age"]),
        ("provenance", &["provenance", "provenance-level", "provenance-source", "provenance-parameters"]),
    ] {
        let mut evidence = Evidence::new();
        evidence.without(name);
        assert_eq!(failed(&evidence.verify()), fails, "without {name}");
    }
}

#[test]
fn what_the_rules_do_not_ask_for_is_not_checked() {
    type Relax = fn(&mut EvidenceRules);
    let relaxed: [(&str, Relax, &[&str]); 5] = [
        ("signature", |r| r.signature = false, &["signature", "signers"]),
        ("decision", |r| r.decision = false, &["decision", "decision-policy", "decision-inputs"]),
        ("cyclonedx", |r| r.sbom.required = false, &["sbom"]),
        ("scan", |r| r.scan.required = false, &["scan", "scan-age"]),
        (
            "provenance",
            |r| r.provenance.required = false,
            &["provenance", "provenance-level", "provenance-source", "provenance-parameters"],
        ),
    ];
    for (name, relax, checks) in relaxed {
        let mut rules = rules();
        relax(&mut rules);
        let mut evidence = Evidence::new();
        evidence.without(name);
        if name != "decision" {
            evidence.link();
        }
        let report = evidence.verify_by(rules, NOW);
        assert!(report.passed(), "without {name}: {report:#?}");
        for check in checks {
            assert!(matches!(outcome(&report, check), Outcome::NotChecked(_)), "{check}");
        }
    }
}

#[test]
fn a_decision_that_did_not_pass_the_gate_does_not_count() {
    for (pointer, value) in [
        ("/verificationResult", json!("FAILED")),
        ("/verificationResult", json!("passed")),
        ("/verifiedLevels", json!(["SLSA_BUILD_LEVEL_3"])),
        ("/verifiedLevels", json!([])),
        ("/verifiedLevels", json!("SEALWRIGHT_GATE")),
    ] {
        let mut evidence = Evidence::new();
        evidence.set("decision", pointer, value.clone());
        let report = evidence.verify();
        assert_eq!(failed(&report), ["decision", "decision-policy", "decision-inputs"], "{value}");
        assert!(report.waivers.is_empty(), "waivers of a decision that does not count");
    }
}

#[test]
fn a_summary_of_another_verifier_counts_where_the_trust_file_names_it() {
    let mut evidence = Evidence::new();
    let other = "https://other.example/verifier";
    evidence.set("decision", "/verifier/id", json!(other));
    let report = evidence.verify();
    assert_eq!(failed(&report), ["decision", "decision-policy", "decision-inputs"]);
    assert!(
        why(&report, "decision").ends_with("the rules do not accept the verifier \"https://other.example/verifier\"")
    );
    assert!(report.waivers.is_empty(), "waivers of a decision that does not count");
    let mut accepting = rules();
    accepting.verifiers = vec![other.to_owned()];
    assert!(evidence.verify_by(accepting.clone(), NOW).passed());
    evidence.set("decision", "/verifier/id", json!(null));
    assert_eq!(failed(&evidence.verify_by(accepting, NOW)), ["decision", "decision-policy", "decision-inputs"]);
}

#[test]
fn a_decision_by_other_rules_does_not_count() {
    let mut evidence = Evidence::new();
    let other = Digest::of(b"other rules");
    evidence.set("decision", "/policy/digest/sha256", json!(other.hex()));
    let report = evidence.verify();
    assert_eq!(failed(&report), ["decision-policy", "decision-inputs"]);
    let why = why(&report, "decision-policy");
    assert!(why.contains(&other.hex()[..12]) && why.contains(&evidence.policy.digest().short()), "{why}");
    // Those that the trust file takes over count too, for the decision and the scan each.
    let mut taking_over = rules();
    taking_over.policies = vec![other];
    assert!(evidence.verify_by(taking_over.clone(), NOW).passed());
    evidence.set("scan", "/scanner/result/policy/digest", json!(other.to_string()));
    evidence.link();
    assert!(evidence.verify_by(taking_over, NOW).passed());
    assert_eq!(failed(&evidence.verify()), ["decision-policy", "decision-inputs", "scan", "scan-age"]);
    // A policy that changed after the decision.
    let mut evidence = Evidence::new();
    evidence.policy.gate.only_fixed = true;
    assert_eq!(failed(&evidence.verify()), ["decision-policy", "decision-inputs", "scan", "scan-age"]);
}

#[test]
fn a_decision_is_made_from_statements_that_are_there() {
    let mut evidence = Evidence::new();
    let stranger = Digest::of(b"never seen").hex();
    evidence.set("decision", "/inputAttestations/0/digest/sha256", json!(stranger));
    let report = evidence.verify();
    assert_eq!(failed(&report), ["decision-inputs"]);
    assert!(why(&report, "decision-inputs").contains(&stranger[..12]));
    // None at all: then it was not made from what is demanded.
    for (inputs, missing) in [
        (json!([]), predicate_type::CYCLONEDX),
        (json!(null), predicate_type::CYCLONEDX),
        (json!([{ "digest": { "sha512": "00" } }]), predicate_type::CYCLONEDX),
    ] {
        let mut evidence = Evidence::new();
        evidence.set("decision", "/inputAttestations", inputs);
        let report = evidence.verify();
        assert_eq!(failed(&report), ["decision-inputs"]);
        assert!(why(&report, "decision-inputs").ends_with(missing));
    }
}

#[test]
fn every_demanded_kind_is_among_the_inputs() {
    for (place, missing) in [
        (0, predicate_type::CYCLONEDX.to_owned()),
        (1, format!("{} or {}", predicate_type::SPDX, predicate_type::SPDX_V2_3)),
        (2, predicate_type::VULN.to_owned()),
    ] {
        let mut evidence = Evidence::new();
        let inputs = evidence.statement("decision").predicate["inputAttestations"].as_array_mut().expect("inputs");
        inputs.remove(place);
        let report = evidence.verify();
        assert_eq!(failed(&report), ["decision-inputs"]);
        assert!(why(&report, "decision-inputs").ends_with(&missing), "{missing}");
    }
    // What is not demanded need not be among them.
    let mut only_scan = rules();
    only_scan.sbom.required = false;
    let mut evidence = Evidence::new();
    let inputs = evidence.statement("decision").predicate["inputAttestations"].as_array_mut().expect("inputs");
    inputs.drain(..2);
    assert!(evidence.verify_by(only_scan, NOW).passed());
}

#[test]
fn one_whole_decision_is_enough_beside_one_that_is_not() {
    let mut evidence = Evidence::new();
    let mut partial = evidence.statement("decision").clone();
    partial.predicate["inputAttestations"] = json!([]);
    evidence.statements.insert(0, ("partial", partial));
    assert!(evidence.verify().passed());
}

#[test]
fn an_sbom_is_what_its_type_says() {
    for (name, pointer) in [("cyclonedx", "/bomFormat"), ("spdx", "/spdxVersion")] {
        for value in [json!("other"), json!(null)] {
            let mut evidence = Evidence::new();
            evidence.set(name, pointer, value);
            evidence.link();
            assert_eq!(failed(&evidence.verify()), ["sbom"], "{name}");
        }
    }
    // A document under the other type does not count.
    let mut evidence = Evidence::new();
    let document = evidence.statement("cyclonedx").predicate.clone();
    evidence.statement("spdx").predicate = document;
    evidence.link();
    assert!(why(&evidence.verify(), "sbom").contains("spdx"));
    // One format is enough where one is asked for.
    let mut rules = rules();
    rules.sbom.formats = vec![SbomFormat::CycloneDx];
    let mut evidence = Evidence::new();
    evidence.without("spdx");
    evidence.link();
    assert!(evidence.verify_by(rules, NOW).passed());
}

#[test]
fn githubs_name_for_spdx_is_read_too() {
    let mut evidence = Evidence::new();
    evidence.statement("spdx").predicate_type = "https://spdx.dev/Document/v2.3".into();
    evidence.link();
    assert!(evidence.verify().passed());
    evidence.statement("spdx").predicate_type = "https://spdx.dev/Document/v9".into();
    evidence.link();
    assert_eq!(failed(&evidence.verify()), ["decision-inputs", "sbom"]);
}

#[test]
fn a_scan_is_clean_and_by_these_rules() {
    for (pointer, value) in [
        ("/scanner/result/outcome", json!("refuse")),
        ("/scanner/result/outcome", json!(null)),
        ("/scanner/result/counts/refused", json!(1)),
        ("/scanner/result/counts/refused", json!("0")),
        ("/scanner/result/policy/digest", json!(Digest::of(b"other rules").to_string())),
    ] {
        let mut evidence = Evidence::new();
        evidence.set("scan", pointer, value.clone());
        evidence.link();
        assert_eq!(failed(&evidence.verify()), ["scan", "scan-age"], "{pointer} {value}");
    }
}

#[test]
fn a_scan_is_young_enough_to_the_second_and_not_from_the_future() {
    // Finished 2026-11-20T12:00:00Z; two days are allowed, and a clock may be five minutes behind.
    let evidence = Evidence::new();
    for (now, fresh) in [
        ("2026-11-22T12:00:00Z", true),
        ("2026-11-22T12:00:01Z", false),
        ("2026-11-20T12:00:00Z", true),
        ("2026-11-20T11:55:00Z", true),
        ("2026-11-20T11:54:59Z", false),
    ] {
        let report = evidence.verify_by(rules(), now);
        assert_eq!(failed(&report).is_empty(), fresh, "{now}");
        if !fresh {
            assert_eq!(why(&report, "scan-age"), "no scan is younger than 48 hours");
        }
    }
    let mut ageless = rules();
    ageless.scan.max_age = None;
    let report = evidence.verify_by(ageless, "2036-01-01T00:00:00Z");
    assert!(report.passed());
    assert!(matches!(outcome(&report, "scan-age"), Outcome::NotChecked(_)));
    for broken in [json!("yesterday"), json!(null)] {
        let mut evidence = Evidence::new();
        evidence.set("scan", "/metadata/scanFinishedOn", broken);
        evidence.link();
        assert_eq!(failed(&evidence.verify()), ["scan-age"]);
    }
}

#[test]
fn provenance_names_its_builder_and_reaches_the_level() {
    for nobody in [json!(""), json!(null), json!(7)] {
        let mut evidence = Evidence::new();
        evidence.set("provenance", "/runDetails/builder/id", nobody);
        assert_eq!(failed(&evidence.verify()), ["provenance"]);
    }
    let mut elsewhere = Evidence::new();
    let uri = "/buildDefinition/resolvedDependencies/0/uri";
    elsewhere.set("provenance", uri, json!("git+https://github.com/acme/lab@refs/tags/v1.2.3"));
    let why_not = "the provenance names the repository \"acme/lab\", expected acme/shop";
    assert_eq!(why(&elsewhere.verify(), "provenance-source"), why_not);
    let mut unknown = Evidence::new();
    unknown.set("provenance", "/buildDefinition/externalParameters", json!({ "source": "oci:image", "flags": "-x" }));
    assert_eq!(failed(&unknown.verify()), ["provenance-parameters"]);
    let mut listed = rules();
    listed.provenance.parameters = vec!["flags".to_owned()];
    assert!(unknown.verify_by(listed, NOW).passed());
    let mut strict = rules();
    strict.provenance.level = 1;
    let report = Evidence::new().verify_by(strict, NOW);
    assert_eq!(failed(&report), ["provenance-level"]);
    assert_eq!(
        why(&report, "provenance-level"),
        "the evidence supports level 0, expected 1: a key says nothing about who builds"
    );
}

#[test]
fn every_statement_names_the_source_of_the_builder() {
    // One that does not is left aside, and then missing.
    for (name, fails) in [
        ("signature", &["signature"][..]),
        ("decision", &["decision", "decision-policy", "decision-inputs"]),
        ("scan", &["decision-inputs", "scan", "scan-age"]),
        ("provenance", &["provenance", "provenance-level", "provenance-source", "provenance-parameters"]),
    ] {
        let mut evidence = Evidence::new();
        let annotations = &mut evidence.statement(name).subject[0].annotations;
        annotations.insert("dev.sealwright.source.repository-id".into(), "999".into());
        if name == "scan" {
            evidence.link();
        }
        let report = evidence.verify();
        assert_eq!(failed(&report), fails, "{name}");
        assert_eq!(report.left_aside, ["the statement names the repository id \"999\""]);
    }
    let mut foreign = Evidence::new();
    for (_, statement) in &mut foreign.statements {
        statement.subject[0].annotations.clear();
    }
    foreign.link();
    let report = foreign.verify();
    assert_eq!(why(&report, "source"), "the statement names the repository none");
    assert!(failed(&report).contains(&"signature"));
    // A builder without a source takes them.
    let anybody = Builder { source: None, ..builder("release") };
    let report = foreign.verify_with(&[anchored(anybody, &foreign.key)], NOW);
    assert!(report.passed());
    assert!(matches!(outcome(&report, "source"), Outcome::NotChecked(_)));
}

#[test]
fn without_any_statement_the_source_fails_too() {
    let mut evidence = Evidence::new();
    evidence.statements.clear();
    let report = evidence.verify();
    assert_eq!(why(&report, "evidence"), "no bundle is stored with the image");
    assert_eq!(why(&report, "source"), "there is no statement");
    assert_eq!(report.level, None);
}

#[test]
fn so_many_different_signers_have_signed_and_one_who_signs_twice_counts_once() {
    let (mut evidence, second, stranger) = (Evidence::new(), TestKey::p256(), TestKey::p256());
    let signature = golden("signature");
    let anchors = |evidence: &Evidence, threshold: u64, of: &[&str]| {
        let mut demanding = builder("release");
        let of = of.iter().map(|name| (*name).to_owned()).collect();
        demanding.evidence.signers = SignersRule { threshold, of };
        // Who countersigns is asked for nothing else.
        [anchored(demanding, &evidence.key), anchored(builder("security"), &second)]
    };
    let verify = |evidence: &Evidence, threshold: u64, of: &[&str]| {
        let builders = anchors(evidence, threshold, of);
        let policy = Requirement::Policy { policy: &evidence.policy, builders: &builders };
        verify_image(&evidence.image(), &policy, NOW.parse().expect("time"), &Limits::default())
    };
    // The same key again, a stranger's, and an attestation of the second one: none of them is a second signature.
    let mut again = signature.clone();
    again.predicate = json!({ "again": true });
    evidence.noise.push(evidence.key.bundle(&again.to_bytes()).to_bytes());
    evidence.noise.push(stranger.bundle(&signature.to_bytes()).to_bytes());
    evidence.noise.push(second.bundle(&golden("cyclonedx").to_bytes()).to_bytes());
    let one = evidence.key.public().fingerprint();
    let report = verify(&evidence, 2, &[]);
    assert_eq!(failed(&report), ["signers"]);
    assert_eq!(why(&report, "signers"), format!("2 different signers are asked for, found 1: {one}"));
    assert!(verify(&evidence, 1, &[]).passed());
    assert_eq!(failed(&verify(&evidence, 1, &["security"])), ["signers"]);
    // One about another source is not this image's either.
    let mut elsewhere = signature.clone();
    elsewhere.subject[0].annotations.insert("dev.sealwright.source.repository-id".into(), "999".into());
    evidence.noise.push(second.bundle(&elsewhere.to_bytes()).to_bytes());
    assert_eq!(failed(&verify(&evidence, 2, &[])), ["signers"]);
    evidence.noise.push(second.bundle(&signature.to_bytes()).to_bytes());
    assert!(verify(&evidence, 2, &[]).passed());
    assert!(verify(&evidence, 2, &["release", "security"]).passed());
    assert!(verify(&evidence, 1, &["security"]).passed());
    assert_eq!(failed(&verify(&evidence, 2, &["release"])), ["signers"]);
    assert_eq!(failed(&verify(&evidence, 3, &[])), ["signers"]);
    // What was sealed just now is signed by the others later.
    let builders = anchors(&evidence, 3, &[]);
    let sealed = Requirement::Sealed { policy: &evidence.policy, builders: &builders };
    let report = verify_image(&evidence.image(), &sealed, NOW.parse().expect("time"), &Limits::default());
    assert!(report.passed());
    assert!(matches!(outcome(&report, "signers"), Outcome::NotChecked(_)));
}

#[test]
fn the_documents_that_count_are_at_hand() {
    let mut evidence = Evidence::new();
    let cyclonedx = evidence.statement("cyclonedx").predicate.clone();
    assert_eq!(evidence.verify().sboms, [cyclonedx]);
    let spdx = evidence.statement("spdx").predicate.clone();
    evidence.without("cyclonedx");
    assert_eq!(evidence.verify().sboms, [spdx]);
    let report = evidence.verify_with(&[anchored(builder("release"), &TestKey::p256())], NOW);
    assert_eq!(report.sboms, Vec::<serde_json::Value>::new(), "of somebody else none counts");
}

#[test]
fn no_builder_is_nobody_and_not_anybody() {
    let report = Evidence::new().verify_with(&[], NOW);
    assert!(!report.passed());
    assert_eq!(why(&report, "signer"), "the trust file names no builder");
}

#[test]
fn of_builders_that_fail_alike_the_first_is_reported() {
    let mut evidence = Evidence::new();
    evidence.statements.clear();
    let report = |names: [&str; 3]| {
        let builders = names.map(|name| anchored(builder(name), &evidence.key));
        evidence.verify_with(&builders, NOW).builder
    };
    assert_eq!(report(["first", "second", "third"]).as_deref(), Some("first"));
    assert_eq!(report(["third", "second", "first"]).as_deref(), Some("third"));
}

#[test]
fn an_image_below_an_index_needs_its_own_decision_sbom_and_scan_only() {
    let verify = |evidence: &Evidence| {
        let builders = [anchored(builder("release"), &evidence.key)];
        let requirement = Requirement::Child { policy: &evidence.policy, builders: &builders };
        verify_image(&evidence.image(), &requirement, NOW.parse().expect("time"), &Limits::default())
    };
    let mut evidence = Evidence::new();
    evidence.without("signature");
    evidence.without("provenance");
    let report = verify(&evidence);
    assert!(report.passed(), "{report:#?}");
    let names: Vec<&str> = report.checks.iter().map(|check| check.name).collect();
    assert!(names.contains(&"decision-inputs") && names.contains(&"sbom") && names.contains(&"scan-age"));
    assert!(!names.contains(&"signature") && !names.contains(&"provenance"));
    for (name, fails) in [
        ("decision", &["decision", "decision-policy", "decision-inputs"][..]),
        ("cyclonedx", &["decision-inputs", "sbom"]),
        ("scan", &["decision-inputs", "scan", "scan-age"]),
    ] {
        let mut evidence = Evidence::new();
        evidence.without(name);
        assert_eq!(failed(&verify(&evidence)), fails, "{name}");
    }
}
