//! What `docs/guides/adoption.md` says about images that run already: sealed where they lie, told apart from built ones.

use sealwright_core::bounded::read_file;
use sealwright_core::{Digest, Limits};
use sealwright_oci::media_type;
use serde_json::Value;

use crate::scene::Scene;

/// The trust file of the guide, for a registry on loopback.
fn trust_file(scene: &Scene) -> String {
    let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides/adoption.md");
    let guide = String::from_utf8(read_file(&guide, 1 << 20).expect("the guide")).expect("text");
    let block = guide.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a trust file");
    let policy = sealwright_policy::parse(block.as_bytes(), "guide", &|_| Err("none".into())).expect("a trust file");
    assert_eq!(policy.builders.len(), 1);
    block.replace("registry.example/shop/**", &format!("{}/**", scene.registry.host()))
}

/// Puts a layout's image into the registry without evidence, as somebody pushed it long ago.
fn push(scene: &Scene, source: &str) -> Digest {
    let layout = scene.path().join(source.trim_start_matches("oci:"));
    let blob = |digest: &str| {
        let path = layout.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
        read_file(&path, Limits::default().compressed_layer).expect("a blob")
    };
    let index: Value =
        serde_json::from_slice(&read_file(&layout.join("index.json"), 1 << 20).expect("index")).expect("JSON");
    let bytes = blob(index["manifests"][0]["digest"].as_str().expect("a digest"));
    let manifest: Value = serde_json::from_slice(&bytes).expect("JSON");
    for part in manifest["layers"].as_array().expect("layers").iter().chain([&manifest["config"]]) {
        scene.registry.put_blob("acme/shop", blob(part["digest"].as_str().expect("a digest")));
    }
    scene.registry.put_manifest("acme/shop", Some("v1"), media_type::MANIFEST, bytes.clone());
    Digest::of(&bytes)
}

#[test]
fn an_image_that_runs_already_is_sealed_where_it_lies_and_is_no_built_one() {
    let scene = Scene::new();
    scene.write("backfill.yaml", trust_file(&scene));
    std::fs::rename(scene.path().join("key.pub"), scene.path().join("backfill.pub")).expect("a key");
    let digest = push(&scene, &scene.image("good", "1.4-r0"));
    let repository = format!("{}/acme/shop", scene.registry.host());
    let running = format!("{repository}@{digest}");
    scene.run(&["verify", &running, "--policy", "backfill.yaml"]).expect(4, &[]);
    let seal = |source: &str| {
        let flags = ["--policy", "backfill.yaml", "--key", "key.pem", "--transparency", "none", "--db", "db"];
        scene.run(&[&["seal", source, "--push", &repository][..], &flags].concat())
    };
    seal(&running).expect(0, &[]);
    scene.run(&["verify", &running, "--policy", "backfill.yaml"]).expect(0, &["verified"]);
    assert_eq!(scene.registry.tags("acme/shop")["v1"], digest, "the tag names what it named");

    // A builder that is asked for a level, or for a source, is not the one who took it over.
    let policy = trust_file(&scene);
    for more in ["evidence: { provenance: { level: 1 } }", "source: { repository: acme/shop, refs: [refs/heads/main] }"]
    {
        scene.write("built.yaml", policy.replace("transparency: none\n", &format!("transparency: none\n    {more}\n")));
        scene.run(&["verify", &running, "--policy", "built.yaml"]).expect(4, &[]);
    }

    // What the gate refuses stays as it was.
    let vulnerable = push(&scene, &scene.image("bad", "1.3-r0"));
    let before = scene.registry.manifests("acme/shop").len();
    seal(&format!("{repository}@{vulnerable}")).expect(3, &["CVE-2030-1"]);
    assert_eq!(scene.registry.manifests("acme/shop").len(), before);
}
