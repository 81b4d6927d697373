//! What needs no registry: documents, scans, the store, bundles in files, the demo.

use sealwright_bundle::{Statement, StatementSubject, predicate_type};
use sealwright_core::{Digest, Redacted};
use sealwright_sign::KeySigner;
use serde_json::Value;

use crate::scene::Scene;

#[test]
fn documents_go_where_they_are_asked_for_and_are_the_same_each_time() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    let outputs = [
        "-o",
        "cyclonedx-json={platform}.cdx.json",
        "-o",
        "spdx-json=a.spdx.json",
        "-o",
        "cyclonedx-json@1.5",
        "-o",
        "json=n.json",
    ];
    let arguments = [&["sbom", &source, "--platform", "linux/amd64"][..], &outputs[..]].concat();
    let first = scene.run(&arguments).expect(0, &["\"specVersion\": \"1.5\""]).stdout;
    let read = |name: &str| sealwright_core::bounded::read_file(&scene.path().join(name), 1 << 20).expect(name);
    let before = [read("linux-amd64.cdx.json"), read("a.spdx.json"), read("n.json")];
    assert_eq!(scene.run(&arguments).stdout, first);
    assert_eq!([read("linux-amd64.cdx.json"), read("a.spdx.json"), read("n.json")], before);
    let document: Value = serde_json::from_slice(&before[0]).expect("JSON");
    assert_eq!(
        (document["specVersion"].as_str(), document["components"][0]["name"].as_str()),
        (Some("1.6"), Some("zlib"))
    );
    assert_eq!(document["metadata"]["timestamp"], "2024-01-02T03:04:05Z");
    scene.run(&["sbom", &source, "-o", "xml"]).expect(2, &["cyclonedx-json", "xml"]);
    scene.run(&["sbom", "sbom:x.json"]).expect(2, &["document already"]);
}

#[test]
fn a_scan_reports_and_refuses_only_by_a_rule() {
    let scene = Scene::new();
    let source = scene.image("image", "1.3-r0");
    scene.run(&["scan", &source, "--db", "db"]).expect(0, &["CVE-2030-1", "critical", "1.4-r0", "reported only"]);
    scene.run(&["scan", &source, "--db", "db", "--fail-on", "critical"]).expect(3, &["refused"]);
    scene.run(&["scan", &source, "--db", "db", "--policy", "policy.yaml"]).expect(3, &["gate.fail-on"]);
    scene.run(&["sbom", &source, "-o", "cyclonedx-json=a.json", "-o", "spdx-json=b.json"]).expect(0, &[]);
    for document in ["sbom:a.json", "sbom:b.json"] {
        scene.run(&["scan", document, "--db", "db", "--fail-on", "critical"]).expect(3, &["CVE-2030-1"]);
    }
    let said = scene.run(&["scan", &source, "--db", "db", "-o", "json"]).expect(0, &[]);
    let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(report["findings"][0]["vulnerability"]["id"], "CVE-2030-1");
    let fixed = scene.image("fixed", "1.4-r0");
    scene.run(&["scan", &fixed, "--db", "db", "--fail-on", "negligible"]).expect(0, &["nothing found"]);
    scene.run(&["scan", &fixed, "--db", "db", "--fail-on", "worst"]).expect(2, &["worst"]);
}

#[test]
fn the_store_shows_what_it_holds_and_broken_data_changes_nothing() {
    let scene = Scene::new();
    let before =
        scene.run(&["db", "status", "--db", "db"]).expect(0, &["Alpine", "2024-01-01", "snapshot sha256:"]).stdout;
    scene.write("cut.zip", b"PK\x03\x04 and then nothing");
    scene.run(&["db", "import", "cut.zip", "--db", "db"]).expect(2, &["cut.zip", "no whole zip"]);
    assert_eq!(scene.run(&["db", "status", "--db", "db"]).stdout, before);
    scene.run(&["db", "status", "--db", "nowhere"]).expect(2, &["no advisory store"]);
    scene.run(&["db", "update", "--db", "db"]).expect(2, &["--for"]);
    scene
        .run(&[
            "db",
            "update",
            "--ecosystem",
            "Alpine",
            "--from",
            "http://127.0.0.1:9",
            "--kev-from",
            "none",
            "--db",
            "db",
            "--timeout",
            "1s",
        ])
        .expect(5, &["127.0.0.1:9"]);
    assert_eq!(scene.run(&["db", "status", "--db", "db"]).stdout, before);
}

#[test]
fn a_bundle_in_a_file_is_verified_without_a_registry() {
    let scene = Scene::new();
    let (signer, private) = KeySigner::generate().expect("key");
    assert!(KeySigner::from_pem(private.expose().as_bytes(), None::<&Redacted<String>>).is_ok());
    let subject = StatementSubject::new(Some("artifact"), &Digest::of(b"contents"), Default::default());
    let statement = Statement::new(vec![subject], predicate_type::SIGNATURE, serde_json::json!({}));
    scene.write("bundle.json", signer.sign(&statement.to_bytes()).expect("signed"));
    scene.write("signer.pub", signer.public_pem());
    scene.write("artifact", "contents");
    let digest = Digest::of(b"contents").to_string();
    let verify = |artifact: &str| {
        scene.run(&[
            "verify",
            "--bundle",
            "bundle.json",
            "--artifact",
            artifact,
            "--key",
            "signer.pub",
            "--transparency",
            "none",
        ])
    };
    verify("artifact").expect(0, &["verified"]);
    verify(&digest).expect(0, &["verified"]);
    scene.write("artifact", "contents!");
    verify("artifact").expect(4, &["not about"]);
    scene.run(&["verify", "--bundle", "bundle.json", "--key", "signer.pub"]).expect(2, &["--artifact"]);
    scene.write("bundle.json", "{}");
    verify(&digest).expect(4, &["bundle"]);
}

#[test]
fn a_token_that_has_expired_is_refused_and_never_printed() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    // {"iss":"https://i","sub":"s","aud":"sigstore","exp":1}
    let token = "e30.eyJpc3MiOiJodHRwczovL2kiLCJzdWIiOiJzIiwiYXVkIjoic2lnc3RvcmUiLCJleHAiOjF9.c2VjcmV0";
    scene.write("token", token);
    scene.write("root.json", r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}"#);
    scene.write("config.json", "{}");
    let reference = scene.reference();
    let said = scene.run(&[
        "seal",
        &source,
        "--push",
        &reference,
        "--policy",
        "policy.yaml",
        "--db",
        "db",
        "--signing-config",
        "config.json",
        "--trusted-root",
        "root.json",
        "--identity-token",
        "token",
    ]);
    let said = said.expect(2, &["expired"]);
    assert!(!said.stderr.contains("c2VjcmV0") && !said.stdout.contains("c2VjcmV0"));
    assert!(scene.registry.requests().is_empty());
}

#[test]
fn the_demo_tells_its_story_and_leaves_nothing() {
    let scene = Scene::new();
    let count = || std::fs::read_dir(scene.path()).expect("home").count();
    let before = count();
    let words = [
        "refused",
        "0 manifests",
        "tagged   v1",
        "caught  a byte of the manifest",
        "SLSA_BUILD_LEVEL_2",
        "caught  another identity",
        "caught  another authority",
        "none that was sealed",
    ];
    scene.run(&["demo"]).expect(0, &words);
    assert_eq!(count(), before);
}

#[test]
fn help_shows_examples_and_exit_codes() {
    let scene = Scene::new();
    scene.run(&["--help"]).expect(0, &["Exit codes", "oci-archive:FILE"]);
    for verb in ["seal", "sbom", "scan", "verify"] {
        scene.run(&[verb, "--help"]).expect(0, &["Examples:"]);
    }
    scene.run(&[]).expect(2, &["Usage"]);
}
