use sealwright_core::{AdvisoryId, AffectedPackage, Fix, Purl, Severity, Vulnerability};
use sealwright_policy::Word;

use super::*;
use crate::{ClearedImage, NotCleared};

fn now() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().expect("time")
}

fn flaw(severity: Option<Severity>) -> Vulnerability {
    Vulnerability {
        id: AdvisoryId::new("CVE-2026-1"),
        aliases: vec![AdvisoryId::new("GHSA-1")],
        package: AffectedPackage {
            name: "zlib".into(),
            version: "1".into(),
            purl: Purl::new("apk", Some("alpine"), "zlib").with_version("1"),
        },
        severity,
        severity_source: None,
        known_exploited: false,
        fix: Fix::FixedIn("2".into()),
        evidence: vec![],
        summary: None,
    }
}

fn decide(findings: Vec<Finding>, rules: &GateRules) -> Decision {
    match judge(Evidence { subject: Digest::of(b"image"), findings, ages: &[] }, rules, now()) {
        Judgment::Cleared(cleared) => {
            assert_eq!(cleared.subject(), Digest::of(b"image"));
            assert_eq!(cleared.decision().outcome, Outcome::Pass);
            cleared.decision().clone()
        }
        Judgment::Refused(decision) => {
            assert_eq!(decision.outcome, Outcome::Refuse);
            decision
        }
    }
}

/// The rule that refuses, or `waived` or `reported`.
fn fate(vulnerability: Vulnerability, rules: &GateRules) -> String {
    let decision = decide(vec![Finding::Vulnerability(Box::new(vulnerability))], rules);
    match (decision.refused.as_slice(), decision.waived.as_slice()) {
        ([refused], []) => refused.rule.clone(),
        ([], [_]) => "waived".into(),
        ([], []) => "reported".into(),
        _ => panic!("{decision:?}"),
    }
}

fn waiver() -> Waiver {
    Waiver { id: "CVE-2026-1".into(), package: None, reason: "r".into(), owner: Some("o".into()), expires: None }
}

#[test]
fn severities_from_the_threshold_on_are_refused() {
    let rules = GateRules { fail_on: Some(Severity::High), ..GateRules::default() };
    for (severity, expected) in [
        (Severity::Negligible, "reported"),
        (Severity::Medium, "reported"),
        (Severity::High, "gate.fail-on"),
        (Severity::Critical, "gate.fail-on"),
    ] {
        assert_eq!(fate(flaw(Some(severity)), &rules), expected, "{severity}");
    }
    assert_eq!(fate(flaw(Some(Severity::Critical)), &GateRules { fail_on: None, ..rules }), "reported");
}

#[test]
fn an_unknown_severity_follows_its_own_word() {
    assert_eq!(fate(flaw(None), &GateRules::default()), "gate.unknown-severity");
    assert_eq!(fate(flaw(None), &GateRules { unknown_severity: Word::Report, ..GateRules::default() }), "reported");
}

#[test]
fn known_exploitation_is_refused_also_without_a_fix_and_below_the_threshold() {
    let exploited = Vulnerability { known_exploited: true, fix: Fix::NoneKnown, ..flaw(Some(Severity::Low)) };
    let rules = GateRules { only_fixed: true, ..GateRules::default() };
    assert_eq!(fate(exploited.clone(), &rules), "gate.known-exploited");
    assert_eq!(fate(exploited, &GateRules { known_exploited: Word::Report, ..rules }), "reported");
    assert_eq!(fate(flaw(Some(Severity::Low)), &GateRules::default()), "reported");
}

#[test]
fn only_fixed_reports_what_has_no_fix() {
    let unfixed = Vulnerability { fix: Fix::NoneKnown, ..flaw(Some(Severity::Critical)) };
    let rules = GateRules { only_fixed: true, ..GateRules::default() };
    assert_eq!(fate(unfixed.clone(), &rules), "reported");
    assert_eq!(fate(flaw(Some(Severity::Critical)), &rules), "gate.fail-on");
    assert_eq!(fate(unfixed, &GateRules::default()), "gate.fail-on");
}

#[test]
fn a_waiver_names_the_flaw_by_any_name_and_the_package_if_it_wants() {
    let critical = || flaw(Some(Severity::Critical));
    let with = |waiver: Waiver| GateRules { waivers: vec![waiver], ..GateRules::default() };
    assert_eq!(fate(critical(), &with(waiver())), "waived");
    assert_eq!(fate(critical(), &with(Waiver { id: "GHSA-1".into(), ..waiver() })), "waived");
    assert_eq!(fate(critical(), &with(Waiver { id: "CVE-2026-2".into(), ..waiver() })), "gate.fail-on");
    let package = |text: &str| Some(text.parse::<Purl>().expect("purl"));
    assert_eq!(fate(critical(), &with(Waiver { package: package("pkg:apk/alpine/zlib"), ..waiver() })), "waived");
    assert_eq!(fate(critical(), &with(Waiver { package: package("pkg:apk/alpine/musl"), ..waiver() })), "gate.fail-on");
    let decision = decide(vec![Finding::Vulnerability(Box::new(critical()))], &with(waiver()));
    let waived = &decision.waived[0];
    assert_eq!(
        (waived.rule.as_str(), waived.reason.as_str(), waived.owner.as_deref()),
        ("gate.fail-on", "r", Some("o"))
    );
}

#[test]
fn a_waiver_holds_through_its_last_day_and_is_a_finding_afterwards() {
    let on = |day: &str| GateRules {
        waivers: vec![Waiver { expires: Some(day.parse().expect("day")), ..waiver() }],
        ..GateRules::default()
    };
    assert_eq!(fate(flaw(Some(Severity::Critical)), &on("2026-06-15")), "waived");
    assert_eq!(fate(flaw(Some(Severity::Critical)), &on("2026-06-14")), "gate.fail-on");
    let decision = decide(vec![Finding::Vulnerability(Box::new(flaw(Some(Severity::Critical))))], &on("2026-06-14"));
    assert_eq!(decision.reported.iter().map(Finding::id).collect::<Vec<_>>(), [FindingId::ExpiredWaiver]);
    // One that still holds beside an expired one is enough.
    let mut both = on("2026-06-14");
    both.waivers.push(waiver());
    assert_eq!(fate(flaw(Some(Severity::Critical)), &both), "waived");
}

#[test]
fn the_ceiling_says_what_may_be_waived() {
    let with = |waivable: &[Severity]| GateRules {
        waivable: Some(waivable.to_vec()),
        waivers: vec![waiver()],
        fail_on: Some(Severity::Low),
        ..GateRules::default()
    };
    assert_eq!(fate(flaw(Some(Severity::High)), &with(&[Severity::High])), "waived");
    assert_eq!(fate(flaw(Some(Severity::Critical)), &with(&[Severity::High])), "gate.fail-on");
    assert_eq!(fate(flaw(None), &with(&[Severity::High])), "gate.unknown-severity");
    assert_eq!(fate(flaw(None), &with(&Severity::ALL)), "waived");
}

#[test]
fn each_observation_has_its_rule_and_those_of_archives_cannot_be_waived() {
    for id in FindingId::ALL {
        if id == FindingId::Vulnerability {
            continue;
        }
        let finding = || vec![Finding::observation(id, Place::default(), "x")];
        let strict = decide(finding(), &GateRules::default());
        let expected = match id.word() {
            "expired-waiver" => None,
            "unknown-distribution" | "no-advisories-for-release" => Some("gate.unknown-distro"),
            "stale-advisories" => Some("gate.max-advisory-age"),
            "denied-content" => Some("gate.contents.deny"),
            word if word.starts_with("archive-") => Some("archive"),
            _ => Some("unreadable"),
        };
        assert_eq!(strict.refused.first().map(|r| r.rule.as_str()), expected, "{id}");
        let waivers = vec![Waiver { id: id.word().into(), ..waiver() }];
        let waived = decide(finding(), &GateRules { waivers: waivers.clone(), ..GateRules::default() });
        let waivable =
            ["denied-content", "unreadable-metadata", "skipped-for-size", "hidden-by-link", "uncomparable-version"];
        assert_eq!(waived.waived.len(), usize::from(waivable.contains(&id.word())), "{id}");
        let package = Some(Purl::new("apk", None, "x"));
        let narrowed = vec![Waiver { package, ..waivers[0].clone() }];
        assert!(decide(finding(), &GateRules { waivers: narrowed, ..GateRules::default() }).waived.is_empty(), "{id}");
        let report = GateRules { unknown_distro: Word::Report, ..GateRules::default() };
        let reported = decide(finding(), &report).refused.is_empty();
        assert_eq!(reported, matches!(expected, None | Some("gate.unknown-distro")), "{id}");
    }
}

#[test]
fn advisories_are_stale_one_second_past_the_limit() {
    let judge_at = |newest: Option<&str>, most: Option<u64>| {
        let newest = newest.map(|t| t.parse().expect("time"));
        let ages = [EcosystemAge { ecosystem: "Alpine".into(), newest }];
        let rules = GateRules { max_advisory_age: most, ..GateRules::default() };
        match judge(Evidence { subject: Digest::of(b""), findings: vec![], ages: &ages }, &rules, now()) {
            Judgment::Cleared(_) => None,
            Judgment::Refused(decision) => Some(decision.refused[0].clone()),
        }
    };
    let day = Some(86_400);
    assert_eq!(judge_at(Some("2026-06-14T12:00:00Z"), day), None);
    let stale = judge_at(Some("2026-06-14T11:59:59Z"), day).expect("stale");
    assert_eq!((stale.finding.id(), stale.rule.as_str()), (FindingId::StaleAdvisories, "gate.max-advisory-age"));
    assert_eq!(judge_at(Some("2026-06-20T00:00:00Z"), day), None, "a record from the future is not old");
    assert!(judge_at(None, day).is_some(), "no record at all is stale");
    assert_eq!(judge_at(None, None), None);
    let Some(Refused { finding: Finding::Observation { detail, .. }, .. }) =
        judge_at(Some("2026-06-05T12:00:00Z"), day)
    else {
        panic!("stale")
    };
    assert!(detail.raw().contains("10 days"), "{detail}");
}

#[test]
fn a_waiver_of_several_images_is_named_once_for_the_index() {
    let rules = GateRules { waivers: vec![waiver()], ..GateRules::default() };
    let cleared = |name: &[u8]| {
        let findings = vec![Finding::Vulnerability(Box::new(flaw(Some(Severity::Critical))))];
        match judge(Evidence { subject: Digest::of(name), findings, ages: &[] }, &rules, now()) {
            Judgment::Cleared(cleared) => cleared,
            Judgment::Refused(decision) => panic!("{decision:?}"),
        }
    };
    let digests = [Digest::of(b"a"), Digest::of(b"b")];
    let children = vec![cleared(b"a"), cleared(b"b")];
    let merged = ClearedImage::index(Digest::of(b"index"), &digests, children).expect("both").merged();
    assert_eq!((merged.waived.len(), merged.refused.len()), (1, 0));
}

#[test]
fn an_index_is_cleared_only_when_exactly_its_images_are() {
    let cleared = |name: &[u8], findings: Vec<Finding>| match judge(
        Evidence { subject: Digest::of(name), findings, ages: &[] },
        &GateRules::default(),
        now(),
    ) {
        Judgment::Cleared(cleared) => cleared,
        Judgment::Refused(decision) => panic!("{decision:?}"),
    };
    let (root, a, b) = (Digest::of(b"index"), Digest::of(b"a"), Digest::of(b"b"));
    let low = || vec![Finding::Vulnerability(Box::new(flaw(Some(Severity::Low))))];
    let image = ClearedImage::index(root, &[a, b], vec![cleared(b"a", low()), cleared(b"b", low())]).expect("both");
    assert_eq!((image.root(), image.children().len()), (root, 2));
    let merged = image.merged();
    assert_eq!((merged.outcome, merged.reported.len()), (Outcome::Pass, 1));
    let missing = ClearedImage::index(root, &[a, b], vec![cleared(b"a", vec![])]);
    assert_eq!(missing.expect_err("b is missing"), NotCleared::Missing { index: root, missing: b });
    let foreign = ClearedImage::index(root, &[a], vec![cleared(b"a", vec![]), cleared(b"b", vec![])]);
    assert_eq!(foreign.expect_err("b is foreign"), NotCleared::Foreign { index: root, other: b });
    assert_eq!(ClearedImage::index(root, &[], vec![]).expect_err("empty"), NotCleared::Empty { index: root });
    assert_eq!(ClearedImage::single(cleared(b"a", vec![])).root(), a);
}
