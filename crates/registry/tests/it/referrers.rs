//! Listing what belongs to an image.

use sealwright_core::PinnedRef;
use sealwright_loopback::registry::{ArtifactTypes, Effect, Fault, Filters, GitLabQuirk, ReferrersApi, Registry};
use sealwright_oci::{Descriptor, media_type};
use sealwright_registry::{Artifact, RegistryError, Via};

use crate::fixture::{REPOSITORY, answers, client, image, registry, registry_with, repository, stored};
use crate::peer::{Answer, serve};

pub(crate) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const OTHER: &str = "application/spdx+json";

/// Stores a referrer without a request.
fn refer(registry: &Registry, subject: &Descriptor, artifact_type: &str, content: &str) -> Descriptor {
    let artifact = Artifact::bundle(artifact_type, content.as_bytes(), "https://example/p", "2026-01-01T00:00:00Z");
    let (descriptor, manifest) = artifact.manifest(subject).expect("manifest");
    registry.put_manifest(REPOSITORY, None, media_type::MANIFEST, manifest);
    descriptor
}

fn five(registry: &Registry) -> (PinnedRef, Vec<Descriptor>) {
    let image = image();
    let pinned = stored(registry, &image, None);
    let kinds = [BUNDLE, OTHER, BUNDLE, OTHER, BUNDLE];
    let all =
        kinds.iter().enumerate().map(|(n, kind)| refer(registry, &image.descriptor, kind, &n.to_string())).collect();
    (pinned, all)
}

fn bundles(all: &[Descriptor]) -> Vec<Descriptor> {
    all.iter().filter(|d| d.artifact_type.as_deref() == Some(BUNDLE)).cloned().collect()
}

#[tokio::test]
async fn every_page_is_read() {
    for page_size in [None, Some(1), Some(2), Some(5), Some(9)] {
        let registry = registry_with(|s| s.page_size = page_size);
        let (pinned, all) = five(&registry);
        let found = client().referrers(&pinned, None).await.expect("referrers");
        assert_eq!((found.descriptors, found.via), (all, Via::Api), "{page_size:?}");
    }
}

#[tokio::test]
async fn a_filter_is_applied_by_the_registry_or_here() {
    for filters in [Filters::Applied, Filters::Ignored] {
        let registry = registry_with(|s| {
            s.filters = filters;
            s.page_size = Some(2);
        });
        let (pinned, all) = five(&registry);
        let found = client().referrers(&pinned, Some(BUNDLE)).await.expect("referrers");
        assert_eq!(found.descriptors, bundles(&all), "{filters:?}");
        let manifests = answers(&registry, "/manifests/").len();
        assert_eq!(manifests, if filters == Filters::Applied { 0 } else { 2 }, "only the others' manifests are read");
    }
}

#[tokio::test]
async fn a_registry_that_lists_wrong_types_hides_nothing() {
    for filters in [Filters::Applied, Filters::Ignored] {
        let registry = registry_with(|s| {
            s.artifact_types = ArtifactTypes::OfConfiguration;
            s.filters = filters;
        });
        let (pinned, all) = five(&registry);
        let found = client().referrers(&pinned, Some(BUNDLE)).await.expect("referrers");
        assert_eq!(found.descriptors, bundles(&all), "with the manifests' types and annotations");
    }
}

#[tokio::test]
async fn a_referrer_that_is_listed_and_deleted_is_no_evidence() {
    let registry = registry_with(|s| s.artifact_types = ArtifactTypes::OfConfiguration);
    let (pinned, all) = five(&registry);
    registry.fault(Fault::once("GET", &all[0].digest.to_string(), Effect::Status(404)));
    let found = client().referrers(&pinned, Some(BUNDLE)).await.expect("referrers");
    assert_eq!(found.descriptors, bundles(&all)[1..]);
    registry.fault(Fault::once("GET", &all[0].digest.to_string(), Effect::Status(403)));
    assert!(matches!(client().referrers(&pinned, Some(BUNDLE)).await, Err(RegistryError::Denied { .. })));
}

#[tokio::test]
async fn a_referrer_that_was_altered_is_listed_for_whoever_reads_it_and_hides_nothing() {
    let registry = registry_with(|s| s.artifact_types = ArtifactTypes::OfConfiguration);
    let (pinned, all) = five(&registry);
    registry.alter(all[0].digest, "x");
    let found = client().referrers(&pinned, Some(BUNDLE)).await.expect("referrers").descriptors;
    let digests = |list: &[Descriptor]| list.iter().map(|d| d.digest).collect::<Vec<_>>();
    assert_eq!(digests(&found), digests(&bundles(&all)));
}

#[tokio::test]
async fn no_referrers_is_an_empty_list_with_and_without_the_api() {
    for (api, via) in [(ReferrersApi::On, Via::Api), (ReferrersApi::Off, Via::FallbackTag)] {
        let registry = registry_with(|s| s.referrers = api);
        let pinned = stored(&registry, &image(), None);
        let found = client().referrers(&pinned, Some(BUNDLE)).await.expect("nothing");
        assert_eq!((found.descriptors, found.via), (Vec::new(), via));
        assert_eq!(client().has_referrers_api(&pinned).await.expect("probe"), via == Via::Api);
    }
}

#[tokio::test]
async fn a_registry_that_does_not_say_is_never_read_as_nothing() {
    for status in [401, 403, 500, 501, 503] {
        // In the API itself, and behind it where there is none.
        for (api, path) in [(ReferrersApi::On, "/referrers/"), (ReferrersApi::Off, "/manifests/sha256-")] {
            let registry = registry_with(|s| s.referrers = api);
            let pinned = stored(&registry, &image(), None);
            registry.fault(Fault::always("GET", path, Effect::Status(status)));
            let error = client().referrers(&pinned, None).await.expect_err("no answer");
            assert_eq!(error.answer().map(|a| a.status), Some(status), "{path}");
            assert!(error.is_unavailable());
        }
    }
}

#[tokio::test]
async fn other_ways_to_say_that_there_is_no_api_lead_to_the_tag() {
    let registry = registry_with(|s| s.referrers = ReferrersApi::Off);
    let image = image();
    let pinned = stored(&registry, &image, None);
    let referrer = refer(&registry, &image.descriptor, BUNDLE, "0");
    put_fallback(&registry, &pinned, std::slice::from_ref(&referrer));
    for status in [400, 404, 405, 406] {
        registry.fault(Fault::once("GET", "/referrers/", Effect::Status(status)));
        let found = client().referrers(&pinned, None).await.expect("by tag");
        assert_eq!((found.descriptors, found.via), (vec![referrer.clone()], Via::FallbackTag), "{status}");
    }
}

#[tokio::test]
async fn a_page_for_people_is_no_api() {
    let page = Answer::ok("text/html", b"<h1>welcome</h1>".to_vec());
    let server = serve(vec![page, Answer::status("404 Not Found")]);
    let pinned = server.reference("").repository.pinned(image().descriptor.digest);
    let found = client().referrers(&pinned, None).await.expect("by tag");
    assert_eq!((found.descriptors, found.via), (Vec::new(), Via::FallbackTag));
}

#[tokio::test]
async fn an_answer_that_is_no_index_is_an_error() {
    for body in [&b"{}"[..], b"not json", br#"{"schemaVersion":2,"manifests":[{"digest":"x"}]}"#] {
        let server = serve(vec![Answer::ok(media_type::INDEX, body.to_vec())]);
        let pinned = server.reference("").repository.pinned(image().descriptor.digest);
        let error = client().referrers(&pinned, None).await.expect_err("no index");
        assert!(matches!(error, RegistryError::Protocol { .. }), "{error}");
    }
}

fn page(link: &str) -> Answer {
    Answer::ok(media_type::INDEX, br#"{"schemaVersion":2,"manifests":[]}"#.to_vec()).header("Link", link)
}

#[tokio::test]
async fn pages_lead_neither_in_circles_nor_to_another_host() {
    let digest = image().descriptor.digest;
    let here = format!("</v2/acme/app/referrers/{digest}>; rel=\"next\"");
    for link in [here.as_str(), "<http://127.0.0.1:9/v2/x>; rel=\"next\"", "<https://example.test/>; rel=\"next\""] {
        let server = serve(vec![page(link), page(link)]);
        let error =
            client().referrers(&server.reference("").repository.pinned(digest), None).await.expect_err("a trap");
        assert!(matches!(error, RegistryError::Protocol { .. }), "{link}: {error}");
        assert_eq!(server.methods().len(), 1, "{link}");
    }
}

#[tokio::test]
async fn a_later_page_that_fails_does_not_shorten_the_list() {
    let digest = image().descriptor.digest;
    let next = format!("</v2/acme/app/referrers/{digest}?p=2>; rel=\"next\"");
    for second in [Answer::status("404 Not Found"), Answer::ok("text/html", Vec::new())] {
        let server = serve(vec![page(&next), second]);
        let error = client().referrers(&server.reference("").repository.pinned(digest), None).await.expect_err("half");
        assert!(matches!(error, RegistryError::NotFound { .. } | RegistryError::Protocol { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_referrer_that_is_listed_twice_is_one() {
    let digest = image().descriptor.digest;
    let entry = serde_json::to_value(Descriptor::of(media_type::MANIFEST, b"x")).expect("descriptor");
    let body = serde_json::json!({ "schemaVersion": 2, "manifests": [entry, entry] }).to_string();
    let server = serve(vec![Answer::ok(media_type::INDEX, body.into())]);
    let found = client().referrers(&server.reference("").repository.pinned(digest), None).await.expect("referrers");
    assert_eq!(found.descriptors.len(), 1);
}

/// Writes the fallback tag as another client would.
pub(crate) fn put_fallback(registry: &Registry, subject: &PinnedRef, listed: &[Descriptor]) {
    let index = serde_json::json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": listed });
    let tag = format!("sha256-{}", subject.digest().hex());
    registry.put_manifest(REPOSITORY, Some(&tag), media_type::INDEX, index.to_string());
}

#[tokio::test]
async fn a_fallback_index_without_types_is_filtered_by_the_manifests() {
    let registry = registry_with(|s| s.referrers = ReferrersApi::Off);
    let (pinned, all) = five(&registry);
    let bare: Vec<_> = all.iter().map(|d| Descriptor::new(&*d.media_type, d.digest, d.size)).collect();
    put_fallback(&registry, &pinned, &bare);
    let found = client().referrers(&pinned, Some(BUNDLE)).await.expect("by tag");
    assert_eq!((found.descriptors, found.via), (bundles(&all), Via::FallbackTag));
    assert_eq!(client().list_fallback(&pinned).await.expect("as listed"), bare);
}

#[tokio::test]
async fn a_tag_that_leads_to_the_image_itself_lists_nothing() {
    let registry = registry_with(|s| {
        s.referrers = ReferrersApi::Off;
        s.gitlab_quirk = GitLabQuirk::Always;
    });
    let image = image();
    stored(&registry, &image, None);
    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [image.descriptor]
    });
    let index = index.to_string();
    let digest = registry.put_manifest(REPOSITORY, None, media_type::INDEX, index);
    // The children of a multi-platform image would otherwise be its referrers.
    for subject in [digest, image.descriptor.digest] {
        let pinned = repository(&registry).pinned(subject);
        let found = client().referrers(&pinned, None).await.expect("nothing");
        assert_eq!((found.descriptors, found.via), (Vec::new(), Via::FallbackTag));
    }
}

#[tokio::test]
async fn a_fallback_tag_that_is_something_else_is_an_error() {
    let registry = registry_with(|s| s.referrers = ReferrersApi::Off);
    let pinned = stored(&registry, &image(), None);
    let tag = format!("sha256-{}", pinned.digest().hex());
    let other = crate::fixture::variant("other");
    registry.put_manifest(REPOSITORY, Some(&tag), media_type::MANIFEST, other.manifest);
    let error = client().referrers(&pinned, None).await.expect_err("a manifest");
    assert!(matches!(error, RegistryError::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn a_registry_that_is_well_behaved_is_asked_once() {
    let registry = registry();
    let (pinned, _) = five(&registry);
    client().referrers(&pinned, Some(BUNDLE)).await.expect("referrers");
    assert_eq!(answers(&registry, ""), ["GET 200"]);
    assert_eq!(registry.requests()[0].query, "artifactType=application%2Fvnd.dev.sigstore.bundle.v0.3%2Bjson");
}

#[tokio::test]
async fn more_referrers_than_any_image_has_are_refused() {
    let digest = image().descriptor.digest;
    let listing = |range: std::ops::Range<u32>| {
        let entries: Vec<_> = range.map(|n| Descriptor::of("x", &n.to_le_bytes())).collect();
        let body = serde_json::json!({ "schemaVersion": 2, "manifests": entries }).to_string();
        Answer::ok(media_type::INDEX, body.into())
    };
    let next = format!("</v2/acme/app/referrers/{digest}?p=2>; rel=\"next\"");
    for (last, fits) in [(20_000, true), (20_001, false)] {
        let server = serve(vec![listing(0..10_000).header("Link", &next), listing(10_000..last)]);
        let found = client().referrers(&server.reference("").repository.pinned(digest), None).await;
        match found {
            Ok(referrers) => assert!(fits && referrers.descriptors.len() == 20_000),
            Err(RegistryError::Protocol { .. }) => assert!(!fits),
            Err(other) => panic!("{other}"),
        }
    }
}
