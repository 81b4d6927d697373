//! Pushing blobs, manifests and tags.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU32, Ordering};

use sealwright_core::Digest;
use sealwright_loopback::registry::{Effect, Fault, ManifestLocation, Tags, UploadLocation};
use sealwright_oci::{BlobError, Blobs, Descriptor, media_type};
use sealwright_registry::{Pushed, RegistryError};

use crate::fixture::{
    REPOSITORY, answers, client, image, pushed, registry, registry_with, repository, stored, variant,
};

#[tokio::test]
async fn an_image_is_pushed_by_digest_and_tagged_last() {
    let (registry, image, client) = (registry(), image(), client());
    let repository = repository(&registry);
    let pinned = pushed(&client, &repository, &image).await;
    assert_eq!(*pinned.digest(), image.descriptor.digest);
    assert!(registry.tags(REPOSITORY).is_empty(), "nothing is tagged yet");
    client.tag(&pinned, "v1", media_type::MANIFEST, &image.manifest).await.expect("tag");
    assert_eq!(registry.tags(REPOSITORY)["v1"], image.descriptor.digest);
    assert_eq!(registry.blobs(REPOSITORY)[&image.layer.digest], image.layer.size);
    assert_eq!(registry.manifests(REPOSITORY)[0].bytes, image.manifest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_there_is_not_sent_again() {
    let (registry, image, client) = (registry(), image(), client());
    let repository = repository(&registry);
    let push = || client.push_blob(&repository, &image.layer, &image.blobs);
    assert_eq!(push().await.expect("first"), Pushed::Sent);
    registry.forget_requests();
    assert_eq!(push().await.expect("second"), Pushed::WasThere);
    assert_eq!(answers(&registry, ""), ["HEAD 200"]);
}

#[tokio::test]
async fn an_empty_blob_and_one_of_a_whole_number_of_parts_arrive() {
    let (registry, client) = (registry(), client());
    for size in [0, 1, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 512 << 10] {
        let bytes = vec![b'x'; size];
        let descriptor = client.push_bytes(&repository(&registry), "x", &bytes).await.expect("pushed");
        assert_eq!(registry.blobs(REPOSITORY).get(&descriptor.digest), Some(&(size as u64)), "{size}");
    }
}

#[tokio::test]
async fn the_upload_may_be_anywhere_on_the_registry_and_its_state_is_kept() {
    for location in [UploadLocation::Relative, UploadLocation::Absolute] {
        let registry = registry_with(|s| s.upload_location = location.clone());
        let image = image();
        client().push_blob(&repository(&registry), &image.layer, &image.blobs).await.expect("pushed");
        let put = registry.requests().into_iter().find(|r| r.method == "PUT").expect("PUT");
        assert_eq!(put.query, format!("_state=opaque%2Bstate&digest={}", image.layer.digest), "{location:?}");
    }
}

#[tokio::test]
async fn an_upload_elsewhere_gets_no_login() {
    let elsewhere = registry_with(|s| s.access = crate::access::basic_access());
    let registry = registry_with(|s| {
        s.upload_location = UploadLocation::On(format!("http://{}", elsewhere.host()));
        s.access = crate::access::basic_access();
    });
    let client = crate::fixture::client_with(crate::access::login_for(&registry.host()));
    let image = image();
    let error = client.push_blob(&repository(&registry), &image.config, &image.blobs).await.expect_err("it wants one");
    assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error}");
    let there = elsewhere.requests();
    assert_eq!((there.len(), there[0].method.as_str(), there[0].authorization.as_deref()), (1, "PUT", None));
}

#[tokio::test]
async fn an_upload_without_tls_to_another_machine_is_refused() {
    let registry = registry_with(|s| s.upload_location = UploadLocation::On("http://192.0.2.1".into()));
    let image = image();
    let error = client().push_blob(&repository(&registry), &image.config, &image.blobs).await.expect_err("plain");
    assert!(matches!(error, RegistryError::Insecure { .. }), "{error}");
}

/// Serves other bytes than its descriptor says.
struct Liar(Vec<u8>);

impl Blobs for Liar {
    fn open(&self, _: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        Ok(Box::new(&self.0[..]))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_not_what_its_descriptor_says_is_not_pushed() {
    let (registry, client, image) = (registry(), client(), image());
    let good = &image.blobs.0[&image.layer.digest];
    let mut changed = good.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    let longer = [&good[..], b"x"].concat();
    let shorter = good[..good.len() - 1].to_vec();
    for bytes in [changed, longer, shorter, Vec::new()] {
        let length = bytes.len() as u64;
        let error = client.push_blob(&repository(&registry), &image.layer, &Liar(bytes)).await.expect_err("a lie");
        match error {
            RegistryError::Blob(BlobError::DigestMismatch { .. }) => assert_eq!(length, image.layer.size),
            RegistryError::Blob(BlobError::SizeMismatch { found, .. }) => assert_eq!(found, length),
            other => panic!("{other}"),
        }
    }
    assert!(registry.blobs(REPOSITORY).is_empty());
}

/// Fails the first time it is read, halfway.
struct Flaky<'a>(&'a [u8], AtomicU32);

struct Half<'a>(&'a [u8]);

impl Read for Half<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::Error::other("the disk broke")) } else { self.0.read(buffer) }
    }
}

impl Blobs for Flaky<'_> {
    fn open(&self, _: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Half(&self.0[..self.0.len() / 2])))
    }
}

#[tokio::test]
async fn a_blob_that_cannot_be_read_is_our_failure_and_is_not_tried_again() {
    let (registry, client, image) = (registry(), client(), image());
    let flaky = Flaky(&image.blobs.0[&image.layer.digest], AtomicU32::new(0));
    let error = client.push_blob(&repository(&registry), &image.layer, &flaky).await.expect_err("broken disk");
    assert!(matches!(&error, RegistryError::Blob(BlobError::Io { .. })), "{error}");
    assert!(!error.is_unavailable());
    assert_eq!(flaky.1.load(Ordering::Relaxed), 1);
    assert!(registry.blobs(REPOSITORY).is_empty());
}

#[tokio::test]
async fn a_push_that_failed_in_passing_starts_anew_with_the_blob_opened_again() {
    let (registry, client, image) = (registry(), client(), image());
    registry.fault(Fault::once("PUT", "/blobs/uploads/", Effect::Status(503)));
    registry.fault(Fault::once("POST", "/blobs/uploads/", Effect::RetryAfter(429, 0)));
    client.push_blob(&repository(&registry), &image.layer, &image.blobs).await.expect("pushed");
    assert_eq!(answers(&registry, "/uploads/"), ["POST 429", "POST 202", "PUT 503", "POST 202", "PUT 201"]);
    assert!(registry.blobs(REPOSITORY).contains_key(&image.layer.digest));
}

#[tokio::test]
async fn a_push_that_keeps_failing_is_given_up() {
    let (registry, client, image) = (registry(), client(), image());
    registry.fault(Fault::always("PUT", "/blobs/uploads/", Effect::Status(503)));
    let error = client.push_blob(&repository(&registry), &image.layer, &image.blobs).await.expect_err("always");
    assert!(matches!(error, RegistryError::Failing { .. }), "{error}");
    assert_eq!(registry.requests().iter().filter(|r| r.method == "PUT").count(), 4);
}

#[tokio::test]
async fn a_push_that_is_denied_is_not_tried_again() {
    let (registry, client, image) = (registry(), client(), image());
    registry.fault(Fault::always("POST", "/blobs/uploads/", Effect::Status(403)));
    let error = client.push_blob(&repository(&registry), &image.layer, &image.blobs).await.expect_err("denied");
    assert!(matches!(&error, RegistryError::Denied { answer, .. } if answer.code.raw() == "DENIED"), "{error}");
    assert_eq!(answers(&registry, "/uploads/"), ["POST 403"]);
}

#[tokio::test]
async fn a_manifest_is_pushed_where_no_location_comes_back() {
    let registry = registry_with(|s| s.manifest_location = ManifestLocation::Omitted);
    let image = image();
    let pinned = pushed(&client(), &repository(&registry), &image).await;
    assert_eq!(*pinned.digest(), image.descriptor.digest);
}

#[tokio::test]
async fn a_manifest_whose_blobs_are_missing_is_rejected_by_the_registry() {
    let (registry, image) = (registry(), image());
    let error = client().push_manifest(&repository(&registry), &image.descriptor, &image.manifest).await;
    let error = error.expect_err("no blobs");
    assert!(
        matches!(&error, RegistryError::Rejected { answer, .. } if answer.code.raw() == "MANIFEST_BLOB_UNKNOWN"),
        "{error}"
    );
}

#[tokio::test]
async fn a_manifest_that_its_descriptor_does_not_describe_is_not_sent() {
    let (registry, image, client) = (registry(), image(), client());
    let repository = repository(&registry);
    let error = client.push_manifest(&repository, &image.descriptor, b"{}").await.expect_err("other bytes");
    assert!(matches!(error, RegistryError::DigestMismatch { .. }), "{error}");
    let pinned = repository.pinned(image.descriptor.digest);
    let error = client.tag(&pinned, "v1", media_type::MANIFEST, b"{}").await.expect_err("other bytes");
    assert!(matches!(error, RegistryError::DigestMismatch { .. }), "{error}");
    assert!(registry.requests().is_empty());
}

#[tokio::test]
async fn a_registry_that_stored_something_else_is_noticed() {
    let image = image();
    let answer =
        crate::peer::Answer::status("201 Created").header("Docker-Content-Digest", &Digest::of(b"x").to_string());
    let server = crate::peer::serve(vec![answer]);
    let pushed = client().push_manifest(&server.reference("").repository, &image.descriptor, &image.manifest).await;
    let error = pushed.expect_err("another digest");
    assert!(matches!(error, RegistryError::DigestMismatch { found, .. } if found == Digest::of(b"x")), "{error}");
}

#[tokio::test]
async fn a_mutable_tag_moves() {
    let (registry, client) = (registry(), client());
    stored(&registry, &image(), Some("v1"));
    let other = variant("other");
    let pinned = stored(&registry, &other, None);
    client.tag(&pinned, "v1", media_type::MANIFEST, &other.manifest).await.expect("moved");
    assert_eq!(registry.tags(REPOSITORY)["v1"], other.descriptor.digest);
}

#[tokio::test]
async fn an_immutable_tag_is_a_conflict_unless_it_names_this_digest() {
    let registry = registry_with(|s| s.tags = Tags::Immutable);
    let (client, image, other) = (client(), image(), variant("other"));
    let pinned = stored(&registry, &image, Some("v1"));
    client.tag(&pinned, "v1", media_type::MANIFEST, &image.manifest).await.expect("the same digest is success");
    let other_pinned = stored(&registry, &other, None);
    let error = client.tag(&other_pinned, "v1", media_type::MANIFEST, &other.manifest).await.expect_err("conflict");
    let RegistryError::TagConflict { existing, wanted, .. } = &error else { panic!("{error}") };
    assert_eq!((*existing, *wanted), (image.descriptor.digest, other.descriptor.digest));
    assert!(!error.is_unavailable());
    assert_eq!(registry.tags(REPOSITORY)["v1"], image.descriptor.digest);
}

#[tokio::test]
async fn a_refusal_that_is_not_about_immutability_stays_what_it_is() {
    let (registry, client, image, other) = (registry(), client(), image(), variant("other"));
    stored(&registry, &image, Some("v1"));
    let pinned = stored(&registry, &other, None);
    for (status, conflict) in [(400, false), (403, false), (405, false), (409, true), (412, true)] {
        registry.fault(Fault::once("PUT", "/manifests/v1", Effect::Status(status)));
        let error = client.tag(&pinned, "v1", media_type::MANIFEST, &other.manifest).await.expect_err("refused");
        assert_eq!(matches!(error, RegistryError::TagConflict { .. }), conflict, "{status}: {error}");
    }
    registry.fault(Fault::once("PUT", "/manifests/v2", Effect::Status(409)));
    let error = client.tag(&pinned, "v2", media_type::MANIFEST, &other.manifest).await.expect_err("no such tag");
    assert!(matches!(error, RegistryError::Rejected { .. }), "{error}");
}

#[tokio::test]
async fn words_with_an_acknowledgment_are_read_and_only_refusals_are_looked_into() {
    use crate::peer::{Answer, serve};
    let image = image();
    let created = Answer::Say { status: "201 Created", headers: vec![], body: b"welcome".to_vec() };
    let server = serve(vec![created]);
    let repository = server.reference("").repository;
    client().push_manifest(&repository, &image.descriptor, &image.manifest).await.expect("pushed");
    let server = serve(vec![Answer::status("401 Unauthorized"), Answer::status("401 Unauthorized")]);
    let pinned = server.reference("").repository.pinned(image.descriptor.digest);
    let error = client().tag(&pinned, "v1", media_type::MANIFEST, &image.manifest).await.expect_err("no credentials");
    assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error}");
    assert_eq!(server.methods(), ["PUT"]);
}

#[tokio::test]
async fn a_tag_that_cannot_be_one_is_not_sent() {
    let (registry, client, image) = (registry(), client(), image());
    let pinned = repository(&registry).pinned(image.descriptor.digest);
    let error = client.tag(&pinned, "a/../b", media_type::MANIFEST, &image.manifest).await.expect_err("no tag");
    assert!(matches!(error, RegistryError::NotATag { .. }), "{error}");
    assert!(registry.requests().is_empty());
}
