//! Resolving, reading manifests and reading blobs.

use sealwright_core::Digest;
use sealwright_loopback::registry::{Effect, Fault};
use sealwright_oci::{Descriptor, media_type};
use sealwright_registry::{Client, Options, RegistryError};

use crate::fixture::{REPOSITORY, client, image, options, reference, registry, repository, stored, variant};

#[tokio::test]
async fn a_tag_resolves_to_the_digest_of_its_bytes() {
    let (registry, image) = (registry(), image());
    stored(&registry, &image, Some("v1"));
    let (pinned, descriptor, bytes) = client().resolve(&reference(&registry, ":v1")).await.expect("resolved");
    assert_eq!(*pinned.digest(), Digest::of(&image.manifest));
    assert_eq!((descriptor, bytes), (image.descriptor, image.manifest));
    assert_eq!(pinned.repository(), &repository(&registry));
}

#[tokio::test]
async fn without_a_tag_it_is_latest_and_a_digest_goes_before_a_tag() {
    let (registry, image, other) = (registry(), image(), variant("other"));
    stored(&registry, &image, Some("latest"));
    stored(&registry, &other, Some("v2"));
    let client = client();
    let (pinned, ..) = client.resolve(&reference(&registry, "")).await.expect("latest");
    assert_eq!(*pinned.digest(), image.descriptor.digest);
    let both = format!(":v2@{}", image.descriptor.digest);
    let (pinned, ..) = client.resolve(&reference(&registry, &both)).await.expect("by digest");
    assert_eq!(*pinned.digest(), image.descriptor.digest);
}

#[tokio::test]
async fn a_manifest_that_is_not_its_digest_is_refused() {
    let (registry, image) = (registry(), image());
    let pinned = stored(&registry, &image, Some("v1"));
    let other = variant("altered").manifest;
    registry.alter(image.descriptor.digest, other.clone());
    let error = client().manifest(&pinned).await.expect_err("altered");
    let RegistryError::DigestMismatch { expected, found, .. } = error else { panic!("{error}") };
    assert_eq!((expected, found), (image.descriptor.digest, Digest::of(&other)));
}

#[tokio::test]
async fn a_manifest_that_is_not_the_announced_digest_is_refused() {
    let answer = crate::peer::Answer::ok(media_type::MANIFEST, image().manifest)
        .header("Docker-Content-Digest", &Digest::of(b"another").to_string());
    let server = crate::peer::serve(vec![answer]);
    let error = client().resolve(&server.reference(":v1")).await.expect_err("announced another");
    assert!(
        matches!(error, RegistryError::DigestMismatch { expected, .. } if expected == Digest::of(b"another")),
        "{error}"
    );
}

#[tokio::test]
async fn a_digest_header_that_is_none_is_refused_and_a_sha512_one_says_nothing() {
    let sha512 = format!("sha512:{}", "0".repeat(128));
    for (header, fits) in [("sha256:zz", false), (sha512.as_str(), true)] {
        let image = image();
        let answer =
            crate::peer::Answer::ok(media_type::MANIFEST, image.manifest).header("Docker-Content-Digest", header);
        let server = crate::peer::serve(vec![answer]);
        let resolved = client().resolve(&server.reference(":v1")).await;
        match resolved {
            Ok((pinned, ..)) => assert!(fits && *pinned.digest() == image.descriptor.digest),
            Err(RegistryError::Protocol { problem, .. }) => assert!(!fits && problem.contains("Docker-Content-Digest")),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn the_document_says_its_type_where_the_header_does_not() {
    let image = image();
    for header in ["application/json", "text/plain; charset=utf-8"] {
        let server = crate::peer::serve(vec![crate::peer::Answer::ok(header, image.manifest.clone())]);
        let (_, descriptor, _) = client().resolve(&server.reference(":v1")).await.expect("resolved");
        assert_eq!(descriptor, image.descriptor, "{header}");
    }
    let header = format!("{}; charset=utf-8", media_type::MANIFEST);
    let server = crate::peer::serve(vec![crate::peer::Answer::ok(&header, image.manifest.clone())]);
    let (_, descriptor, _) = client().resolve(&server.reference(":v1")).await.expect("resolved");
    assert_eq!(descriptor.media_type, media_type::MANIFEST);
    // A document without a type of its own is what the header says.
    let mut untyped: serde_json::Value = serde_json::from_slice(&image.manifest).expect("JSON");
    untyped.as_object_mut().expect("object").remove("mediaType");
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let server = crate::peer::serve(vec![crate::peer::Answer::ok(docker, untyped.to_string().into_bytes())]);
    let (_, descriptor, _) = client().resolve(&server.reference(":v1")).await.expect("resolved");
    assert_eq!(descriptor.media_type, docker);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (registry, client) = (registry(), client());
    let error = client.resolve(&reference(&registry, ":v1")).await.expect_err("no repository");
    assert!(matches!(&error, RegistryError::NotFound { answer, .. } if answer.code.raw() == "NAME_UNKNOWN"), "{error}");
    stored(&registry, &image(), Some("v1"));
    let error = client.resolve(&reference(&registry, ":v2")).await.expect_err("no tag");
    assert!(
        matches!(&error, RegistryError::NotFound { answer, .. } if answer.code.raw() == "MANIFEST_UNKNOWN"),
        "{error}"
    );
    assert!(error.is_unavailable());
}

#[tokio::test]
async fn a_manifest_is_read_at_the_limit_and_not_past_it() {
    let (registry, image) = (registry(), image());
    let pinned = stored(&registry, &image, None);
    for (less, fits) in [(0, true), (1, false)] {
        let mut options = options();
        options.limits.manifest = image.descriptor.size - less;
        let read = Client::new(options).expect("client").manifest(&pinned).await;
        match read {
            Ok(_) => assert!(fits),
            Err(RegistryError::TooLarge { limit, .. }) => assert!(!fits && limit == image.descriptor.size - 1),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_whole_blob_is_what_its_descriptor_says_or_nothing() {
    let (registry, image, client) = (registry(), image(), client());
    stored(&registry, &image, None);
    let repository = repository(&registry);
    let layer = &image.layer;
    let bytes = client.blob(&repository, layer, layer.size).await.expect("at the limit");
    assert_eq!(bytes, image.blobs.0[&layer.digest]);
    let error = client.blob(&repository, layer, layer.size - 1).await.expect_err("past the limit");
    assert!(matches!(error, RegistryError::TooLarge { .. }), "{error}");
    for (size, found) in [(layer.size - 1, layer.size), (layer.size + 1, layer.size)] {
        let wrong = Descriptor { size, ..layer.clone() };
        let error = client.blob(&repository, &wrong, u64::MAX).await.expect_err("another size");
        assert!(matches!(error, RegistryError::SizeMismatch { found: f, .. } if f == found), "{error}");
    }
    let mut altered = bytes;
    altered[0] ^= 1;
    registry.alter(layer.digest, altered);
    let error = client.blob(&repository, layer, u64::MAX).await.expect_err("altered");
    assert!(matches!(error, RegistryError::DigestMismatch { expected, .. } if expected == layer.digest), "{error}");
    let missing = Descriptor::of("x", b"missing");
    assert!(matches!(client.blob(&repository, &missing, 99).await, Err(RegistryError::NotFound { .. })));
}

#[tokio::test]
async fn a_whole_blob_that_broke_off_is_read_again() {
    let (registry, image) = (registry(), image());
    stored(&registry, &image, None);
    registry.fault(Fault::once("GET", "/blobs/", Effect::CutBody));
    let bytes = client().blob(&repository(&registry), &image.layer, u64::MAX).await.expect("the second time");
    assert_eq!(Digest::of(&bytes), image.layer.digest);
    assert_eq!(crate::fixture::answers(&registry, "/blobs/"), ["GET 200", "GET 200"]);
}

#[tokio::test]
async fn a_tags_state_is_its_digest_or_nothing_and_never_a_guess() {
    let (registry, image, client) = (registry(), image(), client());
    let repository = repository(&registry);
    assert_eq!(client.tag_state(&repository, "v1").await.expect("no repository"), None);
    stored(&registry, &image, Some("v1"));
    assert_eq!(client.tag_state(&repository, "v1").await.expect("tag"), Some(image.descriptor.digest));
    assert_eq!(client.tag_state(&repository, "v2").await.expect("no tag"), None);
    for status in [401, 403, 500] {
        registry.fault(Fault::once("HEAD", "/manifests/", Effect::Status(status)));
        let error = client.tag_state(&repository, "v1").await.expect_err("no answer");
        assert_eq!(error.answer().map(|a| a.status), Some(status));
    }
    assert!(matches!(client.tag_state(&repository, "../x").await, Err(RegistryError::NotATag { .. })));
}

#[tokio::test]
async fn a_registry_that_hides_digests_is_asked_for_the_bytes() {
    let image = image();
    let answers = vec![
        crate::peer::Answer::ok(media_type::MANIFEST, image.manifest.clone()),
        crate::peer::Answer::ok(media_type::MANIFEST, image.manifest.clone()),
    ];
    let server = crate::peer::serve(answers);
    let state = client().tag_state(&server.reference("").repository, "v1").await.expect("tag");
    assert_eq!(state, Some(image.descriptor.digest));
    assert_eq!(server.methods(), ["HEAD", "GET"]);
}

#[tokio::test]
async fn a_redirected_blob_is_read_elsewhere_and_without_the_login() {
    let elsewhere = registry();
    let image = image();
    stored(&elsewhere, &image, None);
    let registry = crate::fixture::registry_with(|s| {
        s.redirect_blobs = Some(format!("http://{}", elsewhere.host()));
        s.access = crate::access::basic_access();
    });
    registry.put_blob(REPOSITORY, image.blobs.0[&image.layer.digest].clone());
    let client = crate::fixture::client_with(crate::access::login_for(&registry.host()));
    let bytes = client.blob(&repository(&registry), &image.layer, u64::MAX).await.expect("blob");
    assert_eq!(Digest::of(&bytes), image.layer.digest);
    let there = elsewhere.requests();
    assert_eq!((there.len(), there[0].authorization.as_deref()), (1, None));
    assert!(registry.requests().iter().any(|r| r.authorization.is_some()));
}

#[tokio::test]
async fn a_host_behind_a_redirect_cannot_ask_for_the_login() {
    for (access, opens) in [
        (crate::access::basic_access(), false),
        (crate::access::bearer_access(), false),
        (crate::access::anonymous_access(), true),
    ] {
        let elsewhere = crate::fixture::registry_with(|s| s.access = access.clone());
        let image = image();
        stored(&elsewhere, &image, None);
        let registry = crate::fixture::registry_with(|s| {
            s.redirect_blobs = Some(format!("http://{}", elsewhere.host()));
            s.access = crate::access::basic_access();
        });
        let client = crate::fixture::client_with(crate::access::login_for(&registry.host()));
        let read = client.blob(&repository(&registry), &image.layer, u64::MAX).await;
        match read {
            Ok(_) => assert!(opens, "{access:?}"),
            Err(RegistryError::Unauthorized { .. }) => assert!(!opens, "{access:?}"),
            Err(other) => panic!("{other}"),
        }
        let sent = elsewhere.requests().into_iter().filter_map(|r| r.authorization);
        assert!(sent.into_iter().all(|header| header.starts_with("Bearer ")), "no password: {access:?}");
    }
}

#[tokio::test]
async fn a_redirect_leads_neither_in_circles_nor_away_from_tls() {
    let image = image();
    let circle = crate::fixture::registry();
    circle.switch(|s| s.redirect_blobs = Some(format!("http://{}", circle.host())));
    let error = client().blob(&repository(&circle), &image.layer, u64::MAX).await.expect_err("circle");
    assert!(matches!(error, RegistryError::Protocol { .. }), "{error}");
    assert_eq!(circle.requests().len(), 6);
    circle.switch(|s| s.redirect_blobs = Some("http://192.0.2.1".into()));
    let error = client().blob(&repository(&circle), &image.layer, u64::MAX).await.expect_err("plain");
    assert!(matches!(error, RegistryError::Insecure { .. }), "{error}");
    assert!(!error.is_unavailable());
}

#[tokio::test]
async fn the_user_agent_and_the_accepted_types_are_sent() {
    let image = image();
    let server = crate::peer::serve(vec![crate::peer::Answer::ok(media_type::MANIFEST, image.manifest)]);
    let client = Client::new(Options { user_agent: "agent/7".into(), ..options() }).expect("client");
    client.resolve(&server.reference(":v1")).await.expect("resolved");
    let head = server.heads().remove(0);
    assert!(head.contains("user-agent: agent/7") && head.contains(media_type::DOCKER_MANIFEST_LIST), "{head}");
}
