//! Tier A: Kyverno's own engine, as its command line runs it, judges the rows that need no cluster.
//!
//! The engine and the cryptography are those of the cluster; there is no mutation, so that images are named by digest, and no
//! subresource. What a policy only reports (`sealwright-scan-age`) denies nothing.

use std::collections::BTreeMap;
use std::process::Command;

use sealwright_loopback::registry::{Effect, Fault};
use serde_json::Value;

use crate::admission::foretold::foretold;
use crate::admission::images::{Images, OTHER_SIGNERS};
use crate::admission::pods::{pod, with_forged_annotations, with_init, with_sidecar, with_volume, workload};
use crate::admission::rows::{Results, Verdict};
use crate::admission::signer::Variant;
use crate::peer::{peer, say, text_of};

#[test]
fn every_row_holds_for_a_key() {
    judged(Variant::Key);
}

#[test]
fn every_row_holds_for_a_workflow() {
    judged(Variant::Keyless);
}

/// What `policy explain` says before anybody is asked: it has to come to the same rows.
#[test]
fn every_row_is_foretold_for_a_key() {
    explained(Variant::Key);
}

#[test]
fn every_row_is_foretold_for_a_workflow() {
    explained(Variant::Keyless);
}

fn explained(variant: Variant) {
    let images = Images::new(variant);
    let cases = cases(&images, variant);
    let mut results = Results::new("A", variant);
    foretold(&images, &cases).into_iter().for_each(|(case, verdict)| results.record(&case, verdict));
    results.check();
}

/// The tests beside the policies of the bundle, as `kyverno test` runs them.
#[test]
fn the_tests_of_the_bundle() {
    let home = tempfile::tempdir().expect("home");
    let mut command = Command::new(peer("SEALWRIGHT_KYVERNO_CLI"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("HOME", home.path());
    let said = say(command.args(["test", "policies/base", "--remove-color"])).expect_code(0);
    println!("{}", said.stdout);
    for policy in ["sealwright-digest", "sealwright-registries", "sealwright-exceptions"] {
        assert!(said.stdout.contains(policy), "{policy}: {}", said.stdout);
    }
    assert!(said.stdout.contains("0 tests failed"), "{}", said.stdout);
}

/// How often the registry is asked about one image that nobody has verified yet: the figure of docs/benchmarks.md.
#[test]
fn requests_for_one_image() {
    let images = Images::new(Variant::Key);
    images.registry.forget_requests();
    let cases = [("sealed", pod("sealed", &images.pinned("good")))];
    assert_eq!(apply(&images, &bundle(&images), &cases).get("sealed"), Some(&Verdict::Admitted));
    let requests = images.registry.requests();
    let pings = requests.iter().filter(|request| request.path == "/v2/").count();
    let policies = 6;
    println!("{} requests, {pings} of them pings, by {policies} policies", requests.len());
    // Each policy lists the referrers twice and fetches every one of them twice, manifest and bundle.
    let page = text_of(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md"));
    let line = format!("| Kyverno 1.19.1, {policies} policies | {} | {pings} |", requests.len());
    assert!(page.contains(&line), "docs/benchmarks.md does not say: {line}");
}

fn judged(variant: Variant) {
    let images = Images::new(variant);
    let cases = cases(&images, variant);
    let verdicts = apply(&images, &bundle(&images), &cases);
    let foretold = foretold(&images, &cases);
    let mut results = Results::new("A", variant);
    let mut otherwise = Vec::new();
    for (case, _) in &cases {
        let verdict = verdicts.get(*case).cloned().unwrap_or_else(|| panic!("nothing is said of {case}"));
        // `policy explain` names the same policies as the engine.
        if foretold[*case].policies() != verdict.policies() {
            otherwise.push(format!("{case}: foretold {:?}, came {:?}", foretold[*case].policies(), verdict.policies()));
        }
        results.record(case, verdict);
    }
    results.check();
    assert!(otherwise.is_empty(), "{}", otherwise.join("\n"));
}

/// Each case is an object that has its name.
fn cases(images: &Images, variant: Variant) -> Vec<(&'static str, Value)> {
    let (good, bad) = (images.pinned("good"), images.pinned("unsigned"));
    let host = images.registry.host();
    let digest = images.digest;
    let mut cases = vec![
        ("sealed", pod("sealed", &good)),
        ("nginx", pod("nginx", &format!("nginx:latest@{digest}"))),
        ("unsigned-init-container", with_init("unsigned-init-container", &good, &bad)),
        ("unsigned-sidecar", with_sidecar("unsigned-sidecar", &good, &bad)),
        ("unsigned-image-volume", with_volume("unsigned-image-volume", &good, &bad)),
        ("image-volume-by-tag", with_volume("image-volume-by-tag", &good, &images.tagged("good"))),
        ("sealed-image-volume", with_volume("sealed-image-volume", &good, &good)),
        ("short-name", pod("short-name", &format!("nginx@{digest}"))),
        ("mirror", pod("mirror", &format!("{host}/mirror/app@{digest}"))),
        ("longer-repository", pod("longer-repository", &format!("{host}/shop-evil/app@{digest}"))),
        ("borrowed", pod("borrowed", &images.borrowed())),
        ("deployment", workload("Deployment", "deployment", &bad)),
        ("forged-annotation", with_forged_annotations("forged-annotation", &bad)),
    ];
    let same_name = [
        "unsigned",
        "no-signature",
        "no-sbom",
        "no-provenance",
        "no-decision",
        "no-scan",
        "stranger",
        "only-sbom",
        "foreign-provenance",
        "failing-scan",
        "failing-scan-last",
        "failing-scan-first",
        "mallory",
    ];
    let keyless = OTHER_SIGNERS.iter().filter(|_| variant == Variant::Keyless);
    cases.extend(same_name.iter().chain(keyless).map(|name| (*name, pod(name, &images.pinned(name)))));
    for (case, name, status) in [("referrers-throttled", "throttled", 429), ("referrers-broken", "broken", 500)] {
        let path = format!("/v2/shop/{name}/referrers/");
        images.registry.fault(Fault::always("GET", &path, Effect::Status(status)));
        cases.push((case, pod(case, &images.pinned(name))));
    }
    cases
}

/// The files of the bundle.
fn bundle(images: &Images) -> Vec<String> {
    images.policies().iter().map(|(name, _)| format!("policies/base/{name}/policy.yaml")).collect()
}

#[test]
fn the_policy_for_older_versions_with_a_key() {
    judged_by_the_older_policy(Variant::Key);
}

#[test]
fn the_policy_for_older_versions_with_a_workflow() {
    judged_by_the_older_policy(Variant::Keyless);
}

/// Cases of the one policy that `--format kyverno-legacy` writes.
fn judged_by_the_older_policy(variant: Variant) {
    let images = Images::new(variant);
    images.render_as("kyverno-legacy", "legacy");
    let (good, bad) = (images.pinned("good"), images.pinned("unsigned"));
    let refused = ["unsigned", "only-sbom", "no-signature", "no-sbom", "no-provenance", "no-decision", "no-scan"];
    let more = ["stranger", "foreign-provenance", "failing-scan", "failing-scan-first", "failing-scan-last", "mallory"];
    let keyless = ["foreign-ref", "evil-repository", "other-workflow", "branch", "other-tag", "mallory-provenance"];
    let keyless = keyless.iter().filter(|_| variant == Variant::Keyless);
    let mut cases: Vec<(&'static str, Value)> =
        refused.iter().chain(&more).chain(keyless).map(|name| (*name, pod(name, &images.pinned(name)))).collect();
    cases.push(("borrowed", pod("borrowed", &images.borrowed())));
    cases.push(("init", with_init("init", &good, &bad)));
    cases.push(("volume", with_volume("volume", &good, &good)));
    cases.push(("deployment", workload("Deployment", "deployment", &bad)));
    let elsewhere = format!("{}/shop-evil/app@{}", images.registry.host(), images.digest);
    cases.push(("longer-repository", pod("longer-repository", &elsewhere)));
    let denied: Vec<&str> = cases.iter().map(|(name, _)| *name).collect();
    cases.push(("sealed", pod("sealed", &good)));
    // What the newer policies see and this one cannot: whose run a signature is of.
    if variant == Variant::Keyless {
        cases.push(("mallory-signature", pod("mallory-signature", &images.pinned("mallory-signature"))));
        // The policy cannot name an instance: Kyverno's own has to be this one, as --tufMirror and --tufRoot make it.
        let once = [("sealed", pod("sealed", &good))];
        let newer = ["policies/base/signature/policy.yaml".to_owned()];
        assert_eq!(apply(&images, &newer, &once).get("sealed"), Some(&Verdict::Admitted));
    }
    let verdicts = apply(&images, &["legacy/policy.yaml".to_owned()], &cases);
    for (name, _) in &cases {
        let verdict = verdicts.get(*name).unwrap_or_else(|| panic!("nothing is said of {name}"));
        println!("{name}: {}", format!("{verdict:?}").chars().take(300).collect::<String>());
        assert_eq!(*verdict == Verdict::Admitted, !denied.contains(name), "{name}: {verdict:?}");
    }
}

/// One run of the command line over everything, and what it reports of each object by its name.
fn apply(images: &Images, policies: &[String], cases: &[(&'static str, Value)]) -> BTreeMap<String, Verdict> {
    let home = images.path();
    let objects: Vec<String> = cases.iter().map(|(_, object)| object.to_string()).collect();
    std::fs::write(home.join("objects.yaml"), objects.join("\n---\n")).expect("objects");
    let mut command = Command::new(peer("SEALWRIGHT_KYVERNO_CLI"));
    command.current_dir(home).env("HOME", home).env("TUF_ROOT", home.join("tuf")).arg("apply");
    command.args(policies);
    command.args(["--resource", "objects.yaml", "--policy-report", "--output-format", "json", "--continue-on-fail"]);
    let said = say(&mut command);
    let mut denied: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let reports = said.stdout.lines().filter(|line| line.starts_with('{'));
    for report in reports.map(|line| serde_json::from_str::<Value>(line).expect("a report")) {
        for result in report["results"].as_array().into_iter().flatten() {
            let policy = result["policy"].as_str().unwrap_or_default();
            let outcome = result["result"].as_str().unwrap_or_default();
            for subject in result["resources"].as_array().into_iter().flatten() {
                let name = subject["name"].as_str().unwrap_or_default().to_owned();
                let messages = denied.entry(name).or_default();
                if !["pass", "skip"].contains(&outcome) && policy != "sealwright-scan-age" {
                    let message = result["message"].as_str().unwrap_or_default();
                    messages.push(format!("Policy {policy} {outcome}: {message}"));
                }
            }
        }
    }
    assert!(!denied.is_empty(), "no report\nstdout:\n{}\nstderr:\n{}", said.stdout, said.stderr);
    let verdict = |messages: Vec<String>| {
        if messages.is_empty() { Verdict::Admitted } else { Verdict::Denied(messages.join("; ")) }
    };
    denied.into_iter().map(|(name, messages)| (name, verdict(messages))).collect()
}
