//! Evidence as it is stored, in files and on stdout.

use std::collections::BTreeMap;

use sealwright_bundle::{BUNDLE_V03, Bundle, Envelope, Statement, StatementSubject, predicate_type};
use sealwright_core::Digest;
use sealwright_core::bounded::read_file;
use sealwright_oci::Descriptor;
use serde_json::{Value, json};

use crate::scene::{Said, Scene};

fn sealed() -> Scene {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.seal(&source, &[]).expect(0, &[]);
    scene
}

fn download(scene: &Scene, what: &str, more: &[&str]) -> Said {
    scene.run(&[&["download", what, &scene.reference()][..], more].concat())
}

fn lines(said: &Said) -> Vec<Value> {
    said.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// Stores a bundle that nobody signed.
fn forge(scene: &Scene, image: &Descriptor, about: Digest, kind: &str, predicate: Value, created: &str) {
    let statement = Statement::new(vec![StatementSubject::new(None, &about, BTreeMap::new())], kind, predicate);
    let bundle = Bundle::with_key(Envelope::new(&statement.to_bytes(), b"none"), "hint");
    let pretty = serde_json::to_vec_pretty(&bundle).expect("JSON");
    scene.put_referrer(image, BUNDLE_V03, &pretty, json!({ "org.opencontainers.image.created": created }));
}

#[test]
fn a_bundle_comes_as_it_is_stored_and_verifies_without_a_registry() {
    let scene = sealed();
    download(&scene, "bundle", &["--type", "cyclonedx", "-o", "one.json"]).expect(0, &["nothing was verified"]);
    let bytes = read_file(&scene.path().join("one.json"), 1 << 20).expect("bundle");
    assert!(scene.registry.blobs("acme/shop").contains_key(&Digest::of(&bytes)), "other bytes than are stored");
    let digest = scene.sealed().to_string();
    let verify = ["verify", "--bundle", "one.json", "--artifact", &digest, "--type", "cyclonedx"];
    scene.run(&[&verify[..], &["--key", "key.pub", "--transparency", "none"]].concat()).expect(0, &["verified"]);
    let on_stdout = download(&scene, "bundle", &["--type", "cyclonedx"]).expect(0, &[]);
    assert_eq!(on_stdout.stdout.as_bytes(), bytes);
}

#[test]
fn several_bundles_are_lines_or_files_and_none_is_lost() {
    let scene = sealed();
    let image = Descriptor::new("application/vnd.oci.image.manifest.v1+json", scene.sealed(), 1);
    forge(&scene, &image, image.digest, "https://example.com/x", json!({}), "2024-01-01T00:00:00Z");
    let said = download(&scene, "bundle", &[]).expect(0, &[]);
    assert_eq!(lines(&said).len(), 7, "{}", said.stdout);
    download(&scene, "bundle", &["-o", "all.jsonl"]).expect(0, &[]);
    assert_eq!(read_file(&scene.path().join("all.jsonl"), 1 << 20).expect("file"), said.stdout.as_bytes());
    download(&scene, "bundle", &["-o", "evidence/"]).expect(0, &[]);
    let mut files = 0;
    for file in std::fs::read_dir(scene.path().join("evidence")).expect("folder") {
        let path = file.expect("entry").path();
        let bytes = read_file(&path, 1 << 20).expect("file");
        let name = format!("sha256-{}.sigstore.json", Digest::of(&bytes).hex());
        assert_eq!(path.file_name().and_then(|n| n.to_str()), Some(&*name));
        files += 1;
    }
    assert_eq!(files, 7);
}

#[test]
fn statements_are_json_lines_and_can_be_chosen_by_type() {
    let scene = sealed();
    let said = download(&scene, "attestation", &[]).expect(0, &["nothing was verified; `sealwright verify`"]);
    let digest = scene.sealed().hex();
    let statements = lines(&said);
    assert_eq!(statements.len(), 6);
    assert!(statements.iter().all(|s| s["subject"][0]["digest"]["sha256"] == digest), "{}", said.stdout);
    for (word, uri) in [("vuln", predicate_type::VULN), (predicate_type::SIGNATURE, predicate_type::SIGNATURE)] {
        let said = download(&scene, "attestation", &["--type", word]).expect(0, &[]);
        let kinds: Vec<_> = lines(&said).iter().map(|s| s["predicateType"].clone()).collect();
        assert_eq!(kinds, [uri]);
    }
    let quiet = download(&scene, "attestation", &["--quiet"]).expect(0, &[]);
    assert_eq!((quiet.stderr.as_str(), lines(&quiet).len()), ("", 6));
    download(&scene, "attestation", &["--type", "openvex"]).expect(5, &["no statement of type", "sealwright tree"]);
    download(&scene, "attestation", &["--type", "nonsense"]).expect(2, &["nonsense", "cyclonedx"]);
}

#[test]
fn the_sbom_is_the_newest_and_of_the_type_that_was_asked_for() {
    let scene = sealed();
    let image = Descriptor::new("application/vnd.oci.image.manifest.v1+json", scene.sealed(), 1);
    let of = |said: Said| serde_json::from_str::<Value>(&said.stdout).expect("JSON");
    let sbom = of(download(&scene, "sbom", &[]).expect(0, &[]));
    assert_eq!(sbom["bomFormat"], "CycloneDX", "of one time CycloneDX comes first");
    assert!(of(download(&scene, "sbom", &["--type", "spdxjson"]).expect(0, &[]))["spdxVersion"].is_string());
    for (name, created) in [("newest", "2199-01-01T00:00:00Z"), ("old", "2001-01-01T00:00:00Z"), ("odd", "yesterday")] {
        forge(&scene, &image, image.digest, predicate_type::CYCLONEDX, json!({ "name": name }), created);
    }
    assert_eq!(of(download(&scene, "sbom", &[]).expect(0, &[]))["name"], "newest");
    forge(&scene, &image, image.digest, predicate_type::SPDX, json!({ "name": "newer" }), "2199-01-02T00:00:00Z");
    assert_eq!(of(download(&scene, "sbom", &[]).expect(0, &[]))["name"], "newer");
    download(&scene, "sbom", &["--type", "cyclonedx", "-o", "sboms/"]).expect(0, &[]);
    let file = std::fs::read_dir(scene.path().join("sboms")).expect("folder").next().expect("a file").expect("entry");
    assert!(file.file_name().to_string_lossy().ends_with(".cdx.json"), "{file:?}");
    download(&scene, "sbom", &["--type", "vuln"]).expect(2, &["is no SBOM"]);
}

#[test]
fn what_is_no_evidence_of_the_image_is_left_aside_and_said_so() {
    let scene = Scene::new();
    let image = scene.put_image("v1");
    for what in ["bundle", "attestation", "sbom"] {
        download(&scene, what, &[]).expect(5, &["is stored with", &image.digest.to_string()]);
    }
    forge(&scene, &image, Digest::of(b"other"), "https://x/\u{1b}[2J", json!({}), "");
    scene.put_referrer(&image, BUNDLE_V03, b"no bundle", json!({}));
    let said = download(&scene, "bundle", &[]).expect(5, &["left aside", "about something else", "not a valid bundle"]);
    assert!(said.stderr.contains("\\u{1b}[2J") && !said.stderr.contains('\u{1b}'), "{:?}", said.stderr);
    assert_eq!(said.stdout, "");
}
