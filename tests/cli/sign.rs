//! `generate-key-pair`, `sign` and `attest` with a second key, on an image that the first one sealed.

use serde_json::Value;

use crate::scene::{Said, Scene};

const OPS: [&str; 4] = ["--key", "ops.key", "--transparency", "none"];

fn sealed() -> Scene {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.seal(&source, &[]).expect(0, &[]);
    scene.run(&["generate-key-pair", "--output-key-prefix", "ops"]).expect(0, &["ops.key", "ops.pub"]);
    scene
}

fn run(scene: &Scene, verb: &str, more: &[&str]) -> Said {
    let reference = scene.reference();
    scene.run(&[&[verb, &reference][..], &OPS, more].concat())
}

fn verify(scene: &Scene, more: &[&str]) -> Said {
    scene.verify(&[&["--key", "ops.pub", "--transparency", "none"], more].concat())
}

fn manifests(scene: &Scene) -> usize {
    scene.registry.manifests("acme/shop").len()
}

#[test]
fn a_key_pair_is_made_once_for_its_owner_only() {
    let scene = Scene::new();
    scene.run(&["generate-key-pair"]).expect(0, &[]);
    let private = std::fs::metadata(scene.path().join("cosign.key")).expect("key");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&private.permissions()) & 0o777, 0o600);
    let before = std::fs::metadata(scene.path().join("cosign.key")).and_then(|m| m.modified()).expect("key");
    scene.run(&["generate-key-pair"]).expect(2, &["cosign.key is there already", "--output-key-prefix"]);
    assert_eq!(std::fs::metadata(scene.path().join("cosign.key")).and_then(|m| m.modified()).expect("key"), before);
    // Only the public half is there: neither is written.
    scene.write("half.pub", "x");
    scene.run(&["generate-key-pair", "--output-key-prefix", "half"]).expect(2, &["half.pub is there already"]);
    assert!(!scene.path().join("half.key").exists());
    scene.run(&["generate-key-pair", "--output-key-prefix", "no/such/folder"]).expect(2, &["no/such/folder.key"]);
}

#[test]
fn the_key_needs_its_password() {
    let scene = sealed();
    let reference = scene.reference();
    let sign = [&["sign", reference.as_str()][..], &OPS].concat();
    scene.run_with(&[("COSIGN_PASSWORD", "wrong")], &sign).expect(2, &["ops.key", "password"]);
    scene.run_with(&[("COSIGN_PASSWORD", "")], &sign).expect(0, &["signed"]);
}

#[test]
fn an_image_is_signed_once_and_the_signature_verifies() {
    let scene = sealed();
    verify(&scene, &[]).expect(4, &[]);
    let said = run(&scene, "sign", &["-a", "approved-by=ops"]).expect(0, &["signed", "cosign/sign/v1", "tag v1 names"]);
    assert!(said.stdout.contains("@sha256:"), "{}", said.stdout);
    verify(&scene, &[]).expect(0, &["verified"]);
    let count = manifests(&scene);
    run(&scene, "sign", &["-a", "approved-by=ops"]).expect(0, &["kept"]);
    assert_eq!(manifests(&scene), count, "nothing was written again");
    // Other words are another statement.
    let said = run(&scene, "sign", &["-a", "approved-by=legal", "-o", "json"]).expect(0, &[]);
    let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!((&report["schema"], &report["statements"][0]["new"]), (&1.into(), &true.into()));
    assert!(report["image"].as_str().is_some_and(|image| image.contains("@sha256:")), "{report}");
    assert_eq!(manifests(&scene), count + 1);
    run(&scene, "sign", &["-a", "dev.sealwright.source.repository=acme/x"]).expect(2, &["reserved"]);
    run(&scene, "sign", &["-a", "words"]).expect(2, &["KEY=VALUE"]);
    run(&scene, "sign", &["-a", "env=staging", "-a", "env=prod"]).expect(2, &["env is given twice"]);
}

#[test]
fn an_explanation_names_what_counts_and_why_the_rest_does_not() {
    let scene = sealed();
    run(&scene, "sign", &[]).expect(0, &[]);
    let said = verify(&scene, &["--explain"]).expect(0, &["An attestation by the right signer is not one."]);
    for line in ["statements that count", "https://sigstore.dev/cosign/sign/v1", "signed  self-asserted", "left aside"]
    {
        assert!(said.stdout.contains(line), "{line}: {}", said.stdout);
    }
    // Six statements of the other key.
    let aside = said.stdout.split("left aside\n").last().expect("section");
    assert_eq!(aside.lines().filter(|line| line.contains("names key")).count(), 6, "{}", said.stdout);
    // Where its own type suffices, the five others are not read.
    let plain = verify(&scene, &[]).expect(0, &["times are self-asserted", "1 other bundles were left aside"]);
    assert!(!plain.stdout.contains("statements that count"), "{}", plain.stdout);
    let json: Value = serde_json::from_str(&verify(&scene, &["-o", "json"]).expect(0, &[]).stdout).expect("JSON");
    let statements = json["report"]["statements"].as_array().expect("statements");
    assert_eq!((statements.len(), statements[0].get("time")), (1, None));
    assert!(statements[0]["signer"].as_str().is_some_and(|signer| signer.starts_with("sha256:")), "{json}");
}

#[test]
fn recursive_means_every_image_of_an_index_and_itself() {
    let scene = Scene::new();
    let of = |platform: &str| {
        sealwright_testkit::image().platform(platform).layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", "1.4-r0"))
    };
    let both = sealwright_testkit::index(vec![of("linux/amd64"), of("linux/arm64")]).with_buildkit_attestation();
    both.write_layout(&scene.path().join("both"), "latest");
    scene.seal("oci:both", &[]).expect(0, &[]);
    scene.run(&["generate-key-pair", "--output-key-prefix", "ops"]).expect(0, &[]);
    let lines = |said: &Said| said.stdout.lines().filter(|line| line.starts_with("signed")).count();
    assert_eq!(lines(&run(&scene, "sign", &[]).expect(0, &[])), 1);
    // The index itself is signed already, and what BuildKit stored is no image.
    let said = run(&scene, "sign", &["--recursive"]).expect(0, &["kept"]);
    assert_eq!(lines(&said), 2, "{}", said.stdout);
}

#[test]
fn what_is_not_there_cannot_be_signed() {
    let scene = sealed();
    let missing = format!("{}/acme/shop:v9", scene.registry.host());
    scene.run(&[&["sign", missing.as_str()][..], &OPS].concat()).expect(5, &["v9"]);
    scene.run(&["sign", &scene.reference()]).expect(2, &["--identity-token"]);
}

#[test]
fn a_predicate_becomes_a_statement_of_its_type() {
    let scene = sealed();
    scene.run(&["sbom", "oci:image", "-o", "cyclonedx-json=app.cdx.json"]).expect(0, &[]);
    let sbom = ["--type", "cyclonedx", "--predicate", "app.cdx.json"];
    verify(&scene, &["--type", "cyclonedx"]).expect(4, &[]);
    run(&scene, "attest", &sbom).expect(0, &["signed", "https://cyclonedx.org/bom"]);
    verify(&scene, &["--type", "cyclonedx"]).expect(0, &["verified"]);
    // An attestation is no signature.
    verify(&scene, &[]).expect(4, &[]);
    run(&scene, "attest", &sbom).expect(0, &["kept"]);
    scene.write("own.json", r#"{"approved":true}"#);
    let own = ["--type", "https://acme.example/approval/v1", "--predicate", "own.json"];
    run(&scene, "attest", &own).expect(0, &["signed"]);
    verify(&scene, &["--type", "https://acme.example/approval/v1"]).expect(0, &[]);
}

#[test]
fn a_scan_with_other_times_is_another_statement_for_whoever_attests_it() {
    let scene = sealed();
    let scan = |finished: &str| {
        let metadata = serde_json::json!({ "scanStartedOn": finished, "scanFinishedOn": finished });
        scene.write("scan.json", serde_json::json!({ "scanner": {}, "metadata": metadata }).to_string());
        run(&scene, "attest", &["--type", "vuln", "--predicate", "scan.json"])
    };
    scan("2026-01-01T00:00:00Z").expect(0, &["signed"]);
    scan("2026-01-02T00:00:00Z").expect(0, &["signed"]);
    scan("2026-01-02T00:00:00Z").expect(0, &["kept"]);
}

#[test]
fn a_predicate_that_is_not_what_it_is_called_is_refused_before_anything_is_signed() {
    let scene = sealed();
    let count = manifests(&scene);
    for (name, text, kind, words) in [
        ("other.json", r#"{"approved":true}"#, "cyclonedx", "other.json"),
        ("other.json", r#"{"approved":true}"#, "spdxjson", "other.json"),
        ("list.json", "[]", "custom", "no JSON object"),
        ("twice.json", r#"{"a":1,"a":2}"#, "custom", "attested"),
        ("cut.json", r#"{"a":"#, "custom", "attested"),
        ("own.json", "{}", "sbom", "neither a word"),
        ("own.json", "{}", "https://sigstore.dev/cosign/sign/v1", "sealwright sign"),
    ] {
        scene.write(name, text);
        run(&scene, "attest", &["--type", kind, "--predicate", name]).expect(2, &[words]);
    }
    run(&scene, "attest", &["--type", "custom", "--predicate", "missing.json"]).expect(2, &["missing.json"]);
    assert_eq!(manifests(&scene), count);
}

#[test]
fn a_file_has_its_bundle_beside_it() {
    let scene = sealed();
    scene.write("app.tar.gz", "an artifact");
    scene.write("own.json", r#"{"approved":true}"#);
    let attest = ["attest", "--artifact", "app.tar.gz", "--type", "custom", "--predicate", "own.json"];
    scene.run(&[&attest[..], &OPS].concat()).expect(2, &["--bundle"]);
    scene.run(&[&attest[..], &OPS, &["--bundle", "app.sigstore.json"]].concat()).expect(0, &["app.sigstore.json"]);
    let verify = |artifact: &str| {
        let key = ["--key", "ops.pub", "--transparency", "none", "--type", "custom"];
        scene.run(&[&["verify", "--bundle", "app.sigstore.json", "--artifact", artifact][..], &key].concat())
    };
    verify("app.tar.gz").expect(0, &["verified"]);
    scene.run(&[&attest[..], &OPS, &["--bundle", "./app.tar.gz"]].concat()).expect(2, &["the artifact itself"]);
    verify("app.tar.gz").expect(0, &[]);
    scene.write("other.tar.gz", "another artifact");
    verify("other.tar.gz").expect(4, &[]);
}

#[test]
fn evidence_can_be_kept_in_a_repository_of_its_own() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    let evidence = format!("{}/acme/evidence", scene.registry.host());
    let elsewhere = [("COSIGN_REPOSITORY", evidence.as_str())];
    let reference = scene.reference();
    let seal = ["seal", &source, "--push", &reference, "--policy", "policy.yaml", "--db", "db"];
    let key = ["--key", "key.pem", "--transparency", "none"];
    scene.run_with(&elsewhere, &[&seal[..], &key].concat()).expect(0, &["acme/evidence", "v1 names it now"]);
    assert_eq!(manifests(&scene), 1, "only the image is beside itself");
    assert_eq!(scene.registry.manifests("acme/evidence").len(), 6);
    let with = |arguments: &[&str]| scene.run_with(&elsewhere, arguments);
    with(&["verify", &reference, "--policy", "policy.yaml"]).expect(0, &["verified"]);
    scene.verify(&["--policy", "policy.yaml"]).expect(4, &[]);
    with(&[&["sign", reference.as_str(), "-a", "by=ops"][..], &key].concat()).expect(0, &["signed"]);
    assert_eq!((manifests(&scene), scene.registry.manifests("acme/evidence").len()), (1, 7));
    with(&["tree", &reference]).expect(0, &["https://cyclonedx.org/bom"]);
    with(&["download", "sbom", &reference]).expect(0, &["zlib"]);
    scene.run(&["download", "sbom", &reference]).expect(5, &[]);
    with(&["copy", &reference, &format!("{}/acme/copy", scene.registry.host())]).expect(2, &["COSIGN_REPOSITORY"]);
    for bad in ["a:b:c", "evidence", "acme/evidence", "127.0.0.1:1/a:v1"] {
        scene.run_with(&[("COSIGN_REPOSITORY", bad)], &["tree", &reference]).expect(2, &["without a tag"]);
    }
}
