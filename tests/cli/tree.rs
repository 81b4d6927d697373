//! What `tree` lists, from registries of every kind, and what of it reaches a terminal.

use sealwright_core::Digest;
use sealwright_loopback::registry::{Effect, Fault, ReferrersApi};
use sealwright_oci::{Descriptor, media_type};
use serde_json::{Value, json};

use crate::scene::Scene;

fn json_tree(scene: &Scene) -> Value {
    let said = scene.run(&["tree", &scene.reference(), "-o", "json"]).expect(0, &[]);
    serde_json::from_str(&said.stdout).expect("JSON")
}

fn length(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}

#[test]
fn every_statement_is_listed_with_its_type_its_time_and_its_kind_of_signer() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.seal(&source, &[]).expect(0, &[]);
    let digest = scene.sealed().to_string();
    let words = ["https://cyclonedx.org/bom", "2024-01-02T03:04:05Z", "claims, not verified", "sealwright verify"];
    let said = scene.run(&["tree", &scene.reference()]).expect(0, &words);
    assert_eq!(said.stdout.matches("  referrer").count(), 6, "{}", said.stdout);
    assert_eq!(said.stdout.matches("  key  ").count(), 6, "{}", said.stdout);
    let tree = json_tree(&scene);
    assert_eq!((tree["schema"].as_u64(), tree["root"]["digest"].as_str()), (Some(1), Some(&*digest)));
    assert!(tree["note"].as_str().is_some_and(|note| note.contains("not verified")), "{tree}");
    assert_eq!(length(&tree["root"]["referrers"]), 6);
    for referrer in tree["root"]["referrers"].as_array().expect("referrers") {
        assert_eq!(referrer["artifactType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
        assert_eq!(referrer["signer"], "key");
        assert!(referrer["predicateType"].as_str().is_some_and(|kind| kind.starts_with("https://")), "{referrer}");
        assert!(referrer["size"].as_u64().is_some_and(|size| size > 0), "{referrer}");
    }
}

#[test]
fn an_index_is_listed_with_its_platforms_from_pages_and_from_fallback_tags() {
    for (api, page_size) in [(ReferrersApi::On, None), (ReferrersApi::On, Some(1)), (ReferrersApi::Off, None)] {
        let scene = Scene::new();
        scene.registry.switch(|s| (s.referrers, s.page_size) = (api, page_size));
        scene.seal_index();
        let tree = json_tree(&scene);
        let images = tree["root"]["images"].as_array().expect("images");
        let listed: Vec<_> = images
            .iter()
            .map(|image| (image["platform"].as_str().unwrap_or(""), length(&image["referrers"])))
            .collect();
        assert_eq!(listed, [("linux/amd64", 4), ("linux/arm64", 4), ("unknown/unknown", 0)], "{api:?} {page_size:?}");
        assert_eq!(length(&tree["root"]["referrers"]), 6, "{api:?} {page_size:?}");
        scene.run(&["tree", &scene.reference()]).expect(0, &["index", "  image linux/arm64", "    referrer"]);
    }
}

#[test]
fn what_a_registry_says_cannot_steer_a_terminal() {
    let scene = Scene::new();
    let image = scene.put_image("v1");
    let hostile = "\u{1b}[2J\n::error::x\u{202e}";
    let annotations = json!({
        "dev.sigstore.bundle.predicateType": hostile, "org.opencontainers.image.created": hostile,
    });
    scene.put_referrer(&image, hostile, b"content", annotations);
    let said = scene.run(&["tree", &scene.reference()]).expect(0, &["\\u{1b}[2J\\u{a}::error::x\\u{202e}"]);
    assert!(!said.stdout.contains(['\u{1b}', '\u{202e}']), "{:?}", said.stdout);
    assert!(!said.stdout.lines().any(|line| line.starts_with("::")), "{}", said.stdout);
    let said = scene.run(&["tree", &scene.reference(), "-o", "json"]).expect(0, &[]);
    assert!(!said.stdout.contains('\u{1b}'), "{:?}", said.stdout);
}

#[test]
fn tags_of_older_cosign_versions_and_referrers_of_referrers_are_listed() {
    let scene = Scene::new();
    let image = scene.put_image("v1");
    let note = scene.put_referrer(&image, "application/x.note", b"a note", json!({}));
    scene.put_referrer(&note, "application/x.answer", b"an answer", json!({}));
    let signature = scene.put_image(&format!("sha256-{}.sig", image.digest.hex()));
    scene.put_image(&format!("sha256-{}.sbom", note.digest.hex()));
    let tree = json_tree(&scene);
    let legacy = &tree["root"]["legacy"];
    assert_eq!((length(legacy), legacy[0]["digest"].as_str()), (1, Some(&*signature.digest.to_string())), "{legacy}");
    let note = &tree["root"]["referrers"][0];
    assert_eq!((&note["artifactType"], note["signer"].as_str()), (&json!("application/x.note"), None));
    assert_eq!(note["referrers"][0]["artifactType"], "application/x.answer");
    scene
        .run(&["tree", &scene.reference()])
        .expect(0, &["  tag sha256-", ".sig", "  referrer", "    referrer", "application/x.answer"]);
}

#[test]
fn a_tag_that_names_an_image_of_the_index_does_not_hide_the_evidence_of_it() {
    let scene = Scene::new();
    scene.seal_index();
    let manifests = scene.registry.manifests("acme/shop");
    let index = manifests.iter().find(|m| m.digest == scene.sealed()).expect("index").json();
    let arm: Digest = index["manifests"][1]["digest"].as_str().expect("digest").parse().expect("digest");
    let arm = manifests.iter().find(|m| m.digest == arm).expect("image");
    let tag = format!("sha256-{}.sig", scene.sealed().hex());
    scene.registry.put_manifest("acme/shop", Some(&tag), &arm.media_type, arm.bytes.clone());
    let tree = json_tree(&scene);
    assert_eq!(tree["root"]["legacy"][0]["digest"], arm.digest.to_string());
    assert_eq!(length(&tree["root"]["images"][1]["referrers"]), 4);
}

#[test]
fn what_is_listed_and_is_no_evidence_is_said_so_and_hides_nothing() {
    let scene = Scene::new();
    scene.registry.switch(|s| s.referrers = ReferrersApi::Off);
    let (image, other) = (scene.put_image("v1"), scene.put_image("other"));
    let note = scene.put_referrer(&image, "application/x.note", b"a note", json!({}));
    let gone = Descriptor::of(media_type::MANIFEST, b"gone");
    let changed = scene.put_referrer(&image, "application/x.changed", b"changed", json!({}));
    scene.registry.alter(changed.digest, "{}");
    let index = json!({
        "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [gone, other, changed, note],
    });
    scene.put_manifest(Some(&format!("sha256-{}", image.digest.hex())), &index);
    let tree = json_tree(&scene);
    let problem = |digest: Digest| {
        let listed = tree["root"]["referrers"].as_array().expect("referrers");
        let entry = listed.iter().find(|entry| entry["digest"] == digest.to_string()).expect("entry");
        entry["problem"].as_str().unwrap_or("none").to_owned()
    };
    assert_eq!(problem(gone.digest), "listed and not there");
    assert_eq!(problem(other.digest), "listed and not about this");
    assert!(problem(changed.digest).contains("does not match its digest"), "{}", problem(changed.digest));
    assert_eq!(problem(note.digest), "none");
}

#[test]
fn no_evidence_no_image_and_no_answer_are_three_things() {
    let scene = Scene::new();
    scene.put_image("v1");
    scene.run(&["tree", &scene.reference()]).expect(0, &["no evidence is stored with it"]);
    let absent = format!("{}/acme/shop:absent", scene.registry.host());
    scene.run(&["tree", &absent]).expect(5, &["not found"]);
    scene.registry.fault(Fault::always("GET", "/referrers/", Effect::Status(403)));
    let said = scene.run(&["tree", &scene.reference()]).expect(5, &["denied"]);
    assert_eq!(said.stdout, "");
}

#[test]
fn the_parts_of_a_referrer_lie_where_the_referrer_does() {
    let scene = Scene::new();
    let image = scene.put_image("v1");
    let put = |manifest: Value| {
        let kind = manifest["mediaType"].as_str().expect("type").to_owned();
        let bytes = manifest.to_string().into_bytes();
        let descriptor = Descriptor::of(&kind, &bytes);
        scene.registry.put_manifest("acme/evidence", None, &kind, bytes);
        descriptor
    };
    let config = Descriptor::of(media_type::EMPTY, b"{}");
    let part = put(json!({ "schemaVersion": 2, "mediaType": media_type::MANIFEST, "config": config, "layers": [] }));
    let inner = put(json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [part] }));
    put(json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [inner], "subject": image }));
    let evidence = format!("{}/acme/evidence", scene.registry.host());
    let elsewhere = [("COSIGN_REPOSITORY", evidence.as_str())];
    let said = scene.run_with(&elsewhere, &["tree", &scene.reference(), "-o", "json"]).expect(0, &[]);
    let tree: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let found = &tree["root"]["referrers"][0]["images"][0];
    assert_eq!((&found["problem"], &found["images"][0]["problem"]), (&Value::Null, &Value::Null), "{tree}");
    assert_eq!(found["images"][0]["digest"], part.digest.to_string());
}
