//! Images that are not what they say: exit 2, and nothing is sent.

use std::path::PathBuf;

use sealwright_core::Digest;
use serde_json::Value;

use crate::scene::Scene;

fn read(path: &std::path::Path) -> Vec<u8> {
    sealwright_core::bounded::read_file(path, 1 << 24).expect("file")
}

/// The blobs of the one image in a layout: manifest, configuration, layer.
fn blobs(scene: &Scene) -> [PathBuf; 3] {
    let at = |digest: &str| scene.path().join("image/blobs/sha256").join(digest.trim_start_matches("sha256:"));
    let json = |path: &std::path::Path| -> Value { serde_json::from_slice(&read(path)).expect("JSON") };
    let index = json(&scene.path().join("image/index.json"));
    let manifest = at(index["manifests"][0]["digest"].as_str().expect("digest"));
    let document = json(&manifest);
    let config = at(document["config"]["digest"].as_str().expect("digest"));
    let layer = at(document["layers"][0]["digest"].as_str().expect("digest"));
    [manifest, config, layer]
}

#[test]
fn a_blob_that_was_changed_cut_or_taken_away_is_noticed() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    for blob in blobs(&scene) {
        let original = read(&blob);
        let mut changed = original.clone();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        for (bytes, words) in [
            (Some(changed), "match"),
            (Some(original[..original.len() - 5].to_vec()), "expected"),
            (Some([&original[..], b"x"].concat()), "expected"),
            (None, "not there"),
        ] {
            match &bytes {
                Some(bytes) => std::fs::write(&blob, bytes).expect("changed"),
                None => std::fs::remove_file(&blob).expect("removed"),
            }
            let digest = blob.file_name().expect("name").to_string_lossy().into_owned();
            scene.seal(&source, &[]).expect(2, &[words, &digest]);
            scene.is_untouched();
            std::fs::write(&blob, &original).expect("restored");
        }
    }
    scene.seal(&source, &[]).expect(0, &[]);
}

#[test]
fn a_layer_with_another_diff_id_is_refused() {
    let scene = Scene::new();
    scene.image("image", "1.4-r0");
    let [manifest, config, _] = blobs(&scene);
    let text = String::from_utf8(read(&config)).expect("text");
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    value["rootfs"]["diff_ids"][0] = Digest::of(b"other").to_string().into();
    let changed = value.to_string();
    let blobs = scene.path().join("image/blobs/sha256");
    let put = |bytes: &[u8]| {
        let digest = Digest::of(bytes);
        std::fs::write(blobs.join(digest.hex()), bytes).expect("blob");
        digest
    };
    let mut document: Value = serde_json::from_slice(&read(&manifest)).expect("JSON");
    document["config"]["digest"] = put(changed.as_bytes()).to_string().into();
    document["config"]["size"] = changed.len().into();
    let document = document.to_string();
    let digest = put(document.as_bytes());
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{}}}]}}"#,
        document.len()
    );
    scene.write("image/index.json", index);
    scene.seal("oci:image", &[]).expect(2, &["diff id", &Digest::of(b"other").to_string()]);
    scene.is_untouched();
}

#[test]
fn sources_that_are_none_say_what_was_expected() {
    let scene = Scene::new();
    scene.write("text.tar", "not an archive at all");
    for (source, words) in [
        ("oci:absent", "absent/index.json could not be read"),
        ("docker-archive:absent.tar", "absent.tar could not be read"),
        ("oci-archive:text.tar", "text.tar"),
        ("sbom:absent.json", "document"),
        ("oci:", "oci:DIR[:TAG]"),
    ] {
        scene.seal(source, &[]).expect(2, &[words]);
    }
    scene.image("image", "1.4-r0");
    scene.seal("oci:image:other", &[]).expect(2, &["no image \"other\"", "latest"]);
    scene.is_untouched();
}

#[test]
fn docker_archives_and_layouts_hold_the_same() {
    let scene = Scene::new();
    let image = sealwright_testkit::image().layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", "1.4-r0"));
    image.write_layout(&scene.path().join("image"), "latest");
    image.write_docker_archive(&scene.path().join("app.tar"), "acme/app:v1");
    let table = |source: &str| scene.run(&["sbom", source]).expect(0, &["1 package"]).stdout;
    assert_eq!(table("oci:image"), table("docker-archive:app.tar"));
    assert_eq!(table("oci:image"), table("docker-archive:app.tar:acme/app:v1"));
    scene.run(&["sbom", "docker-archive:app.tar:other"]).expect(2, &["acme/app:v1"]);
    let tar = std::process::Command::new("tar")
        .args(["-C", "image", "-cf", "image.tar", "."])
        .current_dir(scene.path())
        .status();
    if tar.is_ok_and(|status| status.success()) {
        assert_eq!(table("oci:image"), table("oci-archive:image.tar"));
    }
    scene.seal("docker-archive:app.tar", &[]).expect(0, &["tagged"]);
}
