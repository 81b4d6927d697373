//! What a right file means.

use sealwright_core::{Repository, Severity};
use sealwright_policy::{BuilderIdentity, GateRules, Policy, Runner, SbomFormat, SubjectRule, Transparency, Word};

use crate::{WHOLE, read};

#[test]
fn every_key_arrives() {
    let policy = read(WHOLE).expect("whole");
    let [release, by_hand] = policy.builders.as_slice() else { panic!("two builders") };
    let source = release.source.as_ref().expect("source");
    assert_eq!((source.repository.as_deref(), source.repository_id), (Some("acme/shop"), Some(123_456)));
    assert_eq!(source.owner_id, Some(42));
    assert_eq!(source.refs.len(), 2);
    let BuilderIdentity::Keyless(keyless) = &release.identity else { panic!("keyless") };
    assert_eq!(keyless.issuer, "https://token.actions.githubusercontent.com");
    assert_eq!(keyless.runner, Some(Runner::GithubHosted));
    assert_eq!(keyless.triggers, ["push", "release"]);
    assert_eq!((release.transparency, by_hand.transparency), (Transparency::Required, Transparency::None));
    assert!(matches!(&by_hand.identity, BuilderIdentity::Key(key) if key.file == "cosign.pub"));
    assert_eq!((release.evidence.provenance.level, by_hand.evidence.provenance.level), (3, 1));
    let evidence = &policy.evidence;
    assert_eq!((evidence.signers.threshold, evidence.signers.of.join(" ")), (2, "by-hand release".to_owned()));
    assert_eq!(release.evidence.provenance.parameters, ["inputs"]);
    assert!(by_hand.evidence.provenance.parameters.is_empty() && evidence.verifiers.is_empty());
    assert!(evidence.signature && !evidence.decision && evidence.sbom.required && evidence.scan.required);
    assert_eq!(evidence.sbom.formats, [SbomFormat::CycloneDx, SbomFormat::Spdx]);
    assert_eq!(evidence.scan.max_age, Some(7 * 86_400));
    let gate = &policy.gate;
    assert_eq!((gate.fail_on, gate.only_fixed, gate.max_advisory_age), (Some(Severity::High), true, None));
    let words = (gate.unknown_severity, gate.known_exploited, gate.unknown_distro);
    assert_eq!(words, (Word::Report, Word::Fail, Word::Report));
    assert_eq!(gate.waivable, Some(vec![Severity::Low, Severity::Medium]));
    assert_eq!((gate.contents_deny.len(), gate.waivers.len()), (2, 1));
    assert_eq!(gate.waivers[0].expires.map(|d| d.to_string()).as_deref(), Some("2027-01-31"));
}

#[test]
fn what_is_left_out_is_strict() {
    let policy = read("version: 1\nbuilders: [{ name: a, key: k.pub }]\n").expect("short");
    let built_in = Policy::built_in();
    assert_eq!(policy.evidence, built_in.evidence);
    assert_eq!(policy.gate, built_in.gate);
    assert_eq!(policy.builders[0].transparency, Transparency::Required);
    let gate = &policy.gate;
    assert_eq!((gate.fail_on, gate.max_advisory_age), (Some(Severity::Critical), Some(5 * 86_400)));
    assert_eq!([gate.unknown_severity, gate.known_exploited, gate.unknown_distro], [Word::Fail; 3]);
    assert!(policy.evidence.signature && policy.evidence.decision && policy.evidence.provenance.required);
    assert!(!gate.only_fixed && gate.waivers.is_empty());
}

#[test]
fn the_flags_of_a_scan_are_about_severities() {
    for only_fixed in [true, false] {
        let expected = GateRules {
            fail_on: Some(Severity::Medium),
            only_fixed,
            known_exploited: Word::Report,
            max_advisory_age: None,
            ..GateRules::default()
        };
        assert_eq!(GateRules::fail_on(Severity::Medium, only_fixed), expected);
    }
    assert_eq!([SbomFormat::CycloneDx, SbomFormat::Spdx].map(SbomFormat::word), ["cyclonedx", "spdx"]);
}

#[test]
fn the_images_of_a_file_are_those_of_its_patterns() {
    let covers = |images: &str, name: &str| {
        let text = format!("version: 1\nimages: {images}\nbuilders: [{{ name: a, key: k.pub }}]\n");
        read(&text).expect("file").covers(&name.parse::<Repository>().expect("repository"))
    };
    assert!(covers(r#"["registry.example/shop/**"]"#, "registry.example/shop/a/b"));
    assert!(!covers(r#"["registry.example/shop/**"]"#, "registry.example/other/a"));
    assert!(!covers(r#"["registry.example/shop/*"]"#, "registry.example/shop/a/b"));
    assert!(Policy::built_in().covers(&"any.example/x".parse().expect("repository")));
}

#[test]
fn subjects_match_as_a_whole() {
    let rule = |keyless: &str| {
        let text = format!("version: 1\nbuilders: [{{ name: a, keyless: {{ issuer: github, {keyless} }} }}]\n");
        let policy = read(&text).expect("file");
        match &policy.builders[0].identity {
            BuilderIdentity::Keyless(rule) => rule.subject.clone(),
            BuilderIdentity::Key(_) => panic!("keyless"),
        }
    };
    let exact = rule("identity: me@example.org");
    assert!(exact.matches("me@example.org") && !exact.matches("me@example.org.evil"));
    let several = rule("identity: [b@example.org, a@example.org, b@example.org]");
    assert!(several.matches("a@example.org") && several.matches("b@example.org") && !several.matches("c@example.org"));
    assert!(matches!(several, SubjectRule::OneOf(of) if of == ["a@example.org", "b@example.org"]));
    assert!(matches!(rule("identity: [me@example.org]"), SubjectRule::Exact(one) if one == "me@example.org"));
    let pattern = rule(r#"identity-regexp: "^https://a/.*|https://b$""#);
    assert!(pattern.matches("https://a/x") && pattern.matches("https://b"));
    assert!(!pattern.matches("https://bx") && !pattern.matches("x https://a/"));
    // Tags or commits alone are enough.
    let path = "path: o/r/.github/workflows/w.yml";
    rule(&format!(r#"workflow: {{ {path}, tags: ["v1.*"] }}"#));
    rule(&format!(r#"workflow: {{ {path}, commits: ["0123456789abcdef0123456789abcdef01234567"] }}"#));
    let workflow = rule(
        r#"workflow: { path: o/r/.github/workflows/w.yml, tags: ["v1.*"], commits: ["0123456789abcdef0123456789abcdef01234567"] }"#,
    );
    let at = |reference: &str| format!("https://github.com/o/r/.github/workflows/w.yml@{reference}");
    assert!(
        workflow.matches(&at("refs/tags/v1.2")) && workflow.matches(&at("0123456789abcdef0123456789abcdef01234567"))
    );
    for other in [
        "refs/tags/v2.0",
        "refs/heads/v1.2",
        "refs/heads/main",
        "0123456789abcdef0123456789abcdef01234568",
        "refs/tags/0123456789abcdef0123456789abcdef01234567",
    ] {
        assert!(!workflow.matches(&at(other)), "{other}");
    }
    assert!(!workflow.matches("https://github.com/o/r2/.github/workflows/w.yml@refs/tags/v1.2"));
    assert!(matches!(workflow, SubjectRule::Workflow { .. }));
}
