//! `policy lint`: paths, exit codes and formats; what rules find is the corpus' of crates/admission.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::scene::Scene;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/admission/tests/corpus").join(name)
}

fn path(name: &str) -> String {
    corpus(name).display().to_string()
}

#[test]
fn an_error_is_a_refusal_and_warnings_are_not() {
    let scene = Scene::new();
    scene.run(&["policy", "lint", &path("fails-open/bad.yaml")]).expect(
        3,
        &["fails-open", "failurePolicy: Ignore", "1 error, 0 warnings in 2 objects, judged for Kyverno 1.19.1"],
    );
    scene.run(&["policy", "lint", &path("audit-only/bad.yaml")]).expect(0, &["audit-only", "0 errors, 1 warning"]);
    scene.run(&["policy", "lint", &path("fails-open/good.yaml")]).expect(0, &["0 errors, 0 warnings in 2 objects"]);
    scene.run(&["policy", "lint", &path("unreadable/bad.yaml")]).expect(3, &["unreadable"]);
}

#[test]
fn the_version_decides_and_is_read_strictly() {
    let scene = Scene::new();
    let legacy = path("legacy-policy/bad.yaml");
    scene.run(&["policy", "lint", &legacy]).expect(0, &["legacy-policy"]);
    scene
        .run(&["policy", "lint", &legacy, "--kyverno-version", "v1.20.0"])
        .expect(3, &["removed-policy", "1.20 and later"]);
    scene.run(&["policy", "lint", &legacy, "--kyverno-version", "newest"]).expect(2, &["newest"]);
}

#[test]
fn folders_are_read_to_their_end_and_what_is_not_there_is_said() {
    let scene = Scene::new();
    let folder = corpus("");
    let run = scene.run(&["policy", "lint", &folder.display().to_string(), "-o", "json"]).expect(3, &[]);
    let document: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let findings = document["findings"].as_array().expect("findings");
    assert!(findings.len() > 50 && document["judged"].as_u64() > Some(150), "{} findings", findings.len());
    let first = &findings[0];
    for key in ["rule", "severity", "file", "line", "column", "object", "detail", "what", "why", "kyverno", "fix"] {
        assert!(!first[key].is_null(), "{key}: {first}");
    }
    scene.run(&["policy", "lint", "no-such-file.yaml"]).expect(2, &["no-such-file.yaml"]);
    let empty = scene.path().join("empty");
    std::fs::create_dir(&empty).expect("folder");
    scene.run(&["policy", "lint", &empty.display().to_string()]).expect(2, &["no *.yaml"]);
    scene.run(&["policy", "lint"]).expect(2, &["PATH"]);
}

#[test]
fn stdin_is_a_file_too() {
    let scene = Scene::new();
    let policy = "apiVersion: policies.kyverno.io/v1\nkind: ImageValidatingPolicy\nspec: {matchConstraints: {}}\n";
    scene.run_with_input(&["policy", "lint", "-"], policy).expect(3, &["stdin:3", "matches-nothing"]);
    scene
        .run_with_input(&["policy", "lint", "-"], "kind: ConfigMap\n")
        .expect(0, &["1 of other kinds: nothing to say"]);
}

#[test]
fn sarif_has_rules_places_and_no_markup_of_others() {
    let scene = Scene::new();
    let hostile = "apiVersion: policies.kyverno.io/v1\nkind: ImageValidatingPolicy\nmetadata: {name: \"[x](https://evil.example) \\e[31m\"}\nspec: {failurePolicy: Ignore, matchConstraints: {}}\n";
    scene.write("a b#.yaml", hostile);
    let run = scene.run(&["policy", "lint", "a b#.yaml", "-o", "sarif"]).expect(3, &[]);
    let document: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let run = &document["runs"][0];
    let results = run["results"].as_array().expect("results");
    assert!(!results.is_empty());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("index")).expect("index");
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b%23.yaml");
        assert!(place["region"]["startLine"].as_u64() >= Some(1));
        let text = result["message"]["text"].as_str().expect("text");
        assert!(!text.contains(['[', ']', '{', '}', '\u{1b}']), "{text}");
    }
}

/// What is rendered for everybody has to be without a finding, but that the legacy rendering is one, that the age of a scan is
/// reported and not denied, and that Kyverno asks the public TUF repository beside an inline root.
#[test]
fn the_bundle_is_without_a_finding() {
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    if !bundle.is_dir() {
        return;
    }
    let scene = Scene::new();
    let run = scene.run(&["policy", "lint", &bundle.display().to_string(), "-o", "json"]);
    let document: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert!(document["judged"].as_u64() > Some(0), "policies/ has nothing that can be judged: {document}");
    let findings = document["findings"].as_array().expect("findings");
    let meant = |found: &&Value| {
        let object = found["object"].as_str().unwrap_or_default();
        let file = found["file"].as_str().unwrap_or_default();
        let inline = found["rule"] == "root-needs-tuf" && file.ends_with("github-instance/signature/policy.yaml");
        inline || found["rule"] == "legacy-policy" || (found["rule"] == "audit-only" && object.ends_with("scan-age"))
    };
    let others: Vec<&Value> = findings.iter().filter(|found| !meant(found)).collect();
    assert!(others.is_empty(), "{others:#?}");
}
