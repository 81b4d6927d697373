//! Registries that fail, dawdle, break off or are not there.

use std::time::{Duration, Instant};

use sealwright_loopback::registry::{Effect, Fault};
use sealwright_oci::media_type;
use sealwright_registry::{Client, Options, RegistryError};

use crate::fixture::{answers, client, image, options, reference, registry, repository, stored};
use crate::peer::{Answer, serve};

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for status in [429, 502, 503, 504] {
        let (registry, image) = (registry(), image());
        stored(&registry, &image, Some("v1"));
        registry.fault(Fault { times: 3, ..Fault::once("GET", "/manifests/", Effect::Status(status)) });
        client().resolve(&reference(&registry, ":v1")).await.expect("the fourth time");
        assert_eq!(answers(&registry, "/manifests/").len(), 4, "{status}");
    }
}

#[tokio::test]
async fn what_does_not_pass_is_not_tried_again() {
    for status in [400, 401, 403, 404, 405, 500, 501] {
        let (registry, image) = (registry(), image());
        stored(&registry, &image, Some("v1"));
        registry.fault(Fault::always("GET", "/manifests/", Effect::Status(status)));
        let error = client().resolve(&reference(&registry, ":v1")).await.expect_err("always");
        assert_eq!(error.answer().map(|a| a.status), Some(status));
        let expected = match status {
            401 => matches!(error, RegistryError::Unauthorized { .. }),
            403 => matches!(error, RegistryError::Denied { .. }),
            404 => matches!(error, RegistryError::NotFound { .. }),
            500 | 501 => matches!(error, RegistryError::Failing { .. }),
            _ => matches!(error, RegistryError::Rejected { .. }),
        };
        assert!(expected && error.is_unavailable(), "{error}");
        assert_eq!(answers(&registry, "/manifests/").len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_registry_that_keeps_limiting_says_how_long() {
    let registry = registry();
    registry.fault(Fault::always("GET", "", Effect::RetryAfter(429, 3_600)));
    let start = Instant::now();
    let error = client().resolve(&reference(&registry, ":v1")).await.expect_err("always");
    let RegistryError::RateLimited { retry_after, .. } = &error else { panic!("{error}") };
    assert_eq!(*retry_after, Some(Duration::from_secs(3_600)));
    // Three pauses of the longest length, 50 ms, instead of three hours.
    assert!(start.elapsed() >= Duration::from_millis(150) && start.elapsed() < Duration::from_secs(5));
    assert_eq!(registry.requests().len(), 4);
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again() {
    let image = image();
    let good = || Answer::ok(media_type::MANIFEST, image.manifest.clone());
    let server = serve(vec![Answer::HangUp, Answer::HangUp, good()]);
    client().resolve(&server.reference(":v1")).await.expect("the third time");
    assert_eq!(server.methods().len(), 3);
    let server = serve(vec![Answer::HangUp, Answer::HangUp, Answer::HangUp, Answer::HangUp, good()]);
    let error = client().resolve(&server.reference(":v1")).await.expect_err("four times");
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error}");
    assert_eq!(server.methods().len(), 4);
}

#[tokio::test]
async fn a_manifest_that_broke_off_is_read_again() {
    let (registry, image) = (registry(), image());
    stored(&registry, &image, Some("v1"));
    registry.fault(Fault::once("GET", "/manifests/", Effect::CutBody));
    let (_, _, bytes) = client().resolve(&reference(&registry, ":v1")).await.expect("the second time");
    assert_eq!(bytes, image.manifest);
    registry.fault(Fault::always("GET", "/manifests/", Effect::CutBody));
    let error = client().resolve(&reference(&registry, ":v1")).await.expect_err("always");
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn silence_ends_with_the_timeout() {
    let server = serve(vec![Answer::Silence]);
    let client = Client::new(Options { timeout: Duration::from_millis(200), ..options() }).expect("client");
    let start = Instant::now();
    let error = client.resolve(&server.reference(":v1")).await.expect_err("silence");
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_dawdling_manifest_ends_with_the_timeout() {
    let (registry, image) = (registry(), image());
    stored(&registry, &image, Some("v1"));
    registry.fault(Fault::once("GET", "/manifests/", Effect::SlowBody(Duration::from_millis(150))));
    let client = Client::new(Options { timeout: Duration::from_millis(300), ..options() }).expect("client");
    let error = client.resolve(&reference(&registry, ":v1")).await.expect_err("four pauses of 150 ms");
    assert!(matches!(error, RegistryError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn an_upload_that_does_not_move_ends_with_the_timeout() {
    let client = Client::new(Options { timeout: Duration::from_millis(200), ..options() }).expect("client");
    let place = Answer::status("202 Accepted").header("Location", "/v2/acme/app/blobs/uploads/1");
    let server = serve(vec![Answer::status("404 Not Found"), place, Answer::Silence]);
    let image = image();
    let start = Instant::now();
    let pushed = client.push_blob(&server.reference("").repository, &image.config, &image.blobs).await;
    assert!(matches!(pushed, Err(RegistryError::Unreachable { .. })), "{pushed:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_upload_without_a_place_makes_no_sense() {
    let server = serve(vec![Answer::status("404 Not Found"), Answer::status("202 Accepted")]);
    let image = image();
    let pushed = client().push_blob(&server.reference("").repository, &image.config, &image.blobs).await;
    assert!(matches!(pushed, Err(RegistryError::Protocol { .. })), "{pushed:?}");
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_unreachable_at_once() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("port");
    let nowhere = format!("{port}/acme/app:v1").parse().expect("reference");
    let slow = sealwright_registry::Backoff { first: Duration::from_secs(20), ..options().backoff };
    let client = Client::new(Options { backoff: slow, ..options() }).expect("client");
    let start = Instant::now();
    let error = client.resolve(&nowhere).await.expect_err("nothing listens");
    assert!(matches!(error, RegistryError::Unreachable { .. }) && error.is_unavailable(), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(!error.to_string().contains("/v2/"), "{error}");
}

#[tokio::test]
async fn a_pause_that_would_end_after_the_timeout_is_not_made() {
    let registry = registry();
    registry.fault(Fault::always("GET", "", Effect::Status(503)));
    let backoff =
        sealwright_registry::Backoff { first: Duration::from_secs(60), longest: Duration::from_secs(60), attempts: 3 };
    let client = Client::new(Options { backoff, timeout: Duration::from_secs(2), ..options() }).expect("client");
    let start = Instant::now();
    let error = client.resolve(&reference(&registry, ":v1")).await.expect_err("always");
    assert!(matches!(error, RegistryError::Failing { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn looking_for_a_blob_is_yes_no_or_an_error() {
    let (registry, client, image) = (registry(), client(), image());
    let repository = repository(&registry);
    assert!(!client.blob_exists(&repository, &image.layer).await.expect("no"));
    stored(&registry, &image, None);
    assert!(client.blob_exists(&repository, &image.layer).await.expect("yes"));
    for status in [401, 403, 500] {
        registry.fault(Fault::once("HEAD", "/blobs/", Effect::Status(status)));
        let error = client.blob_exists(&repository, &image.layer).await.expect_err("no answer");
        assert_eq!(error.answer().map(|a| a.status), Some(status));
    }
}
