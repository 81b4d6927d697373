//! An OCI layout out of a root file system's tar: what a build tool would write, made without one.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use sealwright_core::{
    Digest,
    bounded::{read_all, read_file},
};
use serde_json::{Value, json};

/// Writes a layout with one gzip layer, tagged `latest`. A tar that ends in `.gz` is taken as it is.
pub(crate) fn layout_from_tar(tar: &Path, folder: &Path) {
    std::fs::create_dir_all(folder.join("blobs/sha256")).expect("folders");
    let bytes = read_file(tar, 1 << 30).expect("tar");
    let (plain, layer) = if tar.extension().is_some_and(|e| e == "gz") {
        (filter(Command::new("gzip").arg("-dc"), &bytes), bytes)
    } else {
        let packed = filter(Command::new("gzip").args(["-n", "-6"]), &bytes);
        (bytes, packed)
    };
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(&plain)] },
    });
    let config = blob(folder, "application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
    let layer = blob(folder, "application/vnd.oci.image.layer.v1.tar+gzip", &layer);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config, "layers": [layer],
    });
    let mut manifest = blob(folder, "application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    std::fs::write(folder.join("index.json"), index.to_string()).expect("index");
    std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("layout");
}

fn blob(folder: &Path, media_type: &str, bytes: &[u8]) -> Value {
    let digest = Digest::of(bytes);
    std::fs::write(folder.join("blobs/sha256").join(digest.hex()), bytes).expect("blob");
    json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
}

/// Runs a program as a filter over bytes.
fn filter(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip");
    let mut stdin = child.stdin.take().expect("piped");
    let stdout = child.stdout.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).expect("gzip reads"));
        read_all(stdout, 4 << 30).expect("within the limit")
    });
    assert!(child.wait().expect("gzip").success());
    output
}
