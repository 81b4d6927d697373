//! The rendering for Sigstore's policy-controller: what its objects say, and what is refused.

use sealwright_admission::render::{Instance, Rendered, Settings, policy_controller};
use serde_json::Value;

use crate::render::{KEY, KEYLESS, text, with_key};

fn render(trust_file: &str, settings: &Settings) -> Result<Rendered, String> {
    let policy = sealwright_policy::parse(trust_file.as_bytes(), "file", &|_| Err("none".into())).expect("trust file");
    policy_controller(&policy, settings).map_err(|e| e.to_string())
}

fn objects(rendered: &Rendered) -> Vec<Value> {
    let files = rendered.files.iter().filter(|(name, _)| name != "kustomization.yaml");
    let documents = files.flat_map(|(_, text)| text.split("\n---\n"));
    documents.map(|one| serde_saphyr::from_str(one).unwrap_or_else(|e| panic!("{e}\n{one}"))).collect()
}

fn named(objects: &[Value], kind: &str, name: &str) -> Value {
    let found =
        objects.iter().find(|one| one["kind"] == kind && one.pointer("/metadata/name").is_some_and(|own| own == name));
    found.unwrap_or_else(|| panic!("no {kind} {name}")).clone()
}

#[test]
fn a_builder_is_an_authority_with_one_anchored_identity_and_all_its_evidence() {
    let rendered = render(KEYLESS, &Settings::default()).expect("rendered");
    let objects = objects(&rendered);
    let policy = named(&objects, "ClusterImagePolicy", "sealwright");
    assert_eq!(text(&policy, "/apiVersion"), "policy.sigstore.dev/v1beta1");
    assert_eq!(text(&policy, "/spec/mode"), "enforce");
    assert_eq!(text(&policy, "/spec/images"), r#"[{"glob":"r.example/shop/**"}]"#);
    let authority = policy.pointer("/spec/authorities/0").expect("an authority");
    assert_eq!(policy.pointer("/spec/authorities/1"), None);
    assert_eq!(text(authority, "/signatureFormat"), "bundle");
    assert_eq!(
        text(authority, "/keyless/identities/0/subjectRegExp"),
        "^https://github\\.com/acme/ci/\\.github/workflows/seal\\.yml@(?:3f786850e387550fdab836ed7e6dc881de23001b|refs/tags/v2\\.[^/]*)$"
    );
    assert_eq!(authority.pointer("/keyless/identities/1"), None);
    assert_eq!(authority.pointer("/keyless/trustRootRef"), None, "Sigstore's own instance");
    let kinds: Vec<String> = authority["attestations"]
        .as_array()
        .expect("attestations")
        .iter()
        .map(|one| text(one, "/predicateType"))
        .collect();
    assert_eq!(
        kinds,
        [
            "https://sigstore.dev/cosign/sign/v1",
            "https://cyclonedx.org/bom",
            "https://slsa.dev/provenance/v1",
            "https://slsa.dev/verification_summary/v1",
            "https://cosign.sigstore.dev/attestation/vuln/v1"
        ]
    );
    let provenance = text(authority, "/attestations/2/policy/data");
    for word in [
        r#"regex.match("^git\\+https://github\\.com/acme/shop@(?:refs/heads/main|refs/tags/v[^/]*)$", "#,
        r#"github.repository_id == "123456""#,
        r#"github.repository_owner_id == "7890""#,
    ] {
        assert!(provenance.contains(word), "{word} is not in {provenance}");
    }
    let config = named(&objects, "ConfigMap", "config-policy-controller");
    assert_eq!(
        (text(&config, "/data/no-match-policy"), text(&config, "/data/enable-oci11")),
        ("deny".into(), "false".into())
    );
    let (_, kustomization) = rendered.files.last().expect("files");
    assert!(
        kustomization.contains("- configuration.yaml") && kustomization.contains("- policy.yaml"),
        "{kustomization}"
    );
    let notes = rendered.notes.join("\n");
    for word in ["policy.sigstore.dev/include=true", "image volumes are not looked at", "one that passes is enough"] {
        assert!(notes.contains(word), "{word} is not in {notes}");
    }
}

#[test]
fn what_the_controller_cannot_do_is_refused() {
    let refused = |trust_file: &str, settings: &Settings| render(trust_file, settings).expect_err("refused");
    assert!(refused(KEY, &with_key()).contains("reads no bundles that a key signed"));
    let without = KEYLESS.to_owned() + "evidence: { provenance: { required: false } }\n";
    assert!(refused(&without, &Settings::default()).contains("can compare its `source` with provenance only"));
    let braces = KEYLESS.replace("r.example/shop/**", "r.example/a+b/**");
    assert!(refused(&braces, &Settings::default()).contains("'+'"));
    let also = Settings { also_allowed: vec!["r.example/v?".parse().expect("pattern")], ..Settings::default() };
    assert!(refused(KEYLESS, &also).contains("more would run without evidence"));
    let ended = r#"{"certificateAuthorities":[{"certChain":{"certificates":[{"rawBytes":"AA=="}]},"validFor":{"start":"2022-01-01T00:00:00Z","end":"2023-01-01T00:00:00Z"}}]}"#;
    let ended = Instance::TrustedRoot { json: ended.into(), logs: false };
    assert!(refused(KEYLESS, &Settings { instance: ended, ..Settings::default() }).contains("without an end"));
    let tuf = Instance::Tuf { url: "https://tuf.example".into(), root: None };
    assert!(refused(KEYLESS, &Settings { instance: tuf, ..Settings::default() }).contains("--tuf-root"));
    let logged = Instance::TrustedRoot { json: "{}".into(), logs: true };
    assert!(
        refused(KEYLESS, &Settings { instance: logged, ..Settings::default() }).contains("cannot read keys of logs")
    );
}

#[test]
fn an_instance_is_a_trust_root_that_each_authority_names() {
    let tuf = Instance::Tuf { url: "https://tuf.example".into(), root: Some(b"{}".to_vec()) };
    let all = objects(&render(KEYLESS, &Settings { instance: tuf, ..Settings::default() }).expect("rendered"));
    let root = named(&all, "TrustRoot", "sealwright");
    assert_eq!(text(&root, "/spec/remote"), r#"{"mirror":"https://tuf.example","root":"e30="}"#);
    let authority = |all: &[Value]| {
        named(all, "ClusterImagePolicy", "sealwright").pointer("/spec/authorities/0").cloned().expect("an authority")
    };
    assert_eq!(text(&authority(&all), "/keyless/trustRootRef"), "sealwright");
    assert_eq!(authority(&all).get("rfc3161timestamp"), None, "a log entry is demanded");

    let json = r#"{"certificateAuthorities":[{"uri":"ca.example","subject":{"organization":"O","commonName":"C"},"certChain":{"certificates":[{"rawBytes":"AA=="}]}}],"timestampAuthorities":[]}"#;
    let github = Instance::TrustedRoot { json: json.into(), logs: false };
    let all = objects(&render(KEYLESS, &Settings { instance: github, ..Settings::default() }).expect("rendered"));
    let chain = text(&named(&all, "TrustRoot", "sealwright"), "/spec/sigstoreKeys/certificateAuthorities/0/certChain");
    let pem = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, chain).expect("base64");
    assert_eq!(pem, b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
    let authority = authority(&all);
    assert_eq!(text(&authority, "/rfc3161timestamp/trustRootRef"), "sealwright");
    assert_eq!(text(&authority, "/keyless/insecureIgnoreSCT"), "true");
}

#[test]
fn what_is_allowed_beside_and_what_is_revoked_are_policies_of_their_own() {
    let digest = sealwright_core::Digest::of(b"bad");
    let settings = Settings {
        also_allowed: vec!["registry.k8s.io/**".parse().expect("pattern")],
        revoked: vec![digest],
        ..Settings::default()
    };
    let all = objects(&render(KEYLESS, &settings).expect("rendered"));
    let allowed = named(&all, "ClusterImagePolicy", "sealwright-also-allowed");
    assert_eq!(text(&allowed, "/spec/images/0/glob"), "registry.k8s.io/**");
    assert_eq!(text(&allowed, "/spec/authorities/0/static/action"), "pass");
    let revoked = named(&all, "ClusterImagePolicy", "sealwright-revoked");
    assert_eq!(text(&revoked, "/spec/images/0/glob"), format!("**@{digest}"));
    assert_eq!(text(&revoked, "/spec/authorities/0/static/action"), "fail");
}
