//! The stand-in refuses what GitHub refuses: it is only worth what it does not take.

#![expect(clippy::expect_used, reason = "a broken fixture fails the test")]

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sealwright_loopback::github::{GitHub, Permission, Scope, Visibility};
use serde_json::{Value, json};

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

struct Stage {
    github: GitHub,
    token: String,
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    fn new() -> Self {
        let github = GitHub::start().expect("GitHub");
        github.repository("acme/shop", Visibility::Private);
        github.organization("acme");
        let scopes = [Scope::SecurityEvents, Scope::Contents, Scope::ArtifactMetadata];
        let token = github.token_with("acme/shop", &scopes.map(|scope| (scope, Permission::Write)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        Self { github, token, runtime }
    }

    fn ask(&self, path: &str, token: Option<&str>, body: Option<&Value>) -> (u16, Value) {
        let client = reqwest::Client::builder().user_agent("test").no_proxy().build().expect("client");
        let url = format!("{}{path}", self.github.address());
        let request = match body {
            Some(body) => client.post(url).body(body.to_string()),
            None => client.get(url),
        };
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        self.runtime.block_on(async {
            let response = request.send().await.expect("an answer");
            let status = response.status().as_u16();
            let text = response.text().await.expect("text");
            (status, serde_json::from_str(&text).expect("JSON"))
        })
    }

    fn post(&self, path: &str, body: &Value) -> u16 {
        self.ask(path, Some(&self.token), Some(body)).0
    }
}

/// The document with one member changed, or without it.
fn with(document: &Value, pointer: &str, value: Option<Value>) -> Value {
    let mut changed = document.clone();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let members = changed.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    match value {
        Some(value) => members.insert(key.to_owned(), value),
        None => members.remove(key),
    };
    changed
}

fn packed(document: &Value) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(document.to_string().as_bytes()).expect("gzip");
    STANDARD.encode(encoder.finish().expect("gzip"))
}

fn sarif() -> Value {
    let place = json!({ "artifactLocation": { "uri": "a/b" }, "region": { "startLine": 1 } });
    let result = json!({
        "message": { "text": "x" }, "locations": [{ "physicalLocation": place }],
        "partialFingerprints": { "primaryLocationLineHash": "1:1" },
    });
    json!({ "version": "2.1.0", "runs": [{ "tool": { "driver": { "name": "T" } }, "results": [result] }] })
}

#[test]
fn code_scanning_takes_whole_requests_and_says_later_what_is_wrong_with_a_file() {
    let stage = Stage::new();
    let path = "/repos/acme/shop/code-scanning/sarifs";
    let good = json!({ "commit_sha": SHA, "ref": "refs/heads/main", "sarif": packed(&sarif()) });
    for (pointer, value, status) in [
        ("/commit_sha", Some(json!("main")), 422),
        ("/commit_sha", None, 422),
        ("/ref", Some(json!("main")), 422),
        ("/sarif", Some(json!("{}")), 400),
        ("/tool", Some(json!("T")), 422),
    ] {
        assert_eq!(stage.post(path, &with(&good, pointer, value)), status, "{pointer}");
    }
    assert_eq!(stage.ask(path, None, Some(&good)).0, 401);
    assert_eq!(stage.ask(path, Some("ghs_wrong"), Some(&good)).0, 401);
    let state = |document: &Value| {
        let (status, answer) =
            stage.ask(path, Some(&stage.token), Some(&with(&good, "/sarif", Some(json!(packed(document))))));
        assert_eq!(status, 202);
        let id = answer["id"].as_str().expect("id").to_owned();
        let (_, state) = stage.ask(&format!("{path}/{id}"), Some(&stage.token), None);
        (state["processing_status"].clone(), state["errors"].to_string())
    };
    assert_eq!(state(&sarif()).0, "complete");
    let twice = json!({ "version": "2.1.0", "runs": [sarif()["runs"][0], sarif()["runs"][0]] });
    let many = with(&sarif(), "/runs", Some(Value::Array(vec![sarif()["runs"][0].clone(); 21])));
    for (document, why) in [
        (with(&sarif(), "/version", Some(json!("2.0"))), "2.1.0"),
        (twice, "same category"),
        (many, "20 runs"),
        (with(&sarif(), "/runs/0/results/0/locations/0/physicalLocation/region", None), "startLine"),
        (with(&sarif(), "/runs/0/results/0/partialFingerprints", None), "fingerprint"),
        (with(&sarif(), "/runs/0/results/0/message", Some(json!({ "markdown": "x" }))), "message.text"),
        (
            with(&sarif(), "/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri", Some(json!("/a"))),
            "no path",
        ),
    ] {
        let (status, errors) = state(&document);
        assert!(status == "failed" && errors.contains(why), "{why}: {status} {errors}");
    }
    assert_eq!(stage.ask(&format!("{path}/nobody"), Some(&stage.token), None).0, 404);
}

#[test]
fn one_bad_package_refuses_a_whole_snapshot() {
    let stage = Stage::new();
    let path = "/repos/acme/shop/dependency-graph/snapshots";
    let good = json!({
        "version": 0, "job": { "id": "1", "correlator": "c" }, "sha": SHA, "ref": "refs/heads/main",
        "detector": { "name": "d", "version": "1", "url": "https://example.test" }, "scanned": "2030-01-01T00:00:00Z",
        "manifests": { "m": { "name": "m", "resolved": { "a": { "package_url": "pkg:npm/a@1" } } } },
    });
    assert_eq!(stage.post(path, &good), 201);
    for (pointer, value) in [
        ("/version", None),
        ("/job/correlator", Some(json!(""))),
        ("/detector/url", None),
        ("/sha", Some(json!("main"))),
        ("/ref", Some(json!("main"))),
        ("/scanned", Some(json!("today"))),
        ("/extra", Some(json!(1))),
        ("/manifests/m/name", None),
        ("/manifests/m/resolved/b", Some(json!({ "package_url": "" }))),
        ("/manifests/m/resolved/b", Some(json!({ "package_url": "pkg:npm/b" }))),
        ("/manifests/m/resolved/b", Some(json!({ "package_url": "pkg:npm/b@1", "purl": "x" }))),
    ] {
        assert_eq!(stage.post(path, &with(&good, pointer, value)), 422, "{pointer}");
    }
    assert_eq!(stage.github.snapshots().len(), 1);
    let reader = stage.github.token_with("acme/shop", &[(Scope::Contents, Permission::Read)]);
    assert_eq!(stage.ask(path, Some(&reader), Some(&good)).0, 403);
    let stranger = stage.github.token_with("acme/other", &[(Scope::Contents, Permission::Write)]);
    assert_eq!(stage.ask(path, Some(&stranger), Some(&good)).0, 404, "a private repository is not there for others");
}

#[test]
fn only_an_organization_keeps_storage_records() {
    let stage = Stage::new();
    let path = "/orgs/acme/artifacts/metadata/storage-record";
    let digest = format!("sha256:{}", "0".repeat(64));
    let good =
        json!({ "name": "a", "digest": digest, "registry_url": "https://r.example", "github_repository": "shop" });
    assert_eq!(stage.post(path, &good), 200);
    assert_eq!(stage.post("/orgs/jane/artifacts/metadata/storage-record", &good), 404);
    assert_eq!(stage.post(path, &with(&good, "/github_repository", Some(json!("none")))), 404);
    for (pointer, value) in [
        ("/name", Some(json!(""))),
        ("/digest", Some(json!("sha256:0"))),
        ("/registry_url", Some(json!("http://r.example"))),
        ("/artifact_url", Some(json!("r.example"))),
        ("/status", Some(json!("inactive"))),
        ("/version", Some(json!("v".repeat(101)))),
        ("/github_repository", Some(json!("acme/shop"))),
        ("/registry", Some(json!("r"))),
    ] {
        assert_eq!(stage.post(path, &with(&good, pointer, value)), 422, "{pointer}");
    }
    assert_eq!(stage.github.storage_records().len(), 1);
}
