//! What of a trust file reaches the objects, and what is told instead.

use std::collections::BTreeMap;

use sealwright_admission::render::{Instance, Rendered, Settings, kyverno};
use serde_json::Value;

pub(crate) const KEYLESS: &str = "version: 1
images: [\"r.example/shop/**\"]
builders:
  - name: release
    source: { repository: acme/shop, repository-id: 123456, owner-id: 7890, refs: [refs/heads/main, \"refs/tags/v*\"] }
    keyless:
      issuer: github
      workflow: { path: acme/ci/.github/workflows/seal.yml, tags: [\"v2.*\"], commits: [3f786850e387550fdab836ed7e6dc881de23001b] }
";
pub(crate) const KEY: &str = "version: 1
images: [\"r.example/shop/**\"]
builders: [{ name: by-hand, key: key.pub, transparency: none }]
";

fn render(trust_file: &str, settings: &Settings) -> Result<Rendered, String> {
    let policy = sealwright_policy::parse(trust_file.as_bytes(), "file", &|_| Err("none".into())).expect("trust file");
    kyverno(&policy, settings).map_err(|e| e.to_string())
}

pub(crate) fn with_key() -> Settings {
    let keys = BTreeMap::from([(
        "by-hand".to_owned(),
        "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n".to_owned(),
    )]);
    Settings { keys, ..Settings::default() }
}

/// The documents of a file.
fn objects(rendered: &Rendered, name: &str) -> Vec<Value> {
    let path = format!("base/{name}/policy.yaml");
    let (_, text) = rendered.files.iter().find(|(own, _)| *own == path).unwrap_or_else(|| panic!("no {path}"));
    text.split("\n---\n").map(|one| serde_saphyr::from_str(one).unwrap_or_else(|e| panic!("{e}\n{one}"))).collect()
}

pub(crate) fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {value:#}"));
    found.as_str().map_or_else(|| found.to_string(), str::to_owned)
}

/// The expression that says of each image what is missing.
fn judgment(object: &Value) -> String {
    let variables = object.pointer("/spec/variables").and_then(Value::as_array).expect("variables");
    let named = |name: &str| variables.iter().find(|v| v.get("name").and_then(Value::as_str) == Some(name));
    text(named("refused").expect("refused"), "/expression")
}

#[test]
fn a_builder_is_one_anchored_identity_and_its_source_is_asked_of_every_statement() {
    let rendered = render(KEYLESS, &Settings::default()).expect("rendered");
    for name in ["signature", "sbom", "provenance", "decision", "scan"] {
        let objects = objects(&rendered, name);
        let [object] = objects.as_slice() else { panic!("{name}") };
        let identities = object.pointer("/spec/attestors/0/cosign/keyless/identities").and_then(Value::as_array);
        let [identity] = identities.expect("identities").as_slice() else {
            panic!("{name} has more than one identity")
        };
        assert_eq!(
            text(identity, "/subjectRegExp"),
            "^https://github\\.com/acme/ci/\\.github/workflows/seal\\.yml@(?:3f786850e387550fdab836ed7e6dc881de23001b|refs/tags/v2\\.[^/]*)$"
        );
        assert_eq!(text(identity, "/issuer"), "https://token.actions.githubusercontent.com");
        assert_eq!(object.pointer("/spec/attestors/1"), None);
        let judgment = judgment(object);
        for word in [
            "s.?digest.?sha256.orValue('') == digest",
            "'dev.sealwright.source.repository'].orValue('') == 'acme/shop'",
            "'dev.sealwright.source.repository-id'].orValue('') == '123456'",
            "'dev.sealwright.source.owner-id'].orValue('') == '7890'",
            "'dev.sealwright.source.ref'].orValue('').matches('^(?:refs/heads/main|refs/tags/v[^/]*)$')",
            "'dev.sealwright.source.commit'].orValue('').matches('^[0-9a-f]{40}",
        ] {
            assert!(judgment.contains(word), "{name}: {word} is not in {judgment}");
        }
        assert_eq!(text(object, "/spec/failurePolicy"), "Fail");
        assert_eq!(text(object, "/spec/validationActions/0"), "Deny");
        // An update that changes no image is left alone, and none that changes one.
        assert_eq!(text(object, "/spec/matchConditions/0/name"), "an-image-changes");
        let changes = text(object, "/spec/matchConditions/0/expression");
        for list in ["containers", "initContainers", "volumes"] {
            let new = format!("|| object.spec.?{list}.orValue([]).map(");
            assert!(
                changes.contains(&new) && changes.contains(&new.replace("|| object", " != oldObject")),
                "{changes}"
            );
        }
        for selector in ["namespaceSelector", "objectSelector", "excludeResourceRules"] {
            assert_eq!(
                object.pointer(&format!("/spec/matchConstraints/{selector}")),
                None,
                "whoever has the label is exempt"
            );
        }
        assert_eq!(text(object, "/spec/images/0/name"), "volumes");
        assert!(text(object, "/spec/variables/0/expression").contains("images.volumes"), "image volumes are judged");
        assert_eq!(text(object, "/spec/validationConfigurations/verifyDigest"), "true");
        let pins = text(object, "/spec/validationConfigurations/mutateDigest");
        assert_eq!(pins == "true", name == "signature", "one policy pins tags");
    }
}

#[test]
fn a_signature_is_a_statement_of_its_own_type() {
    let rendered = render(KEY, &with_key()).expect("rendered");
    let all: String = rendered.files.iter().map(|(_, text)| text.as_str()).collect();
    assert!(!all.contains("verifyImageSignatures"), "it takes an SBOM for a signature");
    let signature = objects(&rendered, "signature");
    assert_eq!(text(&signature[0], "/spec/attestations/0/intoto/type"), "https://sigstore.dev/cosign/sign/v1");
    assert!(judgment(&signature[0]).contains("[attestors['by-hand']]"), "a name need not be an identifier");
    assert_eq!(text(&signature[0], "/spec/attestors/0/cosign/ctlog/insecureIgnoreTlog"), "true");
    assert!(text(&signature[0], "/spec/attestors/0/cosign/key/data").starts_with("-----BEGIN PUBLIC KEY-----\n"));
}

#[test]
fn what_the_trust_file_does_not_ask_for_is_not_rendered() {
    let names = |trust_file: &str| -> Vec<String> {
        let rendered = render(trust_file, &with_key()).expect("rendered");
        rendered
            .files
            .iter()
            .filter_map(|(name, _)| Some(name.strip_prefix("base/")?.split_once('/')?.0.to_owned()))
            .collect()
    };
    assert_eq!(
        names(KEY),
        [
            "signature",
            "sbom",
            "provenance",
            "decision",
            "scan",
            "ephemeral-containers",
            "digest",
            "registries",
            "revoked",
            "exceptions"
        ]
    );
    let relaxed = format!(
        "{KEY}evidence: {{ sbom: {{ required: false }}, scan: {{ max-age: 7d }}, decision: optional, provenance: {{ required: false }} }}\n"
    );
    assert_eq!(
        names(&relaxed),
        ["signature", "scan", "scan-age", "ephemeral-containers", "digest", "registries", "revoked", "exceptions"]
    );
    let everywhere = KEY.replace("images: [\"r.example/shop/**\"]\n", "");
    assert!(!names(&everywhere).contains(&"registries".to_owned()), "every image has to be sealed");
}

#[test]
fn an_old_scan_is_reported_and_everything_else_denied() {
    let rendered = render(&format!("{KEY}evidence: {{ scan: {{ max-age: 7d }} }}\n"), &with_key()).expect("rendered");
    let age = objects(&rendered, "scan-age");
    assert_eq!(text(&age[0], "/spec/validationActions/0"), "Audit");
    assert!(judgment(&age[0]).contains("duration('604800s')"));
    let others = rendered.files.iter().filter(|(name, _)| name.ends_with("policy.yaml") && !name.contains("scan-age"));
    for (name, text) in others {
        assert!(text.contains("validationActions:\n    - Deny") && !text.contains("Audit"), "{name}");
    }
}

#[test]
fn ephemeral_containers_have_policies_of_their_own() {
    let rendered = render(KEY, &with_key()).expect("rendered");
    for object in objects(&rendered, "ephemeral-containers") {
        assert_eq!(text(&object, "/spec/matchConstraints/resourceRules/0/resources"), "[\"pods/ephemeralcontainers\"]");
    }
    for name in ["signature", "digest", "registries", "revoked"] {
        let object = &objects(&rendered, name)[0];
        assert_eq!(text(object, "/spec/matchConstraints/resourceRules/0/resources"), "[\"pods\"]", "autogen stays on");
    }
}

#[test]
fn repositories_that_are_allowed_beside_have_no_evidence_to_show() {
    let also_allowed = vec!["registry.k8s.io/**".parse().expect("pattern")];
    let settings = Settings { also_allowed, revoked: vec![sealwright_core::Digest::of(b"bad")], ..with_key() };
    let rendered = render(KEY, &settings).expect("rendered");
    assert!(objects(&rendered, "registries")[0].to_string().contains("registry\\\\.k8s\\\\.io"));
    assert!(!objects(&rendered, "signature")[0].to_string().contains("registry\\\\.k8s\\\\.io"));
    let revoked = sealwright_core::Digest::of(b"bad").to_string();
    assert!(objects(&rendered, "revoked")[0].to_string().contains(&revoked));
    assert!(objects(&rendered, "ephemeral-containers")[1].to_string().contains(&revoked));
}

#[test]
fn an_instance_is_where_its_keys_come_from() {
    let attestor = |instance: Instance| {
        let rendered = render(KEYLESS, &Settings { instance, ..Settings::default() }).expect("rendered");
        objects(&rendered, "signature")[0].pointer("/spec/attestors/0/cosign").cloned().expect("cosign")
    };
    let public = attestor(Instance::PublicGood);
    assert!(["ctlog", "tuf", "trustedRoot"].iter().all(|key| public.get(key).is_none()), "{public}");
    let private = attestor(Instance::Tuf { url: "https://tuf.example".into(), root: Some(b"{}".to_vec()) });
    assert_eq!(
        (text(&private, "/tuf/mirror"), text(&private, "/tuf/root/data")),
        ("https://tuf.example".into(), "e30=".into())
    );
    assert_eq!(private.get("ctlog"), None, "log and certificate log are demanded");
    let github = attestor(Instance::TrustedRoot { json: "{}".into(), logs: false });
    assert_eq!(text(&github, "/ctlog"), r#"{"insecureIgnoreSCT":true,"insecureIgnoreTlog":true}"#);
    assert_eq!(text(&github, "/trustedRoot/value"), "{}");
}

#[test]
fn what_cannot_be_said_is_told_and_what_would_be_weaker_is_refused() {
    let notes = render(KEYLESS, &Settings::default()).expect("rendered").notes.join("\n");
    for word in ["no pull request", "last one that the registry lists", "digests of the SBOM and the scan"] {
        assert!(notes.contains(word), "{word} is not in {notes}");
    }
    let notes = render(KEY, &with_key()).expect("rendered").notes.join("\n");
    assert!(notes.contains("\"by-hand\": it has no `source`"), "{notes}");
    assert_eq!(render(KEY, &Settings::default()).expect_err("no key"), "builder \"by-hand\" has no key");
    let pattern = |expression: &str| {
        KEYLESS.replace(
            "workflow: { path: acme/ci/.github/workflows/seal.yml, tags: [\"v2.*\"], commits: [3f786850e387550fdab836ed7e6dc881de23001b] }",
            &format!("identity-regexp: '{expression}'"),
        )
    };
    assert!(render(&pattern("^https://github\\.com/acme/[a-z]+/x$"), &Settings::default()).is_ok());
    // In Go the same signs are a class with an ampersand, which would take more names.
    let refused = render(&pattern("^https://github\\.com/acme/[a-z&&[^x]]+/x$"), &Settings::default());
    assert!(refused.expect_err("other meaning").contains("means something else in Kyverno"));
}

#[test]
fn several_builders_are_asked_one_after_the_other_and_a_threshold_counts_them() {
    let two = KEY.replace(
        "builders: [{ name: by-hand, key: key.pub, transparency: none }]",
        "builders:\n  - { name: by-hand, key: key.pub, transparency: none }\n  - { name: other, key: other.pub, transparency: none, evidence: { sbom: { required: false } } }",
    );
    let mut settings = with_key();
    settings.keys.insert("other".into(), "PEM\n".into());
    let rendered = render(&two, &settings).expect("rendered");
    let judged = judgment(&objects(&rendered, "signature")[0]);
    assert_eq!(judged.matches("verifyAttestationSignatures").count(), 2);
    assert_eq!(judged.matches('(').count(), judged.matches(')').count(), "{judged}");
    // Whoever needs no SBOM is known by its signature: nobody else's image passes without one.
    let sbom = judgment(&objects(&rendered, "sbom")[0]);
    assert!(sbom.contains("verifyAttestationSignatures(image, attestations.signature, [attestors.other])"), "{sbom}");
    assert!(
        sbom.contains("verifyAttestationSignatures(image, attestations.cyclonedx, [attestors['by-hand']])"),
        "{sbom}"
    );
    let both = format!("{two}evidence: {{ signature: {{ threshold: 2 }} }}\n");
    let counted = judgment(&objects(&render(&both, &settings).expect("rendered"), "signature")[0]);
    assert!(counted.contains("2 - size(missing) >= 2 ? ''"), "{counted}");
    // What was verified is read at once, of a builder without a source too: else the next one's question would read it.
    assert_eq!(counted.matches("extractPayload").count(), 2, "{counted}");
    settings.keys.insert("other".into(), settings.keys["by-hand"].clone());
    let refused = render(&both, &settings).expect_err("one key twice");
    assert!(refused.contains("builders \"by-hand\" and \"other\" are one signer"), "{refused}");
    assert!(render(&two, &settings).is_ok(), "whoever of them signed: one is enough");
}
