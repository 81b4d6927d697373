//! Attaching evidence, and that it is found afterwards.

use sealwright_core::Digest;
use sealwright_loopback::registry::{
    ArtifactTypes, Effect, EntityTags, Fault, GitLabQuirk, ManifestLocation, ReferrersApi, Tags,
};
use sealwright_oci::{Document, media_type};
use sealwright_registry::{Artifact, RegistryError, Via};

use crate::fixture::{REPOSITORY, answers, client, image, registry_with, stored};
use crate::referrers::{BUNDLE, put_fallback};

fn artifact(content: &str) -> Artifact<'_> {
    Artifact::bundle(BUNDLE, content.as_bytes(), "https://sigstore.dev/cosign/sign/v1", "2026-01-01T00:00:00Z")
}

#[tokio::test]
async fn the_manifest_has_the_shape_that_cosign_writes() {
    let registry = registry_with(|_| ());
    let image = image();
    let pinned = stored(&registry, &image, None);
    let attached = client().attach(&pinned, &image.descriptor, &artifact("bundle")).await.expect("attached");
    assert_eq!(attached.via, Via::Api);
    let manifest = registry.manifests(REPOSITORY).pop().expect("manifest");
    assert_eq!(manifest.digest, *attached.referrer.digest());
    let expected = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": BUNDLE,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "size": 2
        },
        "layers": [{ "mediaType": BUNDLE, "digest": Digest::of(b"bundle"), "size": 6 }],
        "subject": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": image.descriptor.digest,
            "size": image.descriptor.size
        },
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1",
            "org.opencontainers.image.created": "2026-01-01T00:00:00Z"
        }
    });
    assert_eq!(manifest.json(), expected);
    assert!(matches!(Document::parse(&manifest.bytes, Some(media_type::MANIFEST)), Ok(Document::Manifest(_))));
}

#[tokio::test]
async fn what_was_attached_is_found_whatever_the_registry_can() {
    for api in [ReferrersApi::On, ReferrersApi::Off] {
        for types in [ArtifactTypes::Stated, ArtifactTypes::OfConfiguration] {
            let registry = registry_with(|s| {
                s.referrers = api;
                s.artifact_types = types;
                s.manifest_location = ManifestLocation::Omitted;
            });
            let (image, client) = (image(), client());
            let pinned = stored(&registry, &image, None);
            let mut expected = Vec::new();
            for content in ["a", "b", "c"] {
                let attached = client.attach(&pinned, &image.descriptor, &artifact(content)).await.expect("attached");
                expected.push(attached.descriptor);
            }
            let found = client.referrers(&pinned, Some(BUNDLE)).await.expect("referrers");
            assert_eq!(found.descriptors, expected, "{api:?} {types:?}");
            assert_eq!(found.via == Via::Api, api == ReferrersApi::On);
        }
    }
}

#[tokio::test]
async fn the_fallback_index_carries_types_and_annotations() {
    let registry = registry_with(|s| s.referrers = ReferrersApi::Off);
    let image = image();
    let pinned = stored(&registry, &image, None);
    let attached = client().attach(&pinned, &image.descriptor, &artifact("x")).await.expect("attached");
    assert_eq!(attached.via, Via::FallbackTag);
    let tag = registry.tags(REPOSITORY)[&format!("sha256-{}", image.descriptor.digest.hex())];
    let index = registry.manifests(REPOSITORY).into_iter().find(|m| m.digest == tag).expect("index");
    let entry = &index.json()["manifests"][0];
    assert_eq!(entry["artifactType"], BUNDLE);
    assert_eq!(entry["annotations"]["dev.sigstore.bundle.content"], "dsse-envelope");
    assert_eq!(entry["digest"], attached.referrer.digest().to_string());
}

#[tokio::test]
async fn attaching_the_same_again_changes_nothing() {
    for api in [ReferrersApi::On, ReferrersApi::Off] {
        let registry = registry_with(|s| s.referrers = api);
        let (image, client) = (image(), client());
        let pinned = stored(&registry, &image, None);
        let first = client.attach(&pinned, &image.descriptor, &artifact("x")).await.expect("first");
        let before = registry.tags(REPOSITORY);
        let second = client.attach(&pinned, &image.descriptor, &artifact("x")).await.expect("second");
        assert_eq!((first, before), (second, registry.tags(REPOSITORY)));
        assert_eq!(client.referrers(&pinned, None).await.expect("referrers").descriptors.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_many_attach_at_once() {
    let registry = registry_with(|s| s.referrers = ReferrersApi::Off);
    let (image, client) = (image(), client());
    let pinned = stored(&registry, &image, None);
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (client, pinned, subject) = (client.clone(), pinned.clone(), image.descriptor.clone());
            tokio::spawn(async move {
                let content = n.to_string();
                client.attach(&pinned, &subject, &artifact(&content)).await.map(|a| *a.referrer.digest())
            })
        })
        .collect();
    let mut expected = Vec::new();
    for task in tasks {
        expected.push(task.await.expect("task").expect("attached"));
    }
    let mut found: Vec<_> = client.list_fallback(&pinned).await.expect("listed").iter().map(|d| d.digest).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn another_writers_entries_are_kept() {
    let registry = registry_with(|s| s.referrers = ReferrersApi::Off);
    let (image, client) = (image(), client());
    let pinned = stored(&registry, &image, None);
    let (other, manifest) = artifact("other").manifest(&image.descriptor).expect("manifest");
    registry.put_manifest(REPOSITORY, None, media_type::MANIFEST, manifest);
    put_fallback(&registry, &pinned, std::slice::from_ref(&other));
    let attached = client.attach(&pinned, &image.descriptor, &artifact("ours")).await.expect("attached");
    assert_eq!(client.list_fallback(&pinned).await.expect("listed"), [other, attached.descriptor]);
}

#[tokio::test]
async fn a_lost_update_is_noticed_and_repaired() {
    let registry = registry_with(|s| s.referrers = ReferrersApi::Off);
    let (image, client) = (image(), client());
    let pinned = stored(&registry, &image, None);
    registry.fault(Fault { times: 2, ..Fault::once("PUT", "/manifests/sha256-", Effect::LoseTag) });
    let attached = client.attach(&pinned, &image.descriptor, &artifact("x")).await.expect("the third time");
    assert_eq!(client.list_fallback(&pinned).await.expect("listed"), [attached.descriptor]);
    registry.fault(Fault::always("PUT", "/manifests/sha256-", Effect::LoseTag));
    let error = client.attach(&pinned, &image.descriptor, &artifact("y")).await.expect_err("always lost");
    assert!(matches!(&error, RegistryError::LostUpdate { attempts: 8, .. }), "{error}");
    assert!(error.is_unavailable());
}

#[tokio::test]
async fn an_entity_tag_is_used_where_there_is_one() {
    let registry = registry_with(|s| {
        s.referrers = ReferrersApi::Off;
        s.entity_tags = EntityTags::On;
    });
    let (image, client) = (image(), client());
    let pinned = stored(&registry, &image, None);
    client.attach(&pinned, &image.descriptor, &artifact("x")).await.expect("first");
    // The registry says that the tag changed in the meantime: read again, then written.
    registry.fault(Fault::once("PUT", "/manifests/sha256-", Effect::Status(412)));
    registry.forget_requests();
    client.attach(&pinned, &image.descriptor, &artifact("y")).await.expect("second");
    let tag = answers(&registry, "/manifests/sha256-");
    assert_eq!(tag, ["GET 200", "PUT 412", "GET 200", "PUT 201", "GET 200"]);
    assert_eq!(client.list_fallback(&pinned).await.expect("listed").len(), 2);
}

#[tokio::test]
async fn an_immutable_fallback_tag_is_a_conflict_and_says_so() {
    let registry = registry_with(|s| {
        s.referrers = ReferrersApi::Off;
        s.tags = Tags::Immutable;
    });
    let (image, client) = (image(), client());
    let pinned = stored(&registry, &image, None);
    client.attach(&pinned, &image.descriptor, &artifact("x")).await.expect("the first may create it");
    let error =
        client.attach(&pinned, &image.descriptor, &artifact("y")).await.expect_err("the second may not move it");
    assert!(matches!(error, RegistryError::TagConflict { .. }), "{error}");
    assert_eq!(client.list_fallback(&pinned).await.expect("listed").len(), 1);
}

#[tokio::test]
async fn gitlabs_reading_of_the_tag_is_survived_or_told() {
    for (quirk, works) in [(GitLabQuirk::UntilTagged, true), (GitLabQuirk::Always, false)] {
        let registry = registry_with(|s| {
            s.referrers = ReferrersApi::Off;
            s.gitlab_quirk = quirk;
        });
        let (image, client) = (image(), client());
        let pinned = stored(&registry, &image, None);
        match client.attach(&pinned, &image.descriptor, &artifact("x")).await {
            Ok(attached) => {
                assert!(works);
                assert_eq!(client.list_fallback(&pinned).await.expect("listed"), [attached.descriptor]);
            }
            Err(RegistryError::ReferrersUnusable { .. }) => assert!(!works),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_registry_that_does_not_say_whether_it_has_the_api_gets_no_tag() {
    for status in [401, 403, 500] {
        let registry = registry_with(|_| ());
        let (image, client) = (image(), client());
        let pinned = stored(&registry, &image, None);
        registry.fault(Fault::always("GET", "/referrers/", Effect::Status(status)));
        let error = client.attach(&pinned, &image.descriptor, &artifact("x")).await.expect_err("no answer");
        assert_eq!(error.answer().map(|a| a.status), Some(status));
        assert!(registry.tags(REPOSITORY).is_empty());
    }
}

#[tokio::test]
async fn an_api_that_never_lists_what_was_pushed_is_told() {
    use crate::peer::{Answer, serve};
    let image = image();
    let empty = || Answer::ok(media_type::INDEX, br#"{"schemaVersion":2,"manifests":[]}"#.to_vec());
    // Two blobs that are there, the manifest, and four listings without it.
    let (there, created) = (|| Answer::status("200 OK"), || Answer::status("201 Created"));
    let server = serve(vec![there(), there(), created(), empty(), empty(), empty(), empty()]);
    let pinned = server.reference("").repository.pinned(image.descriptor.digest);
    let error = client().attach(&pinned, &image.descriptor, &artifact("x")).await.expect_err("never listed");
    assert!(matches!(error, RegistryError::ReferrersUnusable { .. }), "{error}");
    assert_eq!(server.methods(), ["HEAD", "HEAD", "PUT", "GET", "GET", "GET", "GET"]);
}

#[tokio::test]
async fn a_descriptor_of_another_image_is_refused_before_anything_is_sent() {
    let registry = registry_with(|_| ());
    let image = image();
    let pinned = stored(&registry, &image, None);
    let other = crate::fixture::variant("other").descriptor;
    let error = client().attach(&pinned, &other, &artifact("x")).await.expect_err("another image");
    assert!(matches!(error, RegistryError::DigestMismatch { .. }), "{error}");
    assert!(registry.requests().is_empty());
}
