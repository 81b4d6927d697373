//! Reports: what is taken, what is refused and what may be done about it.

use std::time::Duration;

use sealwright_core::{Digest, Purl, Repository};
use sealwright_github::{
    Commit, GitHubError, Processing, RepositoryName, Snapshot, StorageRecord, Store, Submitted, Upload,
};
use sealwright_loopback::github::{Effect, Fault, GitHub, Permission, Run, Scope, Visibility};
use serde_json::{Value, json};

use crate::{SHOP, run, start, store};

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
const PATIENCE: Duration = Duration::from_secs(5);

fn name() -> RepositoryName {
    SHOP.parse().expect("name")
}

fn commit() -> Commit {
    Commit::new(SHA, "refs/pull/7/merge").expect("commit")
}

fn writer(github: &GitHub, scope: Scope) -> Store {
    store(github, Some(&github.token_with(SHOP, &[(scope, Permission::Write)])))
}

fn sarif(result: &Value) -> Upload {
    let of = |id: &str| json!({ "tool": { "driver": { "name": "Sealwright" } }, "automationDetails": { "id": id }, "results": [result] });
    let document = json!({ "version": "2.1.0", "runs": [of("a/linux/amd64/"), of("a/linux/arm64/")] });
    Upload::new(document.to_string().as_bytes()).expect("SARIF")
}

fn result() -> Value {
    json!({
        "message": { "text": "x" },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": "a" }, "region": { "startLine": 1 } } }],
        "partialFingerprints": { "primaryLocationLineHash": "1:1" },
    })
}

fn upload(store: &Store, upload: &Upload) -> Result<Processing, GitHubError> {
    let id = run(store.upload_sarif(&name(), &commit(), upload))?;
    run(store.wait_for_sarif(&name(), &id, PATIENCE))
}

#[test]
fn sarif_is_taken_and_followed_until_it_was_read() {
    let github = start();
    github.read_uploads_after(2);
    let writer = writer(&github, Scope::SecurityEvents);
    assert_eq!(upload(&writer, &sarif(&result())), Ok(Processing::Complete));
    let [analysis] = &github.analyses()[..] else { panic!("one analysis") };
    assert_eq!((analysis.commit.as_str(), analysis.reference.as_str()), (SHA, "refs/pull/7/merge"));
    assert_eq!(analysis.tool.as_deref(), Some("Sealwright"));
    let of = |platform: &str| Run { category: format!("a/linux/{platform}"), results: 1 };
    assert_eq!(analysis.runs, [of("amd64"), of("arm64")]);
    assert_eq!(github.requests().iter().filter(|request| request.method == "GET").count(), 3);
}

#[test]
fn patience_ends_and_what_cannot_be_processed_is_told() {
    let github = start();
    let writer = writer(&github, Scope::SecurityEvents);
    github.read_uploads_after(usize::MAX);
    let id = run(writer.upload_sarif(&name(), &commit(), &sarif(&result()))).expect("taken");
    let short = Duration::from_millis(600);
    assert_eq!(run(writer.wait_for_sarif(&name(), &id, short)), Ok(Processing::Pending));
    // It is not found for a moment after it was taken, and never if it is somebody else's.
    assert_eq!(run(writer.wait_for_sarif(&name(), "unknown", short)), Ok(Processing::Pending));
    github.read_uploads_after(0);
    let error = upload(&writer, &sarif(&json!({ "message": { "text": "x" } }))).expect_err("no place");
    assert!(matches!(&error, GitHubError::NotProcessed { why, .. } if why.raw().contains("uri is missing")), "{error}");
    assert!(error.is_unavailable());
    for status in [500, 502] {
        github.fault(Fault::once("POST", "sarifs", Effect::Status(status)));
    }
    assert_eq!(upload(&writer, &sarif(&result())), Ok(Processing::Complete));
}

fn snapshot<'a>(commit: &'a Commit, packages: &'a [Purl]) -> Snapshot<'a> {
    Snapshot {
        commit,
        run: "42",
        run_url: Some("https://github.com/acme/shop/actions/runs/42"),
        correlator: "release build registry.example/shop/app",
        image: "registry.example/shop/app",
        packages,
        time: "2030-01-02T03:04:05Z".parse().expect("time"),
        detector: ("1.0.0", "https://example.test"),
    }
}

fn purls(texts: &[&str]) -> Vec<Purl> {
    texts.iter().map(|text| text.parse().expect("purl")).collect()
}

#[test]
fn a_snapshot_has_every_usable_package_once() {
    let github = start();
    let writer = writer(&github, Scope::Contents);
    let packages = purls(&["pkg:npm/a@1", "pkg:npm/a@1", "pkg:npm/b", "pkg:maven/c@1", "pkg:deb/debian/d@1%3A2"]);
    let commit = commit();
    let submitted = run(writer.submit_snapshot(&name(), &snapshot(&commit, &packages)));
    assert_eq!(submitted, Ok(Submitted { id: "1".into(), packages: 2, dropped: 2 }));
    let [taken] = &github.snapshots()[..] else { panic!("one snapshot") };
    assert_eq!((&taken["sha"], &taken["ref"]), (&json!(SHA), &json!("refs/pull/7/merge")));
    assert_eq!(taken["job"]["correlator"], "release build registry.example/shop/app");
    let resolved = &taken["manifests"]["registry.example/shop/app"]["resolved"];
    assert_eq!(resolved["pkg:npm/a@1"]["package_url"], "pkg:npm/a@1");
    let none = run(writer.submit_snapshot(&name(), &snapshot(&commit, &purls(&["pkg:npm/b"]))));
    assert!(matches!(&none, Err(error @ GitHubError::Unfit { .. }) if !error.is_unavailable()), "{none:?}");
}

fn record(store: &Store, repository: &str, image: &str) -> Result<u64, GitHubError> {
    let image: Repository = image.parse().expect("repository");
    let image = image.pinned(Digest::of(b"image"));
    run(store.record_storage(&repository.parse().expect("name"), &StorageRecord { image: &image, version: Some("v1") }))
}

#[test]
fn an_organization_records_where_an_image_is() {
    let github = start();
    github.organization("acme");
    let writer = writer(&github, Scope::ArtifactMetadata);
    assert_eq!(record(&writer, SHOP, "registry.example/shop/app"), Ok(1));
    let [taken] = &github.storage_records()[..] else { panic!("one record") };
    assert_eq!(
        *taken,
        json!({
            "name": "registry.example/shop/app", "digest": Digest::of(b"image"), "version": "v1",
            "registry_url": "https://registry.example", "repository": "shop/app", "status": "active",
            "artifact_url": format!("https://registry.example/shop/app@{}", Digest::of(b"image")),
            "github_repository": "shop",
        })
    );
    let error = record(&writer, SHOP, "127.0.0.1:5000/app").expect_err("plain HTTP");
    assert!(error.to_string().contains("on this machine"), "{error}");
}

#[test]
fn a_missing_permission_is_named_with_the_lines_to_add() {
    let github = start();
    github.organization("acme");
    github.repository("jane/shop", Visibility::Public);
    let without = store(&github, Some(&github.token_with(SHOP, &[(Scope::Attestations, Permission::Write)])));
    let (commit, packages) = (commit(), purls(&["pkg:npm/a@1"]));
    let sarif = sarif(&result());
    let errors = [
        (upload(&without, &sarif).expect_err("403"), "security_events=write", "security-events: write"),
        (
            run(without.submit_snapshot(&name(), &snapshot(&commit, &packages))).expect_err("403"),
            "contents=write",
            "contents: write",
        ),
        (
            record(&without, SHOP, "registry.example/app").expect_err("403"),
            "artifact_metadata=write",
            "artifact-metadata: write",
        ),
    ];
    for (error, wants, line) in &errors {
        assert!(error.is_forbidden() && error.to_string().contains(wants), "{error}");
        let hint = error.hint().expect("a hint");
        assert!(hint.starts_with(&format!("add to the job:\n    permissions:\n      {line}")), "{hint}");
        assert!(!error.to_string().contains("ghs_"), "{error}");
    }
    let jane = github.token_with("jane/shop", &[(Scope::ArtifactMetadata, Permission::Write)]);
    let error = record(&store(&github, Some(&jane)), "jane/shop", "registry.example/app").expect_err("a person");
    assert!(error.hint().is_some_and(|hint| hint.contains("only organizations")), "{error}");
    github.without_code_scanning();
    let error = upload(&writer(&github, Scope::SecurityEvents), &sarif).expect_err("off");
    assert!(
        error.to_string().contains("Code Security") && error.hint().is_some_and(|h| h.contains("is on")),
        "{error}"
    );
    assert_eq!(upload(&store(&github, None), &sarif), Err(GitHubError::NoToken));
}
