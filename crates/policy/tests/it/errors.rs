//! What a wrong file is told, and where.

use sealwright_policy::{PolicyError, parse};

use crate::{NO_PARENT, WHOLE, child, read};

/// The whole file with one text replaced, and the error that follows.
#[track_caller]
fn broken(from: &str, to: &str) -> PolicyError {
    assert!(WHOLE.contains(from), "{from}");
    read(&WHOLE.replacen(from, to, 1)).expect_err(to)
}

#[test]
fn every_error_names_its_line_its_key_and_what_was_expected() {
    let cases = [
        ("version: 1", "version: 2", 1, "version", "version 1"),
        ("gate:", "gates:", 21, "", "did you mean gate?"),
        ("fail-on: high", "fail-on: hihg", 22, "gate.fail-on", "negligible, low, medium, high, critical"),
        ("fail-on: high", "failon: high", 22, "gate", "did you mean fail-on?"),
        ("unknown-severity: report", "unknown-severity: ignore", 23, "gate.unknown-severity", "fail or report"),
        ("only-fixed: true", "only-fixed: maybe", 25, "gate.only-fixed", "true or false"),
        ("max-advisory-age: off", "max-advisory-age: 5 days", 27, "gate.max-advisory-age", "7d"),
        ("max-advisory-age: off", "max-advisory-age: 0d", 27, "gate.max-advisory-age", "7d"),
        ("max-advisory-age: off", "grace: { high: 14d }", 27, "gate.grace", "cannot enforce"),
        ("max-advisory-age: off", "epss-at-least: 0.5", 27, "gate.epss-at-least", "cannot enforce"),
        ("gate:", "pin: { minimum: 100 }\ngate:", 21, "pin", "cannot enforce"),
        ("[\"**/.env\", \"**/.git/**\"]", "[\"/etc\"]", 28, "gate.contents.deny[0]", "slashes"),
        ("[\"**/.env\", \"**/.git/**\"]", "[]", 28, "gate.contents.deny", "at least one"),
        ("waivable: [low, medium]", "waivable: [bad]", 29, "gate.waivable[0]", "severity"),
        ("reason: \"not reachable\", ", "", 31, "gate.waivers[0]", "reason is missing"),
        ("reason: \"not reachable\"", "reason: \"\"", 31, "gate.waivers[0].reason", "empty"),
        ("expires: 2027-01-31", "expires: 2027-02-31", 31, "gate.waivers[0].expires", "2027-01-31"),
        ("\"pkg:deb/debian/zlib1g\"", "zlib1g", 31, "gate.waivers[0].package", "package URL"),
        ("key: cosign.pub", "key: awskms:///alias/x", 13, "builders[1].key", "sealwright public-key"),
        ("key: cosign.pub", "kez: cosign.pub", 12, "builders[1]", "keyless"),
        ("transparency: none", "transparency: maybe", 14, "builders[1].transparency", "required or none"),
        ("name: by-hand", "name: release", 12, "builders[1]", "another builder"),
        ("issuer: github", "issuer: https://*.example", 7, "builders[0].keyless.issuer", "without patterns"),
        ("issuer: github", "issuer: http://plain.example", 7, "builders[0].keyless.issuer", "https://"),
        ("tags: [\"v1.2.*\"]", "tags: [\"*\"]", 8, "builders[0].keyless.workflow.tags[0]", "every tag"),
        (
            "\"0123456789abcdef0123456789abcdef01234567\"",
            "\"0123456789abcdef*\"",
            8,
            "builders[0].keyless.workflow.commits[0]",
            "40",
        ),
        (
            "\"0123456789abcdef0123456789abcdef01234567\"",
            "\"0123456789abcdef\"",
            8,
            "builders[0].keyless.workflow.commits[0]",
            "40",
        ),
        (
            "\"0123456789abcdef0123456789abcdef01234567\"",
            "\"0123456789ABCDEF0123456789ABCDEF01234567\"",
            8,
            "builders[0].keyless.workflow.commits[0]",
            "lower-case",
        ),
        (
            "path: acme/ci/.github/workflows/seal.yml",
            "path: acme/ci/*.yml",
            8,
            "builders[0].keyless.workflow.path",
            "without patterns",
        ),
        ("repository: acme/shop", "repository: acme/*", 5, "builders[0].source.repository", "without patterns"),
        ("refs: [refs/heads/main", "refs: [main", 5, "builders[0].source.refs", "full refs"),
        ("runner: github-hosted", "runner: mine", 9, "builders[0].keyless.runner", "self-hosted"),
        ("level: 3", "level: 4", 11, "builders[0].evidence.provenance.level", "0 to 3"),
        (
            "signature: { threshold: 2, of: [release, by-hand] }",
            "signature: yes",
            16,
            "evidence.signature",
            "required or optional",
        ),
        ("threshold: 2", "threshold: 0", 16, "evidence.signature.threshold", "at least 1"),
        ("threshold: 2", "treshold: 2", 16, "evidence.signature", "did you mean threshold?"),
        ("of: [release, by-hand]", "of: []", 16, "evidence.signature.of", "nobody's"),
        (
            "of: [release, by-hand]",
            "of: [release, by-foot]",
            16,
            "evidence.signature.of",
            "no builder named \"by-foot\"",
        ),
        ("decision: optional", "decision: { verifier: [x] }", 17, "evidence.decision", "did you mean verifiers?"),
        ("decision: optional", "decision: { verifiers: [\"\"] }", 17, "evidence.decision.verifiers[0]", "empty"),
        (
            "decision: optional",
            "decision: { policies: [\"sha256:9f2c\"] }",
            17,
            "evidence.decision.policies[0]",
            "sha256",
        ),
        ("parameters: [inputs]", "parameters: inputs", 11, "builders[0].evidence.provenance.parameters", "a list"),
        ("formats: [spdx, cyclonedx]", "formats: []", 18, "evidence.sbom.formats", "empty"),
        ("images: [\"registry.example/shop/**\"]", "images: []", 2, "images", "at least one"),
        ("max-age: 7d", "max-age: 36500d", 19, "evidence.scan.max-age", "7d"),
        ("max-age: 7d", "max-age: 7w", 19, "evidence.scan.max-age", "7d"),
        ("triggers: [release, push]", "triggers: []", 10, "builders[0].keyless.triggers", "at least one event"),
        ("triggers: [release, push]", "triggers: [\"*\"]", 10, "builders[0].keyless.triggers[0]", "for example push"),
        ("owner-id: 42", "owner-id: acme", 5, "builders[0].source.owner-id", "whole number"),
    ];
    for (from, to, line, key, expected) in cases {
        let error = broken(from, to);
        assert_eq!((error.at.line, error.key.as_str()), (line, key), "{to}: {error}");
        assert!(error.message.contains(expected), "{to}: {error}");
        let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
        let shown = format!("trust.yaml:{line}:{}: {key}{}", error.at.column, error.message);
        assert_eq!(error.to_string(), shown);
        assert!(error.at.column >= 1, "{error}");
    }
}

#[test]
fn an_error_says_what_was_written_instead() {
    for (written, kind) in [
        ("~", "nothing"),
        ("true", "true or false"),
        ("1", "a number"),
        ("0.5", "a number"),
        ("[high]", "a list"),
        ("{ high: 1 }", "a map"),
    ] {
        let error = broken("fail-on: high", &format!("fail-on: {written}"));
        assert!(error.message.starts_with(&format!("this is {kind}, expected ")), "{error}");
    }
    let error = broken("[\"**/.env\", \"**/.git/**\"]", "all");
    assert!(error.message.starts_with("this is a text, expected "), "{error}");
}

#[test]
fn an_identity_is_one_and_anchored() {
    let keyless =
        |text: &str| read(&format!("version: 1\nbuilders:\n  - name: a\n    keyless: {{ issuer: github, {text} }}\n"));
    for (text, expected) in [
        ("identity: a, identity-regexp: \"^a$\"", "one of"),
        ("runner: github-hosted", "one of"),
        ("identity: []", "at least one identity"),
        ("identity: [a, \"\"]", "empty"),
        ("identity-regexp: \"https://a/.*\"", "not anchored"),
        ("identity-regexp: \"^https://a\"", "not anchored"),
        ("identity-regexp: \"^https://a\\\\$\"", "not anchored"),
        ("identity-regexp: \"^.*$\"", "every name"),
        ("identity-regexp: \"^(.+)$\"", "every name"),
        ("identity-regexp: \"^a($\"", "regular expression: regex parse error"),
        // `^(?:https://a)|(?:b)$` would match everything that ends in b.
        ("identity-regexp: \"^https://a)|(?:b$\"", "regular expression"),
        ("workflow: { path: o/r/.github/workflows/w.yml }", "tags"),
        ("workflow: { path: o/r/workflows/w.yml, tags: [\"v1.*\"] }", "without patterns"),
        ("workflow: { path: o/r/.github/workflows/*.yml, tags: [\"v1.*\"] }", "without patterns"),
    ] {
        let error = keyless(text).expect_err(text);
        assert!(error.message.contains(expected), "{text}: {error}");
    }
    assert!(keyless("identity-regexp: \"^https://a/.+$\"").is_ok());
    let none =
        read("version: 1\nbuilders: [{ name: a, keyless: { issuer: github, identity: x }, transparency: none }]\n");
    assert!(none.expect_err("no log").message.contains("proves nothing"));
    let both = read("version: 1\nbuilders: [{ name: a, key: k, keyless: { issuer: github, identity: x } }]\n");
    assert!(both.expect_err("two identities").message.contains("both"));
    let nobody = read("version: 1\nbuilders: [{ name: a }]\n");
    assert!(nobody.expect_err("no identity").message.contains("anybody"));
}

#[test]
fn files_that_are_no_trust_files_are_told_so() {
    for (text, expected) in [
        ("", "a map"),
        ("[]", "a map"),
        ("version: 1", "builders is missing"),
        ("builders: []", "version is missing"),
        ("version: 1\nbuilders: []\n", "empty"),
        ("version: 1\nversion: 1\n", "uplicate"),
        ("a: [", ""),
        ("version: one", "whole number"),
    ] {
        let error = read(text).expect_err(text);
        assert!(error.message.contains(expected), "{text:?}: {error}");
    }
    let error = parse(b"version: 1 # \xff\n", "trust.yaml", NO_PARENT).expect_err("no UTF-8");
    assert!(error.message.contains("UTF-8"), "{error}");
}

#[test]
fn a_parent_has_to_be_there_and_to_be_the_one_that_is_meant() {
    let digest = "a".repeat(64);
    let with =
        |file: &str, digest: &str| read(&format!("version: 1\nextends: {{ file: {file}, sha256: \"{digest}\" }}\n"));
    let error = with("org.yaml", &digest).expect_err("absent");
    assert!(error.message.contains("there is none") && error.at.line == 2, "{error}");
    assert!(with("org.yaml", "abc").expect_err("no digest").message.contains("64"));
    let parent = |_: &str| Ok(WHOLE.as_bytes().to_vec());
    let text = format!("version: 1\nextends: {{ file: org.yaml, sha256: \"{digest}\" }}\n");
    let error = parse(text.as_bytes(), "trust.yaml", &parent).expect_err("another");
    assert!(error.message.contains("has the digest") && error.key == "extends.sha256", "{error}");
    // A mistake in the parent is told with the parent's name.
    let error = child("version: 1\n", "").expect_err("parent");
    assert_eq!(error.file, "org.yaml");
}

#[test]
fn files_that_extend_one_another_end_somewhere() {
    fn chain(depth: u32) -> String {
        if depth == 0 {
            return "version: 1\nbuilders: [{ name: a, key: k }]\n".to_owned();
        }
        let parent = chain(depth - 1);
        let digest = sealwright_core::Digest::of(parent.as_bytes()).hex();
        format!("version: 1\nextends: {{ file: \"{}\", sha256: \"{digest}\" }}\n", depth - 1)
    }
    let read = |depth: u32| {
        parse(chain(depth).as_bytes(), "trust.yaml", &|file: &str| Ok(chain(file.parse().expect("depth")).into_bytes()))
    };
    assert!(read(4).is_ok());
    assert!(read(5).expect_err("too deep").message.contains("more than 4"));
}
