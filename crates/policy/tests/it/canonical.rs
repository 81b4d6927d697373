//! One digest for one meaning.

use sealwright_policy::Policy;

use crate::{WHOLE, read};

#[test]
fn spelling_and_order_do_not_matter_and_waivers_stand_beside() {
    let digest = |text: &str| read(text).expect(text).digest();
    let one = digest(WHOLE);
    assert_eq!(digest(&WHOLE.replace("formats: [spdx, cyclonedx]", "formats: [cyclonedx, spdx]")), one);
    assert_eq!(digest(&WHOLE.replace("[release, by-hand]", "[by-hand, release, release]")), one);
    assert_eq!(digest(&WHOLE.replace("[release, push]", "[push, release]")), one);
    assert_eq!(digest(&WHOLE.replace("[low, medium]", "[medium, low]")), one);
    assert_eq!(digest(&WHOLE.replace("[\"**/.env\", \"**/.git/**\"]", "[\"**/.git/**\", '**/.env']")), one);
    assert_eq!(digest(&WHOLE.replace("max-age: 7d", "max-age: 168h")), one);
    assert_eq!(digest(&WHOLE.replace("CVE-2024-0001", "CVE-2024-0002")), one);
}

const OLDER: &str =
    "decision: { policies: [\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"] }";

#[test]
fn every_rule_is_part_of_it() {
    let one = read(WHOLE).expect("whole").digest();
    for (from, to) in [
        ("shop/**", "lab/**"),
        ("repository: acme/shop", "repository: acme/lab"),
        ("repository-id: 123456", "repository-id: 123457"),
        ("owner-id: 42", "owner-id: 43"),
        ("triggers: [release, push]", "triggers: [push]"),
        ("      triggers: [release, push]\n", ""),
        ("refs/heads/main", "refs/heads/dev"),
        ("issuer: github", "issuer: https://other.example"),
        ("seal.yml", "seal2.yml"),
        ("v1.2.*", "v1.3.*"),
        ("01234567\"]", "01234568\"]"),
        ("runner: github-hosted", "runner: self-hosted"),
        ("level: 3", "level: 2"),
        ("key: cosign.pub", "key: other.pub"),
        ("transparency: none", "transparency: required"),
        ("signature: { threshold: 2, of: [release, by-hand] }", "signature: optional"),
        ("threshold: 2", "threshold: 3"),
        ("of: [release, by-hand]", "of: [release]"),
        (", of: [release, by-hand]", ""),
        ("decision: optional", "decision: required"),
        ("decision: optional", "decision: { verifiers: [https://other.example/verifier] }"),
        ("decision: optional", OLDER),
        ("parameters: [inputs]", "parameters: [vars]"),
        ("[spdx, cyclonedx]", "[spdx]"),
        ("max-age: 7d", "max-age: 6d"),
        ("fail-on: high", "fail-on: low"),
        ("unknown-severity: report", "unknown-severity: fail"),
        ("known-exploited: fail", "known-exploited: report"),
        ("only-fixed: true", "only-fixed: false"),
        ("unknown-distro: report", "unknown-distro: fail"),
        ("max-advisory-age: off", "max-advisory-age: 9d"),
        ("**/.env", "**/.envrc"),
        ("waivable: [low, medium]", "waivable: [low]"),
    ] {
        assert!(WHOLE.contains(from), "{from}");
        let other = read(&WHOLE.replacen(from, to, 1)).unwrap_or_else(|e| panic!("{to}: {e}"));
        assert_ne!(other.digest(), one, "{from} → {to}");
    }
}

#[test]
fn the_name_of_a_builder_is_part_of_it() {
    let anybody = WHOLE.replace(", of: [release, by-hand]", "");
    let digest = |text: &str| read(text).expect(text).digest();
    assert_ne!(digest(&anybody), digest(&anybody.replace("name: release", "name: other")));
}

#[test]
fn the_form_is_canonical_json() {
    let bytes = Policy::built_in().canonical();
    let value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(sealwright_core::canonical_json::to_vec(&value), bytes);
    assert!(!String::from_utf8(read(WHOLE).expect("whole").canonical()).expect("text").contains("waivers"));
}
