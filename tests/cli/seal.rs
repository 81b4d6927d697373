//! The main job, and every way in which the gate says no.

use sealwright_loopback::authority::{Authority, workflow_claims};
use serde_json::{Value, json};

use crate::scene::{POLICY, Scene, seal_arguments};

#[test]
fn an_image_is_sealed_once_and_a_second_run_writes_nothing() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    let said = scene.seal(&source, &[]).expect(0, &["gate: passed", "verified 11 checks", "tagged   v1"]);
    assert_eq!(said.stdout.matches("signed ").count(), 6, "{}", said.stdout);
    let (manifests, blobs) = (scene.registry.manifests("acme/shop").len(), scene.registry.blobs("acme/shop").len());
    assert_eq!(manifests, 7, "the image and six statements");
    let again = scene.seal(&source, &[]).expect(0, &["kept "]);
    assert!(!again.stdout.contains("signed "), "{}", again.stdout);
    assert_eq!(
        (scene.registry.manifests("acme/shop").len(), scene.registry.blobs("acme/shop").len()),
        (manifests, blobs)
    );
    scene.verify(&["--policy", "policy.yaml", "--layers"]).expect(0, &["verified 12 checks"]);
}

#[test]
fn a_flaw_is_refused_before_anything_is_sent_and_a_waiver_is_named_everywhere() {
    let scene = Scene::new();
    let source = scene.image("image", "1.3-r0");
    scene
        .seal(&source, &[])
        .expect(3, &["refused", "gate.fail-on: CVE-2030-1 in zlib 1.3-r0 (critical)", "nothing was pushed"]);
    scene.is_untouched();
    assert!(scene.registry.requests().is_empty(), "{:?}", scene.registry.requests());
    let waiver = "  waivers: [{ id: CVE-2030-1, reason: \"not reachable\", owner: \"@sec\", expires: 2199-01-01 }]\n";
    let policy = POLICY.replace(
        "gate: { fail-on: critical, unknown-severity: report, max-advisory-age: off }\n",
        "gate:\n  fail-on: critical\n  max-advisory-age: off\n",
    );
    scene.write("policy.yaml", format!("{policy}{waiver}"));
    scene.seal(&source, &[]).expect(0, &["waived", "not reachable, @sec, until 2199-01-01"]);
    scene
        .verify(&["--policy", "policy.yaml"])
        .expect(0, &["waived      CVE-2030-1 in pkg:apk/alpine/zlib@1.3-r0", "not reachable (@sec, until 2199-01-01)"]);
    scene.write("policy.yaml", format!("{policy}{}", waiver.replace("2199", "2020")));
    scene.seal(&source, &[]).expect(3, &["gate.fail-on"]);
}

#[test]
fn a_secret_in_a_lower_layer_is_refused_although_an_upper_one_deletes_it() {
    let scene = Scene::new();
    let image = sealwright_testkit::image()
        .layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", "1.4-r0").file("app/.env", b"SECRET=hunter2").zstd())
        .layer(|l| l.whiteout("app/.env"));
    image.write_layout(&scene.path().join("image"), "latest");
    scene.seal("oci:image", &[]).expect(0, &[]);
    scene.write("policy.yaml", POLICY.replace("gate: {", "gate: { contents: { deny: [\"**/.env\"] },"));
    let said = scene.seal("oci:image", &[]).expect(3, &["gate.contents.deny: denied-content", "/app/.env"]);
    assert!(!said.stdout.contains("hunter2"));
}

#[test]
fn an_index_is_pushed_only_when_every_image_in_it_is_cleared() {
    let scene = Scene::new();
    let of = |platform: &str, zlib: &str| {
        sealwright_testkit::image().platform(platform).layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", zlib))
    };
    let mixed = sealwright_testkit::index(vec![of("linux/amd64", "1.4-r0"), of("linux/arm64", "1.3-r0")]);
    mixed.write_layout(&scene.path().join("mixed"), "latest");
    scene.seal("oci:mixed", &[]).expect(3, &["linux/amd64", "gate: passed", "linux/arm64", "gate: refused"]);
    scene.is_untouched();
    scene.seal("oci:mixed", &["--platform", "linux/s390x"]).expect(2, &["linux/s390x", "linux/amd64, linux/arm64"]);
    scene.is_untouched();
    scene.seal("oci:mixed", &["--platform", "linux/amd64"]).expect(0, &["linux/amd64"]);
    assert_eq!(scene.registry.manifests("acme/shop").len(), 7, "one image and six statements");

    let scene = Scene::new();
    let good = sealwright_testkit::index(vec![of("linux/amd64", "1.4-r0"), of("linux/arm64", "1.4-r1")])
        .with_buildkit_attestation();
    let root = good.write_layout(&scene.path().join("good"), "latest");
    let said = scene.seal("oci:good", &[]).expect(0, &["verified 12 checks"]);
    assert_eq!(said.stdout.matches("signed ").count(), 4 + 4 + 6, "{}", said.stdout);
    assert_eq!(scene.registry.tags("acme/shop")["v1"], root.digest);
    // The index, its three manifests, and fourteen statements.
    assert_eq!(scene.registry.manifests("acme/shop").len(), 18);
    scene.verify(&["--policy", "policy.yaml", "--layers"]).expect(0, &["images", "layers"]);
}

#[test]
fn what_cannot_be_right_is_refused_before_the_image_is_read() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.write("typo.yaml", "version: 1\nbuilders: [{ name: a, key: key.pub }]\ngate:\n  fail-onn: high\n");
    let with = |more: &[&str]| {
        let reference = scene.reference();
        scene.run(&[&["seal", &source, "--push", &reference, "--db", "db"][..], more].concat())
    };
    let key = ["--key", "key.pem", "--transparency", "none"];
    with(&[&key[..], &["--policy", "typo.yaml"]].concat()).expect(2, &["typo.yaml:4:3", "did you mean fail-on?"]);
    with(&["--policy", "policy.yaml", "--key", "key.pem"]).expect(2, &["--transparency none"]);
    with(&["--policy", "policy.yaml", "--transparency", "none"]).expect(2, &["needs --key"]);
    with(&["--policy", "policy.yaml"]).expect(2, &["--identity-token"]);
    with(&[&key[..], &["--policy", "absent.yaml"]].concat()).expect(2, &["absent.yaml could not be read"]);
    with(&["--policy", "policy.yaml", "--key", "key.pub", "--transparency", "none"])
        .expect(2, &["it is the public key"]);
    let elsewhere = ["seal", &source, "--push", "registry.example/x:v1", "--policy", "policy.yaml", "--db", "db"];
    scene.run(&[&elsewhere[..], &key[..]].concat()).expect(2, &["none of the images"]);
    let digest = format!("{}/x@sha256:{}", scene.registry.host(), "0".repeat(64));
    let pinned = ["seal", &source, "--push", &digest, "--policy", "policy.yaml", "--db", "db"];
    scene.run(&[&pinned[..], &key[..]].concat()).expect(2, &["names a digest"]);
    with(&[&key[..], &["--policy", "policy.yaml", "--nonsense"]].concat()).expect(2, &["--nonsense"]);
    let no_store = ["seal", &source, "--push", &scene.reference(), "--policy", "policy.yaml", "--db", "nowhere"];
    scene.run(&[&no_store[..], &key[..]].concat()).expect(2, &["no advisory store at nowhere", "db update"]);
    assert!(scene.registry.requests().is_empty());
}

#[test]
fn without_a_trust_file_the_built_in_rules_hold_and_say_so() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    let reference = scene.reference();
    let arguments = ["seal", &source, "--push", &reference, "--db", "db", "--key", "key.pem", "--transparency", "none"];
    // The one advisory is of 2024.
    scene.run(&arguments).expect(3, &["rules of built-in", "gate.max-advisory-age: stale-advisories"]);
    scene.is_untouched();
    scene.write("sealwright.yaml", POLICY);
    scene.run(&arguments).expect(0, &["rules of", "sealwright.yaml"]);
}

#[test]
fn the_report_is_json_for_machines_and_quiet_is_quiet() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    let said = scene.seal(&source, &["-o", "json", "-o", "text=report.txt", "--quiet"]).expect(0, &[]);
    assert_eq!(said.stderr, "");
    let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!((report["schema"].as_u64(), report["tag"].as_str()), (Some(1), Some("v1")));
    assert_eq!(report["statements"].as_array().map(Vec::len), Some(6));
    assert!(scene.path().join("report.txt").is_file());
    let said = scene.seal("oci:absent", &["--log-format", "json"]).expect(2, &[]);
    let error: Value = serde_json::from_str(said.stderr.lines().last().expect("a line")).expect("JSON");
    assert_eq!((error["level"].as_str(), error["exit"].as_u64()), (Some("error"), Some(2)));
}

/// Who holds a key says where an image is from: in a job, what the job's token names. A trust file may demand it.
#[test]
fn a_key_in_a_job_states_the_source_that_the_token_names() {
    let scene = Scene::new();
    let source = scene.image("fixed", "1.4-r0");
    let rules =
        POLICY.replace("key: key.pub", "source: { repository: acme/shop, repository-id: 123456 }, key: key.pub");
    assert_ne!(rules, POLICY);
    scene.write("policy.yaml", &rules);
    scene.seal(&source, &[]).expect(2, &["the token names the repository none"]);

    let authority = Authority::start().expect("authority");
    let sealed_by = |claims: &Value| {
        let job = authority.job(claims).expect("job");
        let variables = [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", job.request_url.as_str()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.request_token.as_str()),
        ];
        scene.run_with(&variables, &seal_arguments(&source, &scene.reference()))
    };
    let mut other = workflow_claims();
    other["repository"] = json!("mallory/shop");
    sealed_by(&other).expect(2, &["mallory/shop"]);
    // It runs on the branch, with what somebody else brought along.
    for event in ["pull_request_target", "workflow_run"] {
        let mut asked = workflow_claims();
        asked["event_name"] = json!(event);
        sealed_by(&asked).expect(2, &["the token names the repository none"]);
    }
    scene.is_untagged();
    sealed_by(&workflow_claims()).expect(0, &[]);
    scene.verify(&["--policy", "policy.yaml"]).expect(0, &[]);
    scene.write("policy.yaml", rules.replace("123456", "654321"));
    scene.verify(&["--policy", "policy.yaml"]).expect(4, &["123456"]);
}
