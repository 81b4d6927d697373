//! The rendering for Kyverno before 1.20: what its one policy says, what it refuses to say, and that the linter finds only its kind.

use std::collections::BTreeSet;

use sealwright_admission::lint::{Source, Version, lint};
use sealwright_admission::render::{Instance, Rendered, Settings, kyverno_legacy};
use serde_json::Value;

use crate::render::{KEY, KEYLESS, text, with_key};

fn render(trust_file: &str, settings: &Settings) -> Result<Rendered, String> {
    let policy = sealwright_policy::parse(trust_file.as_bytes(), "file", &|_| Err("none".into())).expect("trust file");
    kyverno_legacy(&policy, settings).map_err(|e| e.to_string())
}

fn object(rendered: &Rendered) -> Value {
    let [(name, text)] = rendered.files.as_slice() else { panic!("{:?}", rendered.files) };
    assert_eq!(name, "policy.yaml");
    serde_saphyr::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn verification(rendered: &Rendered) -> Value {
    object(rendered).pointer("/spec/rules/0/verifyImages/0").cloned().expect("verifyImages")
}

/// The conditions of an attestation, one per line.
fn conditions(verification: &Value, name: &str) -> String {
    let all = verification["attestations"].as_array().expect("attestations");
    let one = all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    let all = one.pointer("/conditions/0/all").and_then(Value::as_array).expect("conditions");
    assert!(all.iter().all(|one| one["operator"] == "Equals" && one["value"] == true), "{all:?}");
    all.iter().map(|one| one["key"].as_str().expect("key")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_signature_is_a_statement_of_its_own_type_by_an_anchored_identity() {
    let rendered = render(KEYLESS, &Settings::default()).expect("rendered");
    let verification = verification(&rendered);
    assert_eq!(text(&verification, "/type"), "SigstoreBundle");
    assert_eq!(verification.get("attestors"), None, "any bundle would count as a signature");
    assert_eq!(text(&verification, "/attestations/0/type"), "https://sigstore.dev/cosign/sign/v1");
    for attestation in verification["attestations"].as_array().expect("attestations") {
        assert!(text(attestation, "/type").starts_with("https://"), "{attestation}");
        assert_eq!(
            text(attestation, "/attestors/0/entries/0/keyless/subjectRegExp"),
            "^https://github\\.com/acme/ci/\\.github/workflows/seal\\.yml@(?:3f786850e387550fdab836ed7e6dc881de23001b|refs/tags/v2\\.[^/]*)$"
        );
        assert_eq!(text(attestation, "/attestors/0/count"), "1");
    }
    for (key, value) in
        [("mutateDigest", "true"), ("verifyDigest", "true"), ("required", "true"), ("failureAction", "Enforce")]
    {
        assert_eq!(text(&verification, &format!("/{key}")), value);
    }
    let object = object(&rendered);
    assert_eq!(text(&object, "/spec/webhookConfiguration/failurePolicy"), "Fail");
    assert_eq!(text(&object, "/metadata/annotations/sealwright.dev~1kyverno"), ">=1.19.1 <1.20");
    assert!(rendered.files[0].1.starts_with("# Made by") && rendered.files[0].1.contains("does nothing at all"));
}

#[test]
fn the_source_is_asked_of_the_provenance() {
    let rendered = render(KEYLESS, &Settings::default()).expect("rendered");
    let asked = conditions(&verification(&rendered), "provenance");
    for word in [
        r"regex_match('^git\+https://github\.com/acme/shop@(?:refs/heads/main|refs/tags/v[^/]*)$', uri || '')",
        "regex_match('^[0-9a-f]{40}([0-9a-f]{24})?$', digest.gitCommit || '')",
        "(buildDefinition.internalParameters.github.repository_id || '') == '123456'",
        "(buildDefinition.internalParameters.github.repository_owner_id || '') == '7890'",
        r"regex_match('^https://github\.com/acme/ci/\.github/workflows/seal\.yml@",
    ] {
        assert!(asked.contains(word), "{word} is not in {asked}");
    }
    let without = KEYLESS.to_owned() + "evidence: { provenance: { required: false } }\n";
    let refused = render(&without, &Settings::default()).expect_err("the source of nothing");
    assert!(refused.contains("can compare its `source` with provenance only"), "{refused}");
    let notes = rendered.notes.join("\n");
    for word in
        ["from Kyverno 1.20 on", "annotations are not read", "image volumes are refused", "`runner` and `triggers`"]
    {
        assert!(notes.contains(word), "{word} is not in {notes}");
    }
}

#[test]
fn a_key_without_a_log_needs_no_instance() {
    let rendered = render(KEY, &with_key()).expect("rendered");
    let keys = verification(&rendered).pointer("/attestations/0/attestors/0/entries/0/keys").cloned().expect("keys");
    assert_eq!((text(&keys, "/rekor/ignoreTlog"), text(&keys, "/ctlog/ignoreSCT")), ("true".into(), "true".into()));
    assert!(text(&keys, "/publicKeys").starts_with("-----BEGIN PUBLIC KEY-----\n"));
    assert_eq!(render(KEY, &Settings::default()).expect_err("no key"), "builder \"by-hand\" has no key");
    let kms = [("by-hand".to_owned(), "awskms:///arn:aws:kms:x".to_owned())].into();
    let rendered = render(KEY, &Settings { kms, ..with_key() }).expect("rendered");
    let keys = verification(&rendered).pointer("/attestations/0/attestors/0/entries/0/keys").cloned().expect("keys");
    assert_eq!((text(&keys, "/kms"), keys.get("publicKeys")), ("awskms:///arn:aws:kms:x".into(), None));
}

#[test]
fn an_instance_is_kyvernos_own() {
    let root = Instance::TrustedRoot { json: "{}".into(), logs: false };
    let refused = render(KEYLESS, &Settings { instance: root, ..Settings::default() }).expect_err("no place for it");
    assert!(refused.contains("cannot carry a trusted root"), "{refused}");
    let tuf = Instance::Tuf { url: "https://tuf.example".into(), root: None };
    let notes = render(KEYLESS, &Settings { instance: tuf, ..Settings::default() }).expect("rendered").notes.join("\n");
    assert!(notes.contains("--tufMirror=https://tuf.example"), "{notes}");
}

#[test]
fn what_differs_between_builders_is_refused_but_for_their_sources() {
    const LAB: &str = ", source: { repository: acme/lab }";
    let two = |more: &str| {
        KEY.replace(
            "builders: [{ name: by-hand, key: key.pub, transparency: none }]",
            &format!("builders:\n  - {{ name: by-hand, key: key.pub, transparency: none, source: {{ repository: acme/shop }} }}\n  - {{ name: other, key: other.pub, transparency: none{more} }}"),
        )
    };
    let mut settings = with_key();
    settings.keys.insert("other".into(), "PEM\n".into());
    let rendered = render(&two(LAB), &settings).expect("rendered");
    let asked = conditions(&verification(&rendered), "provenance");
    assert!(asked.contains("acme/shop") && asked.contains(") || (") && asked.contains("acme/lab"), "{asked}");
    for more in [", evidence: { sbom: { required: false } }", ", evidence: { decision: { verifiers: [x] } }"] {
        let refused = render(&two(&format!("{LAB}{more}")), &settings).expect_err("one set of conditions");
        assert!(refused.contains("builder \"other\" has other rules"), "{refused}");
    }
    let both = two(LAB) + "evidence: { signature: { threshold: 2 } }\n";
    let counted = verification(&render(&both, &settings).expect("rendered"));
    assert_eq!(text(&counted, "/attestations/0/attestors/0/count"), "2");
    assert_eq!(text(&counted, "/attestations/1/attestors/0/count"), "1");
}

#[test]
fn everything_else_is_refused() {
    let settings = Settings {
        also_allowed: vec!["registry.k8s.io/**".parse().expect("pattern")],
        revoked: vec![sealwright_core::Digest::of(b"bad")],
        ..with_key()
    };
    let object = object(&render(KEY, &settings).expect("rendered"));
    let images = text(&object, "/spec/rules/0/verifyImages/0/imageReferences");
    assert_eq!(images, r#"["r.example/shop/*"]"#);
    let rule = object.pointer("/spec/rules/1/validate").expect("references");
    assert_eq!(text(rule, "/failureAction"), "Enforce");
    let list = text(rule, "/foreach/0/list");
    assert!(["containers", "initContainers", "ephemeralContainers"].iter().all(|kind| list.contains(kind)), "{list}");
    let asked = text(rule, "/foreach/0/deny/conditions/any");
    let digest = sealwright_core::Digest::of(b"bad").to_string();
    assert!(asked.contains("registry\\\\.k8s\\\\.io") && asked.contains(&digest), "{asked}");
    assert_eq!(text(&object, "/spec/rules/2/name"), "image-volumes");
    for rule in object.pointer("/spec/rules").and_then(Value::as_array).expect("rules") {
        assert_eq!(text(rule, "/match/any/0/resources/operations"), r#"["CREATE","UPDATE"]"#);
    }
}

/// One set of conditions is asked of all: without a source of its own, whoever signs could vouch for everybody.
#[test]
fn a_builder_without_a_source_beside_one_with_a_source_is_refused() {
    let mixed = KEYLESS.replace(
        "builders:\n",
        "builders:\n  - { name: by-hand, key: key.pub, transparency: none, evidence: { provenance: { required: true } } }\n",
    );
    let refused = render(&mixed, &with_key()).expect_err("refused");
    assert!(refused.contains("cannot tell whose provenance it is"), "{refused}");
}

/// Kyverno completes `acme/app` before it looks for a policy, and not before it compares it with the list.
#[test]
fn a_name_without_a_registry_is_refused() {
    for (pattern, taken) in [
        ("acme/**", false),
        ("registry*/**", false),
        ("nginx", false),
        ("docker.io/acme/**", true),
        ("localhost/**", true),
        ("r.example:5000/**", true),
        ("**/shop", true),
        ("*/shop", true),
    ] {
        let rendered = render(&KEYLESS.replace("r.example/shop/**", pattern), &Settings::default());
        assert_eq!(rendered.is_ok(), taken, "{pattern}: {rendered:?}");
        assert!(rendered.err().is_none_or(|why| why.contains("expected a host first")), "{pattern}");
    }
}

/// Else whatever a Pod is changed to passes, if it was refused before.
#[test]
fn an_update_of_what_is_refused_already_is_refused_too() {
    let object = object(&render(KEYLESS, &Settings::default()).expect("rendered"));
    let rules = object.pointer("/spec/rules").and_then(Value::as_array).expect("rules");
    let validating: Vec<&Value> = rules.iter().filter_map(|rule| rule.get("validate")).collect();
    assert_eq!(validating.len(), 2);
    assert!(validating.iter().all(|rule| rule["allowExistingViolations"] == false), "{validating:?}");
}

#[test]
fn the_linter_finds_its_kind_and_nothing_else() {
    for (trust_file, settings) in [(KEYLESS, Settings::default()), (KEY, with_key())] {
        let rendered = render(trust_file, &settings).expect("rendered");
        let words = |version: &str| -> BTreeSet<&str> {
            let source = Source { name: "policy.yaml", bytes: rendered.files[0].1.as_bytes() };
            let report = lint(&[source], version.parse::<Version>().expect("version"));
            report.findings.iter().map(|found| found.rule.word()).collect()
        };
        assert_eq!(words("1.19.1"), BTreeSet::from(["legacy-policy"]));
        assert_eq!(words("1.20.0"), BTreeSet::from(["removed-policy"]));
    }
}
