//! The fake registry refuses what real registries refuse, and each switch does what it says. That real clients accept it is
//! shown by the tests of `sealwright-registry` and by the interoperability tiers.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "what helpers of tests cannot do fails the test")]

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use sealwright_core::Digest;
use sealwright_loopback::registry::{
    ArtifactTypes, Effect, EntityTags, Fault, Filters, GitLabQuirk, ManifestLocation, ReferrersApi, Registry, Switches,
    Tags,
};
use serde_json::{Value, json};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }

    fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
}

async fn send(
    registry: &Registry,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> Answer {
    let mut request = Client::new().request(method, format!("http://{}{path}", registry.host())).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.expect("answer");
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: response.text().await.expect("body") }
}

async fn get(registry: &Registry, path: &str) -> Answer {
    send(registry, Method::GET, path, &[], "").await
}

async fn put_manifest(registry: &Registry, reference: &str, media_type: &str, document: &Value) -> Answer {
    let path = format!("/v2/a/b/manifests/{reference}");
    send(registry, Method::PUT, &path, &[("content-type", media_type)], document.to_string()).await
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len() })
}

fn manifest() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", b"{}"),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", b"layer")]
    })
}

fn started(change: impl FnOnce(&mut Switches)) -> Registry {
    let mut switches = Switches::default();
    change(&mut switches);
    let registry = Registry::start(switches).expect("registry");
    registry.put_blob("a/b", "{}");
    registry.put_blob("a/b", "layer");
    registry
}

#[tokio::test]
async fn uploads_in_one_two_and_three_steps_are_checked_against_their_digest() {
    let registry = Registry::start(Switches::default()).expect("registry");
    let (good, bad) = (Digest::of(b"hello"), Digest::of(b"other"));
    let one = send(&registry, Method::POST, &format!("/v2/a/b/blobs/uploads/?digest={good}"), &[], "hello").await;
    assert_eq!(one.status, StatusCode::CREATED);
    for (digest, status) in [(bad, StatusCode::BAD_REQUEST), (Digest::of(b"hello world"), StatusCode::CREATED)] {
        let begun = send(&registry, Method::POST, "/v2/a/b/blobs/uploads/", &[], "").await;
        assert_eq!(begun.status, StatusCode::ACCEPTED);
        let place = begun.header("location").expect("location").to_owned();
        let patched = send(&registry, Method::PATCH, &place, &[("content-range", "0-4")], "hello").await;
        assert_eq!((patched.status, patched.header("range")), (StatusCode::ACCEPTED, Some("0-4")));
        let gap = send(&registry, Method::PATCH, &place, &[("content-range", "9-10")], "xx").await;
        assert_eq!(gap.status, StatusCode::RANGE_NOT_SATISFIABLE);
        let done = send(&registry, Method::PUT, &format!("{place}&digest={digest}"), &[], " world").await;
        assert_eq!(done.status, status);
    }
    assert_eq!(registry.blobs("a/b").into_values().collect::<Vec<_>>().iter().sum::<u64>(), 16);
    let unknown = send(&registry, Method::PUT, &format!("/v2/a/b/blobs/uploads/no?digest={good}"), &[], "hello").await;
    assert_eq!((unknown.status, unknown.code().as_str()), (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"));
    let mounted = format!("/v2/c/blobs/uploads/?mount={good}&from=a/b");
    assert_eq!(send(&registry, Method::POST, &mounted, &[], "").await.status, StatusCode::CREATED);
    let not_there = format!("/v2/c/blobs/uploads/?mount={bad}&from=a/b");
    assert_eq!(send(&registry, Method::POST, &not_there, &[], "").await.status, StatusCode::ACCEPTED);
    assert_eq!(registry.repositories(), ["a/b", "c"]);
}

#[tokio::test]
async fn blobs_are_read_whole_in_part_and_not_where_they_are_not() {
    let registry = started(|_| ());
    let path = format!("/v2/a/b/blobs/{}", Digest::of(b"layer"));
    assert_eq!(get(&registry, &path).await.body, "layer");
    let rest = send(&registry, Method::GET, &path, &[("range", "bytes=2-")], "").await;
    assert_eq!((rest.status, rest.body.as_str()), (StatusCode::PARTIAL_CONTENT, "yer"));
    assert_eq!(rest.header("content-range"), Some("bytes 2-4/5"));
    let head = send(&registry, Method::HEAD, &path, &[], "").await;
    assert_eq!((head.header("content-length"), head.body.as_str()), (Some("5"), ""));
    let missing = get(&registry, &format!("/v2/a/b/blobs/{}", Digest::of(b"x"))).await;
    assert_eq!((missing.status, missing.code().as_str()), (StatusCode::NOT_FOUND, "BLOB_UNKNOWN"));
    let elsewhere = get(&registry, &path.replace("a/b", "a/c")).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_manifest_is_checked_as_real_registries_check_it() {
    let registry = started(|_| ());
    let changed = |pointer: &str, value: Value| {
        let mut document = manifest();
        *document.pointer_mut(pointer).expect(pointer) = value;
        document
    };
    let cases = [
        (manifest(), MANIFEST, 201, ""),
        (manifest(), INDEX, 400, "MANIFEST_INVALID"),
        (manifest(), "text/plain", 400, "MANIFEST_INVALID"),
        (changed("/schemaVersion", json!(1)), MANIFEST, 400, "MANIFEST_INVALID"),
        (changed("/mediaType", json!(INDEX)), MANIFEST, 400, "MANIFEST_INVALID"),
        (changed("/config/digest", json!(Digest::of(b"gone"))), MANIFEST, 400, "MANIFEST_BLOB_UNKNOWN"),
        (changed("/layers/0/size", json!(6)), MANIFEST, 400, "MANIFEST_BLOB_UNKNOWN"),
        (changed("/layers/0/digest", json!("sha256:00")), MANIFEST, 400, "MANIFEST_INVALID"),
        (json!({ "schemaVersion": 2, "layers": [] }), MANIFEST, 400, "MANIFEST_INVALID"),
        (json!({ "schemaVersion": 2, "manifests": [descriptor(MANIFEST, b"gone")] }), INDEX, 400, "MANIFEST_UNKNOWN"),
        (json!({ "schemaVersion": 2, "manifests": [], "layers": [] }), INDEX, 400, "MANIFEST_INVALID"),
        (json!({ "schemaVersion": 2, "manifests": [] }), INDEX, 201, ""),
        (json!([]), MANIFEST, 400, "MANIFEST_INVALID"),
    ];
    for (document, media_type, status, code) in cases {
        let answer = put_manifest(&registry, "v1", media_type, &document).await;
        assert_eq!(answer.status.as_u16(), status, "{document}");
        assert!(code.is_empty() || answer.code() == code, "{document}: {}", answer.body);
    }
    let by_digest = Digest::of(manifest().to_string().as_bytes()).to_string();
    assert_eq!(put_manifest(&registry, &by_digest, MANIFEST, &manifest()).await.status, StatusCode::CREATED);
    let wrong = Digest::of(b"x").to_string();
    assert_eq!(put_manifest(&registry, &wrong, MANIFEST, &manifest()).await.code(), "DIGEST_INVALID");
    let mut large = manifest();
    large["annotations"] = json!({ "x": "x".repeat(4 << 20) });
    assert_eq!(put_manifest(&registry, "v1", MANIFEST, &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn manifests_are_read_by_tag_and_digest() {
    let registry = started(|_| ());
    let pushed = put_manifest(&registry, "v1", MANIFEST, &manifest()).await;
    let digest = pushed.header("docker-content-digest").expect("digest").to_owned();
    assert_eq!(pushed.header("location"), Some(format!("/v2/a/b/manifests/{digest}").as_str()));
    for reference in ["v1", &digest] {
        let answer = get(&registry, &format!("/v2/a/b/manifests/{reference}")).await;
        assert_eq!(
            (answer.body.as_str(), answer.header("content-type")),
            (manifest().to_string().as_str(), Some(MANIFEST))
        );
        assert_eq!(answer.header("docker-content-digest"), Some(digest.as_str()));
        assert_eq!(answer.header("etag"), None);
    }
    assert_eq!(get(&registry, "/v2/a/b/tags/list").await.json(), json!({ "name": "a/b", "tags": ["v1"] }));
    assert_eq!(get(&registry, "/v2/a/b/manifests/v2").await.code(), "MANIFEST_UNKNOWN");
    assert_eq!(get(&registry, "/v2/no/such/manifests/v1").await.code(), "NAME_UNKNOWN");
    assert_eq!(get(&registry, "/v2/no/such/tags/list").await.code(), "NAME_UNKNOWN");
    assert_eq!(get(&registry, "/v2/").await.status, StatusCode::OK);
    assert_eq!(
        send(&registry, Method::DELETE, "/v2/a/b/manifests/v1", &[], "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(get(&registry, "/v3/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn tag_switches_do_what_they_say() {
    let registry = started(|s| s.manifest_location = ManifestLocation::Omitted);
    assert_eq!(put_manifest(&registry, "v1", MANIFEST, &manifest()).await.header("location"), None);
    registry.switch(|s| s.tags = Tags::Immutable);
    let again = put_manifest(&registry, "v1", MANIFEST, &manifest()).await;
    assert_eq!((again.status, again.code().as_str()), (StatusCode::BAD_REQUEST, "TAG_INVALID"));
    registry.switch(|s| (s.tags, s.entity_tags) = (Tags::Mutable, EntityTags::On));
    let state = get(&registry, "/v2/a/b/manifests/v1").await.header("etag").expect("entity tag").to_owned();
    for (if_match, status) in [("\"other\"", StatusCode::PRECONDITION_FAILED), (&state, StatusCode::CREATED)] {
        let headers = [("content-type", MANIFEST), ("if-match", if_match)];
        let answer = send(&registry, Method::PUT, "/v2/a/b/manifests/v1", &headers, manifest().to_string()).await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn tags_move_as_the_modes_of_ecr_say() {
    let filters = || ["sha256-*.att", "v*-rc*"].map(str::to_owned).to_vec();
    let (digest, candidate) = ("sha256-ab.att", "v1-rc.2");
    for (tags, immutable) in [
        (Tags::Mutable, &[][..]),
        (Tags::Immutable, &["v1", "sha256-ab", digest, candidate]),
        (Tags::MutableWithExclusion(filters()), &[digest, candidate]),
        (Tags::ImmutableWithExclusion(filters()), &["v1", "sha256-ab"]),
    ] {
        let registry = started(|s| s.tags = tags.clone());
        for tag in ["v1", "sha256-ab", digest, candidate] {
            assert_eq!(put_manifest(&registry, tag, MANIFEST, &manifest()).await.status, StatusCode::CREATED);
            let again = put_manifest(&registry, tag, MANIFEST, &manifest()).await;
            if immutable.contains(&tag) {
                assert_eq!(
                    (again.status, again.code().as_str()),
                    (StatusCode::BAD_REQUEST, "TAG_INVALID"),
                    "{tags:?} {tag}"
                );
                assert!(again.body.contains(&format!("The image tag '{tag}' already exists")), "{}", again.body);
            } else {
                assert_eq!(again.status, StatusCode::CREATED, "{tags:?} {tag}");
            }
        }
    }
}

#[tokio::test]
async fn gitlabs_quirk_reads_the_tag_as_a_digest() {
    for (quirk, before, after) in [
        (GitLabQuirk::Off, StatusCode::NOT_FOUND, INDEX),
        (GitLabQuirk::UntilTagged, StatusCode::OK, INDEX),
        (GitLabQuirk::Always, StatusCode::OK, MANIFEST),
    ] {
        let registry = started(|s| s.gitlab_quirk = quirk);
        let digest = put_manifest(&registry, "v1", MANIFEST, &manifest()).await;
        let tag = digest.header("docker-content-digest").expect("digest").replace(':', "-");
        let path = format!("/v2/a/b/manifests/{tag}");
        assert_eq!(get(&registry, &path).await.status, before, "{quirk:?}");
        put_manifest(&registry, &tag, INDEX, &json!({ "schemaVersion": 2, "manifests": [] })).await;
        assert_eq!(get(&registry, &path).await.header("content-type"), Some(after), "{quirk:?}");
    }
}

async fn with_referrers(registry: &Registry, artifact_types: &[&str]) -> String {
    let subject = put_manifest(registry, "v1", MANIFEST, &manifest()).await;
    let subject = subject.header("docker-content-digest").expect("digest").to_owned();
    for artifact_type in artifact_types {
        let mut referrer = manifest();
        referrer["artifactType"] = json!(artifact_type);
        referrer["subject"] = json!({ "mediaType": MANIFEST, "digest": subject, "size": 1 });
        referrer["annotations"] = json!({ "a": "b" });
        let digest = Digest::of(referrer.to_string().as_bytes()).to_string();
        let pushed = put_manifest(registry, &digest, MANIFEST, &referrer).await;
        assert_eq!(pushed.status, StatusCode::CREATED, "{}", pushed.body);
    }
    format!("/v2/a/b/referrers/{subject}")
}

fn types(answer: &Answer) -> Vec<String> {
    let listed = answer.json()["manifests"].as_array().cloned().expect("manifests");
    listed.iter().map(|entry| entry["artifactType"].as_str().expect("type").to_owned()).collect()
}

#[tokio::test]
async fn referrers_are_listed_filtered_and_paged() {
    let registry = started(|_| ());
    let path = with_referrers(&registry, &["x/1", "x/2", "x/3"]).await;
    let all = get(&registry, &path).await;
    assert_eq!(
        (types(&all), all.header("content-type")),
        (vec!["x/1".into(), "x/2".into(), "x/3".into()], Some(INDEX))
    );
    assert_eq!(all.json()["manifests"][0]["annotations"]["a"], "b");
    let filtered = get(&registry, &format!("{path}?artifactType=x%2F2")).await;
    assert_eq!((types(&filtered), filtered.header("oci-filters-applied")), (vec!["x/2".into()], Some("artifactType")));
    registry.switch(|s| s.filters = Filters::Ignored);
    let ignored = get(&registry, &format!("{path}?artifactType=x%2F2")).await;
    assert_eq!((types(&ignored).len(), ignored.header("oci-filters-applied")), (3, None));
    registry.switch(|s| s.page_size = Some(2));
    let first = get(&registry, &path).await;
    let link = first.header("link").expect("link").to_owned();
    let next = link.trim_start_matches('<').split('>').next().expect("target");
    let last = get(&registry, next).await;
    assert_eq!((types(&first).len(), types(&last), last.header("link")), (2, vec!["x/3".to_owned()], None));
    registry.switch(|s| s.referrers = ReferrersApi::Off);
    assert_eq!(get(&registry, &path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_wrong_types_of_another_registry_are_imitated() {
    let registry = started(|s| s.artifact_types = ArtifactTypes::OfConfiguration);
    let path = with_referrers(&registry, &["x/1"]).await;
    let listed = get(&registry, &path).await;
    assert_eq!(types(&listed), ["application/vnd.oci.image.config.v1+json"]);
    assert_eq!(listed.json()["manifests"][0].get("annotations"), None);
}

#[tokio::test]
async fn a_pushed_subject_is_acknowledged_by_a_registry_with_the_api_only() {
    for (api, acknowledged) in [(ReferrersApi::On, true), (ReferrersApi::Off, false)] {
        let registry = started(|s| s.referrers = api);
        let mut referrer = manifest();
        referrer["subject"] = descriptor(MANIFEST, b"not pushed yet");
        let pushed = put_manifest(&registry, "x", MANIFEST, &referrer).await;
        assert_eq!((pushed.status, pushed.header("oci-subject").is_some()), (StatusCode::CREATED, acknowledged));
        referrer["subject"] = json!({});
        assert_eq!(put_manifest(&registry, "x", MANIFEST, &referrer).await.code(), "MANIFEST_INVALID");
    }
}

#[tokio::test]
async fn faults_happen_as_often_as_they_were_asked_for() {
    let registry = started(|_| ());
    let path = format!("/v2/a/b/blobs/{}", Digest::of(b"layer"));
    registry.fault(Fault::once("GET", "/blobs/", Effect::RetryAfter(429, 7)));
    registry.fault(Fault::once("PUT", "/blobs/", Effect::Status(500)));
    let limited = get(&registry, &path).await;
    assert_eq!((limited.status.as_u16(), limited.header("retry-after")), (429, Some("7")));
    assert_eq!(get(&registry, &path).await.status, StatusCode::OK);
    registry.fault(Fault::once("GET", "/blobs/", Effect::CutBody));
    let cut = Client::new().get(format!("http://{}{path}", registry.host())).send().await.expect("head");
    assert!(cut.bytes().await.is_err());
    registry.fault(Fault::once("GET", "/blobs/", Effect::SlowBody(Duration::from_millis(30))));
    let start = Instant::now();
    assert_eq!(get(&registry, &path).await.body, "layer");
    // Five bytes are three parts of at most two.
    assert!(start.elapsed() >= Duration::from_millis(90));
    registry.fault(Fault::once("PUT", "/manifests/", Effect::LoseTag));
    assert_eq!(put_manifest(&registry, "v1", MANIFEST, &manifest()).await.status, StatusCode::CREATED);
    assert!(registry.tags("a/b").is_empty() && registry.manifests("a/b").len() == 1);
    let seen: Vec<_> = registry.requests().into_iter().map(|r| r.status).collect();
    assert_eq!(seen, [429, 200, 200, 200, 201]);
    registry.forget_requests();
    assert!(registry.requests().is_empty());
}

#[tokio::test]
async fn altered_content_is_served_under_the_old_digest() {
    let registry = started(|_| ());
    let pushed = put_manifest(&registry, "v1", MANIFEST, &manifest()).await;
    let digest: Digest = pushed.header("docker-content-digest").expect("digest").parse().expect("digest");
    registry.alter(digest, "{}");
    let answer = get(&registry, &format!("/v2/a/b/manifests/{digest}")).await;
    assert_eq!(answer.body, "{}");
    assert_eq!(answer.header("docker-content-digest"), Some(Digest::of(b"{}").to_string().as_str()));
    registry.alter(Digest::of(b"layer"), "other");
    assert_eq!(get(&registry, &format!("/v2/a/b/blobs/{}", Digest::of(b"layer"))).await.body, "other");
}

#[test]
fn it_ends_when_it_is_dropped_also_while_someone_reads() {
    let registry = Registry::start(Switches::default()).expect("registry");
    let address = registry.address();
    let idle = std::net::TcpStream::connect(address).expect("connected");
    let start = Instant::now();
    drop(registry);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(std::net::TcpStream::connect(address).is_err());
    drop(idle);
}
