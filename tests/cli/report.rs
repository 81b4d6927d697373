//! `report`: what GitHub is told, by which run, and what is said where a token may not. The stand-in is on loopback.

use sealwright_loopback::github::{Effect, Fault, GitHub, Permission, Scope, Visibility};
use serde_json::{Value, json};

use crate::scene::{Said, Scene};

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
const HEAD: &str = "89abcdef0123456789abcdef0123456789abcdef";
const ALL: [Scope; 3] = [Scope::SecurityEvents, Scope::Contents, Scope::ArtifactMetadata];

struct Stage {
    scene: Scene,
    github: GitHub,
}

impl Stage {
    /// A scanned image with its SBOM.
    fn new() -> Self {
        let (scene, github) = (Scene::new(), GitHub::start().expect("GitHub"));
        github.repository("acme/shop", Visibility::Public);
        github.organization("acme");
        let source = scene.image("image", "1.3-r0");
        scene.run(&["scan", &source, "--db", "db", "-o", "sarif=scan.sarif"]).expect(0, &[]);
        let documents = ["-o", "cyclonedx-json=app.cdx.json", "-o", "spdx-json=app.spdx.json"];
        scene.run(&[&["sbom", &source][..], &documents].concat()).expect(0, &[]);
        Self { scene, github }
    }

    fn token(&self, scopes: &[Scope]) -> String {
        let scopes: Vec<_> = scopes.iter().map(|scope| (*scope, Permission::Write)).collect();
        self.github.token_with("acme/shop", &scopes)
    }

    /// In a run of a push, with these variables besides.
    fn report(&self, token: &str, more: &[(&str, &str)], arguments: &[&str]) -> Said {
        let variables = [
            ("GITHUB_API_URL", self.github.address()),
            ("GITHUB_TOKEN", token),
            ("GITHUB_REPOSITORY", "acme/shop"),
            ("GITHUB_SHA", SHA),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_WORKFLOW", "release"),
            ("GITHUB_JOB", "build"),
            ("GITHUB_RUN_ID", "42"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_EVENT_NAME", "push"),
        ];
        let said = self.scene.run_with(&[&variables[..], more].concat(), &[&["report"][..], arguments].concat());
        assert!(!said.stdout.contains("ghs_") && !said.stderr.contains("ghs_"), "{} {}", said.stdout, said.stderr);
        said
    }

    fn pull_request(&self, head: Value) {
        let event = json!({ "pull_request": { "number": 7, "head": { "sha": HEAD, "repo": head } } });
        self.scene.write("event.json", event.to_string());
    }
}

const MERGE: [(&str, &str); 3] =
    [("GITHUB_REF", "refs/pull/7/merge"), ("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_EVENT_PATH", "event.json")];

#[test]
fn a_run_reports_what_it_found_what_is_in_the_image_and_where_it_is() {
    let stage = Stage::new();
    stage.github.read_uploads_after(1);
    let image = format!("registry.example/shop/app:v1@sha256:{}", "0".repeat(64));
    let all = ["--sarif", "scan.sarif", "--dependencies", "app.cdx.json", "--storage-record", &image];
    let said = stage.report(&stage.token(&ALL), &[], &[&all[..], &["-o", "json=report.json", "-o", "text"]].concat());
    said.expect(0, &["1 results of scan.sarif: code scanning has them", "1 packages of oci:image", "is kept there"]);
    let [analysis] = &stage.github.analyses()[..] else { panic!("one analysis") };
    assert_eq!((analysis.commit.as_str(), analysis.reference.as_str()), (SHA, "refs/heads/main"));
    assert_eq!(analysis.tool.as_deref(), Some("Sealwright"));
    assert!(analysis.runs[0].category.starts_with("sealwright/oci:image/linux/"), "{analysis:?}");
    let [snapshot] = &stage.github.snapshots()[..] else { panic!("one snapshot") };
    assert_eq!(snapshot["job"]["html_url"], "https://github.com/acme/shop/actions/runs/42");
    let correlator = snapshot["job"]["correlator"].as_str().expect("correlator");
    assert!(correlator.starts_with("release build oci:image linux/"), "{correlator}");
    assert_eq!(stage.github.storage_records()[0]["version"], "v1");
    // Both formats say the same, and another run of the same job replaces it.
    let spdx = [("GITHUB_RUN_ID", "43")];
    stage.report(&stage.token(&ALL), &spdx, &["--dependencies", "app.spdx.json"]).expect(0, &["1 packages"]);
    let snapshots = stage.github.snapshots();
    assert_eq!(snapshots[0]["job"]["correlator"], snapshots[1]["job"]["correlator"]);
    assert_eq!(snapshots[0]["manifests"], snapshots[1]["manifests"]);
    let report = sealwright_core::bounded::read_file(&stage.scene.path().join("report.json"), 1 << 20).expect("report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let kinds: Vec<_> = report["reported"].as_array().expect("list").iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["sarif", "dependencies", "storageRecord"]);
}

#[test]
fn findings_of_a_pull_request_are_of_its_merge_and_packages_of_its_head() {
    let stage = Stage::new();
    stage.pull_request(json!({ "full_name": "acme/shop" }));
    let both = ["--sarif", "scan.sarif", "--dependencies", "app.cdx.json"];
    stage.report(&stage.token(&ALL), &MERGE, &both).expect(0, &[]);
    let analysis = &stage.github.analyses()[0];
    assert_eq!((analysis.commit.as_str(), analysis.reference.as_str()), (SHA, "refs/pull/7/merge"));
    let snapshot = &stage.github.snapshots()[0];
    assert_eq!((&snapshot["sha"], &snapshot["ref"]), (&json!(HEAD), &json!("refs/pull/7/merge")));
    let target = [("GITHUB_EVENT_NAME", "pull_request_target"), ("GITHUB_EVENT_PATH", "event.json")];
    for one in [&both[..2], &both[2..]] {
        stage.report(&stage.token(&ALL), &target, one).expect(2, &["pull_request_target stands for the branch"]);
    }
    assert_eq!(stage.github.analyses().len() + stage.github.snapshots().len(), 2);
}

#[test]
fn a_missing_permission_keeps_nothing_else_back_and_is_named_with_its_lines() {
    let stage = Stage::new();
    let image = format!("registry.example/shop/app@sha256:{}", "0".repeat(64));
    let all = ["--sarif", "scan.sarif", "--dependencies", "app.cdx.json", "--storage-record", &image];
    let said = stage.report(&stage.token(&[Scope::Contents]), &[], &all);
    said.expect(
        5,
        &[
            "1 packages of oci:image",
            "403 Resource not accessible by integration (it wants security_events=write)",
            "hint: add to the job:\n    permissions:\n      security-events: write\n",
            "error: GitHub does not record for acme where the image is kept",
            "      artifact-metadata: write",
        ],
    );
    assert_eq!((stage.github.analyses().len(), stage.github.snapshots().len()), (0, 1));
    // GitHub says so too where it is asked too often; that passes.
    stage.github.fault(Fault::once("POST", "sarifs", Effect::RetryAfter(403, 1)));
    stage.report(&stage.token(&ALL), &[], &["--sarif", "scan.sarif"]).expect(0, &["code scanning has them"]);
}

#[test]
fn a_fork_may_only_read_and_is_told_so() {
    let stage = Stage::new();
    for head in [json!({ "full_name": "mallory/shop" }), Value::Null] {
        stage.pull_request(head);
        let said = stage.report(&stage.token(&[]), &MERGE, &["--sarif", "scan.sarif"]);
        let said = said.expect(5, &["fork's pull request, whose token may only read", "on push after the merge"]);
        assert!(!said.stderr.contains("permissions:"), "{}", said.stderr);
        // Where a token may write, it does.
        stage.report(&stage.token(&ALL), &MERGE, &["--sarif", "scan.sarif"]).expect(0, &[]);
    }
}

#[test]
fn what_cannot_be_reported_is_refused_before_anything_is_sent() {
    let stage = Stage::new();
    let token = stage.token(&ALL);
    stage.scene.write("bad.sarif", r#"{"version":"2.1.0","runs":[]}"#);
    stage
        .scene
        .write("bad.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"purl":"pkg:npm/a"}]}"#);
    let refused = |variables: &[(&str, &str)], arguments: &[&str], why: &str| {
        stage.report(&token, variables, arguments).expect(2, &[why]);
    };
    let scan = ["--sarif", "scan.sarif"];
    refused(&[], &[], "--sarif");
    refused(&[], &["--sarif", "none.sarif"], "none.sarif could not be read");
    refused(
        &[],
        &[&scan[..], &["--sarif", "bad.sarif"]].concat(),
        "bad.sarif: the SARIF file cannot be sent: it has 0 runs",
    );
    refused(&[], &["--dependencies", "scan.sarif"], "neither CycloneDX");
    refused(&[], &["--dependencies", "bad.json"], "no package in it has a package URL");
    refused(&[], &["--storage-record", "registry.example/app:v1"], "expected REF@DIGEST");
    for (variable, value, why) in [
        ("GITHUB_REPOSITORY", "", "GITHUB_REPOSITORY is not set"),
        ("GITHUB_SHA", "", "GITHUB_SHA is not set"),
        ("GITHUB_SHA", "main", "40 hexadecimal digits"),
        ("GITHUB_REF", "main", "is no ref"),
        ("GITHUB_EVENT_PATH", "none.json", "GITHUB_EVENT_PATH none.json"),
        ("GITHUB_TOKEN", "", "there is no token"),
    ] {
        refused(&[(variable, value)], &scan, why);
    }
    assert!(stage.github.requests().is_empty(), "{:?}", stage.github.requests());
    stage.report("ghs_expired", &[], &["--sarif", "scan.sarif"]).expect(5, &["401", "may have expired"]);
}
