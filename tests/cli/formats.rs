//! `--format bundle|legacy|both`: what is written where, that nothing is lost or written twice, and signatures over files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::scene::{Said, Scene};

fn sealed(format: &str) -> Scene {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.seal(&source, &["--format", format]).expect(0, &["tagged"]);
    scene
}

/// The layers under a tag of the sealed image.
fn layers(scene: &Scene, suffix: &str) -> Vec<Value> {
    let tag = format!("sha256-{}.{suffix}", scene.sealed().hex());
    let Some(digest) = scene.registry.tags("acme/shop").get(&tag).copied() else { return Vec::new() };
    let manifest = scene.registry.manifests("acme/shop").into_iter().find(|m| m.digest == digest);
    manifest.expect("a manifest").json()["layers"].as_array().expect("layers").clone()
}

/// How many bundles name the sealed image as their subject, by predicate type.
fn bundles(scene: &Scene) -> BTreeMap<String, usize> {
    let subject = json!(scene.sealed().to_string());
    let manifests = scene.registry.manifests("acme/shop").into_iter().map(|m| m.json());
    let mut found = BTreeMap::new();
    for manifest in manifests.filter(|manifest| manifest["subject"]["digest"] == subject) {
        let kind = manifest["annotations"]["dev.sigstore.bundle.predicateType"].as_str().expect("a type").to_owned();
        *found.entry(kind).or_default() += 1;
    }
    found
}

fn verify(scene: &Scene, more: &[&str]) -> Said {
    scene.verify(&[&["--key", "key.pub", "--transparency", "none"], more].concat())
}

#[test]
fn each_format_is_written_where_it_says_and_verifies_by_the_trust_file() {
    for (format, bundled, legacy) in [("bundle", 6, 0), ("legacy", 0, 5), ("both", 6, 5)] {
        let scene = sealed(format);
        assert_eq!(bundles(&scene).len(), bundled, "{format}");
        assert_eq!(layers(&scene, "att").len(), legacy, "{format}");
        assert_eq!(layers(&scene, "sig").len(), usize::from(legacy > 0), "{format}");
        scene.verify(&["--policy", "policy.yaml", "--layers"]).expect(0, &["verified"]);
        verify(&scene, &[]).expect(0, &["verified"]);
        verify(&scene, &["--type", "cyclonedx"]).expect(0, &["verified"]);
    }
}

#[test]
fn a_second_run_writes_what_a_place_lacks_and_nothing_twice() {
    let scene = sealed("legacy");
    scene.seal("oci:image", &["--format", "legacy"]).expect(0, &["kept"]);
    assert_eq!((layers(&scene, "att").len(), layers(&scene, "sig").len(), bundles(&scene).len()), (5, 1, 0));
    for _ in 0..2 {
        scene.seal("oci:image", &["--format", "both"]).expect(0, &["tagged"]);
        assert_eq!((layers(&scene, "att").len(), layers(&scene, "sig").len()), (5, 1));
        assert!(bundles(&scene).values().all(|count| *count == 1), "{:?}", bundles(&scene));
        assert_eq!(bundles(&scene).len(), 6);
    }
    let manifests = scene.registry.manifests("acme/shop").len();
    scene.seal("oci:image", &["--format", "both"]).expect(0, &["kept"]);
    assert_eq!(scene.registry.manifests("acme/shop").len(), manifests);
}

#[test]
fn an_older_signature_that_was_changed_or_is_of_another_does_not_count() {
    let scene = sealed("legacy");
    let [layer] = &layers(&scene, "sig")[..] else { panic!("one layer") };
    let payload = layer["digest"].as_str().expect("digest").parse().expect("digest");
    scene.run(&["generate-key-pair", "--output-key-prefix", "other"]).expect(0, &[]);
    scene.verify(&["--key", "other.pub", "--transparency", "none"]).expect(4, &["NOT VERIFIED"]);
    // A signature of another image under this image's tag.
    let stranger = scene.put_image("stranger");
    let reference = format!("{}/acme/shop@{}", scene.registry.host(), stranger.digest);
    let key = ["--key", "key.pem", "--transparency", "none", "--format", "legacy"];
    scene.run(&[&["sign", &reference][..], &key].concat()).expect(0, &["signed"]);
    let tags = scene.registry.tags("acme/shop");
    let theirs = tags[&format!("sha256-{}.sig", stranger.digest.hex())];
    let theirs = scene.registry.manifests("acme/shop").into_iter().find(|m| m.digest == theirs).expect("a manifest");
    let ours = format!("sha256-{}.sig", scene.sealed().hex());
    scene.registry.put_manifest("acme/shop", Some(&ours), &theirs.media_type, theirs.bytes.clone());
    verify(&scene, &[]).expect(4, &["there is no signature"]);
    scene.seal("oci:image", &["--format", "legacy"]).expect(0, &["signed"]);
    assert_eq!(layers(&scene, "sig").len(), 2, "what was there is kept");
    verify(&scene, &[]).expect(0, &["verified"]);
    scene.registry.alter(payload, &b"{}"[..]);
    verify(&scene, &[]).expect(4, &["NOT VERIFIED"]);
}

#[test]
fn an_attestation_of_the_older_layout_is_no_signature() {
    let scene = Scene::new();
    let image = scene.put_image("v1");
    scene.write("own.json", r#"{"approved":true}"#);
    let key = ["--key", "key.pem", "--transparency", "none", "--format", "legacy"];
    let reference = scene.reference();
    let attest = ["attest", &reference, "--type", "custom", "--predicate", "own.json"];
    scene.run(&[&attest[..], &key].concat()).expect(0, &["signed"]);
    verify(&scene, &["--type", "custom"]).expect(0, &["verified"]);
    verify(&scene, &[]).expect(4, &["there is no signature"]);
    assert_eq!(scene.sealed(), image.digest);
}

#[test]
fn a_file_is_signed_and_the_signature_is_of_that_file_only() {
    let scene = Scene::new();
    scene.write("app.tar.gz", "a file");
    scene.write("other.tar.gz", "another file");
    let key = ["--key", "key.pem", "--transparency", "none"];
    let sign = ["sign", "--artifact", "app.tar.gz", "--bundle", "app.sigstore.json"];
    scene.run(&[&sign[..], &key].concat()).expect(0, &["signed", "app.sigstore.json"]);
    let verify = |artifact: &str, more: &[&str]| {
        let fixed = ["verify", "--bundle", "app.sigstore.json", "--artifact", artifact];
        scene.run(&[&fixed[..], &["--key", "key.pub", "--transparency", "none"], more].concat())
    };
    verify("app.tar.gz", &[]).expect(0, &["verified"]);
    let digest = sealwright_core::Digest::of(b"a file").to_string();
    verify(&digest, &[]).expect(0, &["verified"]);
    verify("other.tar.gz", &[]).expect(4, &["NOT VERIFIED"]);
    verify("app.tar.gz", &["--type", "cyclonedx"]).expect(4, &["no statement of type"]);
    let twice = ["sign", "--artifact", "app.tar.gz", "--bundle", "app.tar.gz"];
    scene.run(&[&twice[..], &key].concat()).expect(2, &["names the artifact itself"]);
    scene.run(&[&["sign", "--artifact", "app.tar.gz"][..], &key].concat()).expect(2, &["--bundle"]);
    let with_words = ["sign", "--artifact", "app.tar.gz", "--bundle", "b.json", "-a", "by=ops"];
    scene.run(&[&with_words[..], &key].concat()).expect(2, &["--artifact"]);
}
