//! Reading an image in a registry with the synchronous readers.

use std::sync::Arc;
use std::time::Duration;

use sealwright_core::{Digest, Limits};
use sealwright_loopback::registry::{Effect, Fault, Registry};
use sealwright_oci::{BlobError, Descriptor, ImageSource as _, Wanted, media_type, read_blob, resolve};
use sealwright_registry::{Client, Options, Pushed, RemoteImage};
use tokio::runtime::{Handle, Runtime};

use crate::fixture::{client, image, options, reference, registry, repository, stored};

fn open(runtime: &Runtime, registry: &Registry, rest: &str) -> RemoteImage {
    open_with(runtime, client(), registry, rest)
}

fn open_with(runtime: &Runtime, client: Arc<Client>, registry: &Registry, rest: &str) -> RemoteImage {
    let handle = runtime.handle().clone();
    runtime.block_on(RemoteImage::open(client, &reference(registry, rest), handle)).expect("opened")
}

fn runtime() -> Runtime {
    Runtime::new().expect("runtime")
}

#[test]
fn an_image_resolves_and_its_layer_is_read() {
    let (runtime, registry, image) = (runtime(), registry(), image());
    let pinned = stored(&registry, &image, Some("v1"));
    let remote = open(&runtime, &registry, ":v1");
    assert_eq!((remote.pinned(), remote.root()), (&pinned, &image.descriptor));
    let resolved = resolve(&remote, &Wanted::All, &Limits::default()).expect("resolved");
    assert_eq!(resolved.root_bytes, image.manifest);
    let layer = read_blob(remote.as_blobs(), &image.layer, u64::MAX).expect("layer");
    assert_eq!(Digest::of(&layer), image.layer.digest);
}

#[test]
fn an_index_leads_to_its_manifests() {
    let (runtime, registry, image) = (runtime(), registry(), image());
    stored(&registry, &image, None);
    let mut child = image.descriptor.clone();
    child.platform = Some("linux/amd64".parse().expect("platform"));
    let index = serde_json::json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [child] });
    registry.put_manifest(crate::fixture::REPOSITORY, Some("multi"), media_type::INDEX, index.to_string());
    let remote = open(&runtime, &registry, ":multi");
    let resolved = resolve(&remote, &Wanted::All, &Limits::default()).expect("resolved");
    assert_eq!(resolved.images[0].manifest_bytes, image.manifest);
}

#[test]
fn a_layer_whose_connection_broke_is_resumed_where_it_ended() {
    let (runtime, registry, image) = (runtime(), registry(), image());
    stored(&registry, &image, Some("v1"));
    let remote = open(&runtime, &registry, ":v1");
    registry.fault(Fault { times: 3, ..Fault::once("GET", "/blobs/", Effect::CutBody) });
    let layer = read_blob(&remote, &image.layer, u64::MAX).expect("resumed");
    assert_eq!(Digest::of(&layer), image.layer.digest);
    let statuses: Vec<_> =
        registry.requests().iter().filter(|r| r.path.contains("/blobs/")).map(|r| r.status).collect();
    assert_eq!(statuses, [200, 206, 206, 206]);
}

#[test]
fn a_layer_that_keeps_breaking_is_upstreams_failure() {
    let (runtime, registry, image) = (runtime(), registry(), image());
    stored(&registry, &image, Some("v1"));
    let remote = open(&runtime, &registry, ":v1");
    registry.fault(Fault::always("GET", "/blobs/", Effect::CutBody));
    let error = read_blob(&remote, &image.layer, u64::MAX).expect_err("always");
    assert!(matches!(error, BlobError::Upstream { digest, .. } if digest == image.layer.digest), "{error}");
}

#[test]
fn a_registry_that_ignores_the_range_is_resumed_too() {
    use crate::peer::{Answer, serve};
    let (runtime, image) = (runtime(), image());
    let layer = image.blobs.0[&image.layer.digest].clone();
    let manifest = Answer::ok(media_type::MANIFEST, image.manifest.clone());
    let whole = Answer::ok("application/octet-stream", layer.clone());
    let broken = Answer::Broken { announced: layer.len(), body: layer[..1_000].to_vec() };
    let server = serve(vec![manifest, broken, whole]);
    let remote = runtime
        .block_on(RemoteImage::open(client(), &server.reference(":v1"), runtime.handle().clone()))
        .expect("opened");
    assert_eq!(read_blob(&remote, &image.layer, u64::MAX).expect("resumed"), layer);
    assert!(server.heads()[2].contains("range: bytes=1000-"), "{}", server.heads()[2]);
}

#[test]
fn another_range_than_was_asked_for_is_refused() {
    use crate::peer::{Answer, serve};
    let (runtime, image) = (runtime(), image());
    let layer = image.blobs.0[&image.layer.digest].clone();
    let manifest = Answer::ok(media_type::MANIFEST, image.manifest.clone());
    let broken = Answer::Broken { announced: layer.len(), body: layer[..1_000].to_vec() };
    let wrong = Answer::Say {
        status: "206 Partial Content",
        headers: vec![("Content-Range".into(), format!("bytes 900-{}/{}", layer.len() - 1, layer.len()))],
        body: layer[900..].to_vec(),
    };
    let server = serve(vec![manifest, broken, wrong]);
    let remote = runtime
        .block_on(RemoteImage::open(client(), &server.reference(":v1"), runtime.handle().clone()))
        .expect("opened");
    let error = read_blob(&remote, &image.layer, u64::MAX).expect_err("another range");
    assert!(matches!(error, BlobError::Upstream { .. }), "{error}");
}

#[test]
fn altered_layers_and_manifests_are_not_believed() {
    let (runtime, registry, image) = (runtime(), registry(), image());
    stored(&registry, &image, Some("v1"));
    let remote = open(&runtime, &registry, ":v1");
    let mut altered = image.blobs.0[&image.layer.digest].clone();
    altered[7] ^= 1;
    registry.alter(image.layer.digest, altered);
    let error = read_blob(&remote, &image.layer, u64::MAX).expect_err("altered");
    assert!(matches!(error, BlobError::DigestMismatch { digest, .. } if digest == image.layer.digest), "{error}");
    registry.alter(image.layer.digest, b"short".to_vec());
    let error = read_blob(&remote, &image.layer, u64::MAX).expect_err("short");
    assert!(matches!(error, BlobError::SizeMismatch { found: 5, .. }), "{error}");
    let other = crate::fixture::variant("other");
    stored(&registry, &other, None);
    registry.alter(other.descriptor.digest, b"{}".to_vec());
    let error = read_blob(&remote, &other.descriptor, u64::MAX).expect_err("altered");
    assert!(matches!(error, BlobError::DigestMismatch { digest, .. } if digest == other.descriptor.digest), "{error}");
}

#[test]
fn a_missing_blob_is_missing_and_a_denied_one_is_not() {
    let (runtime, registry, image) = (runtime(), registry(), image());
    stored(&registry, &image, Some("v1"));
    let remote = open(&runtime, &registry, ":v1");
    let missing = Descriptor::of("x", b"missing");
    assert!(matches!(read_blob(&remote, &missing, 99), Err(BlobError::NotFound { .. })));
    registry.fault(Fault::once("GET", "/blobs/", Effect::Status(403)));
    assert!(matches!(read_blob(&remote, &image.layer, u64::MAX), Err(BlobError::Upstream { .. })));
}

#[test]
fn a_slow_layer_may_take_longer_than_the_timeout_as_long_as_it_moves() {
    let (runtime, registry, image) = (runtime(), registry(), image());
    stored(&registry, &image, Some("v1"));
    let patient = Arc::new(Client::new(Options { timeout: Duration::from_millis(500), ..options() }).expect("client"));
    let remote = open_with(&runtime, patient, &registry, ":v1");
    registry.fault(Fault::once("GET", "/blobs/", Effect::SlowBody(Duration::from_millis(200))));
    assert!(read_blob(&remote, &image.layer, u64::MAX).is_ok());
    registry.fault(Fault::always("GET", "/blobs/", Effect::SlowBody(Duration::from_secs(5))));
    let error = read_blob(&remote, &image.layer, u64::MAX).expect_err("stands still");
    assert!(matches!(error, BlobError::Upstream { .. }), "{error}");
}

#[test]
fn a_remote_image_is_copied_to_another_registry() {
    let (runtime, from, to, image) = (runtime(), registry(), registry(), image());
    stored(&from, &image, Some("v1"));
    let remote = open(&runtime, &from, ":v1");
    let client = client();
    let repository = repository(&to);
    for blob in [&image.config, &image.layer] {
        assert_eq!(runtime.block_on(client.push_blob(&repository, blob, &remote)).expect("copied"), Pushed::Sent);
    }
    runtime.block_on(client.push_manifest(&repository, remote.root(), &image.manifest)).expect("manifest");
    assert_eq!(to.manifests(crate::fixture::REPOSITORY)[0].digest, image.descriptor.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_read_in_a_blocking_task_of_its_own_runtime() {
    let (registry, image) = (registry(), image());
    stored(&registry, &image, Some("v1"));
    let remote = RemoteImage::open(client(), &reference(&registry, ":v1"), Handle::current()).await.expect("opened");
    let layer = image.layer.clone();
    let bytes = tokio::task::spawn_blocking(move || read_blob(&remote, &layer, u64::MAX)).await.expect("task");
    assert_eq!(Digest::of(&bytes.expect("layer")), image.layer.digest);
}
