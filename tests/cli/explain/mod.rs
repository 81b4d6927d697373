//! `policy explain`: what enforcing would deny of images that are named.

mod cluster;
mod pods;

use sealwright_core::Digest;
use sealwright_loopback::authority::{LogVersion, workflow_claims};
use sealwright_loopback::registry::{Effect, Fault};
use sealwright_sign::KeySigner;
use serde_json::Value;

use crate::keyless::Keyless;
use crate::scene::{POLICY, Said, Scene};

const EXPLAIN: [&str; 4] = ["policy", "explain", "--policy", "policy.yaml"];

fn explain(scene: &Scene, more: &[&str]) -> Said {
    scene.run(&[&EXPLAIN[..], more].concat())
}

/// The document of an explanation that ends with this code.
#[track_caller]
fn document(scene: &Scene, code: i32, more: &[&str]) -> Value {
    let said = explain(scene, &[more, &["-o", "json"]].concat()).expect(code, &[]);
    serde_json::from_str(&said.stdout).expect("JSON")
}

fn sealed() -> Scene {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.seal(&source, &[]).expect(0, &[]);
    scene
}

/// Names of the policies that deny an image.
fn denied_by(image: &Value) -> Vec<&str> {
    image["denied_by"].as_array().expect("names").iter().map(|name| name.as_str().expect("a name")).collect()
}

const ALL_EVIDENCE: [&str; 5] =
    ["sealwright-signature", "sealwright-sbom", "sealwright-provenance", "sealwright-decision", "sealwright-scan"];

#[test]
fn what_was_sealed_is_admitted_by_tag_and_by_digest() {
    let scene = sealed();
    let (tag, digest) = (scene.reference(), scene.sealed());
    let pinned = format!("{}/acme/shop@{digest}", scene.registry.host());
    explain(&scene, &[&tag])
        .expect(0, &["admitted", "1 image: 1 admitted, 0 denied", "last one that the registry lists"]);
    let found = document(&scene, 0, &[&tag, &pinned]);
    assert_eq!((&found["schema"], &found["passed"]), (&1.into(), &true.into()));
    for (image, of) in found["images"].as_array().expect("images").iter().zip(["tag", "reference"]) {
        assert_eq!((&image["verdict"], &image["digest_of"]), (&"admitted".into(), &of.into()));
        assert_eq!(image["digest"], digest.to_string());
        let policies: Vec<_> =
            image["policies"].as_array().expect("policies").iter().map(|one| &one["outcome"]).collect();
        assert!(policies.len() == 8 && policies.iter().all(|outcome| **outcome == "passed"), "{policies:?}");
    }
    assert_eq!(found["images"][0]["admitted_as"], format!("{tag}@{digest}"));
    // The trust file is found as `seal` finds it.
    scene.write("sealwright.yaml", POLICY);
    scene.run(&["policy", "explain", &tag]).expect(0, &[]);
}

#[test]
fn what_has_no_evidence_is_denied_with_what_is_missing() {
    let scene = Scene::new();
    scene.put_image("v1");
    let said =
        explain(&scene, &[&scene.reference()]).expect(4, &["no signature of test", "no scan of test", "-> seal it"]);
    assert_eq!(said.stdout.matches("-> seal it").count(), 1, "advice is given once:\n{}", said.stdout);
    assert_eq!(denied_by(&document(&scene, 4, &[&scene.reference()])["images"][0]), ALL_EVIDENCE);
    // Of the index alone: what lies below it is for `verify`.
    scene.seal_index();
    let found = document(&scene, 0, &[&scene.reference()]);
    assert_eq!(found["images"][0]["digest"], scene.sealed().to_string());
}

#[test]
fn a_signer_that_nobody_named_is_nobody() {
    let scene = sealed();
    let (stranger, _) = KeySigner::generate().expect("key");
    scene.write("key.pub", stranger.public_pem());
    assert_eq!(denied_by(&document(&scene, 4, &[&scene.reference()])["images"][0]), ALL_EVIDENCE);
}

#[test]
fn an_image_that_no_evidence_is_asked_of_is_judged_without_asking_anybody() {
    let scene = Scene::new();
    // No registry of this name is there: whoever asked it would not come to a verdict.
    let image = "registry.invalid/mirror/nginx:1.29";
    let found = document(&scene, 4, &[image]);
    assert_eq!(denied_by(&found["images"][0]), ["sealwright-digest", "sealwright-registries"]);
    assert_eq!(found["images"][0]["policies"][0]["outcome"], "not-asked");
    let also = ["--also-allow", "registry.invalid/**"];
    assert_eq!(denied_by(&document(&scene, 4, &[&also[..], &[image]].concat())["images"][0]), ["sealwright-digest"]);
    let digest = Digest::of(b"nginx");
    let pinned = format!("{image}@{digest}");
    explain(&scene, &[&also[..], &[&pinned]].concat()).expect(0, &["1 admitted"]);
    scene.write("revoked.txt", format!("{digest} # CVE-2030-1\n"));
    let revoked = [&also[..], &["--revoked", "revoked.txt", &pinned]].concat();
    assert_eq!(denied_by(&document(&scene, 4, &revoked)["images"][0]), ["sealwright-revoked"]);
    // A short name is not the name that it stands for: the policies read what the Pod says.
    explain(&scene, &["--also-allow", "docker.io/**", "nginx"])
        .expect(4, &["sealwright-registries", "--also-allow PATTERN"]);
}

#[test]
fn of_two_statements_of_one_type_the_last_counts_and_both_are_named() {
    let scene = sealed();
    let failing = r#"{"scanner":{"result":{"outcome":"refuse","counts":{"refused":1}}},"metadata":{}}"#;
    scene.attest("vuln", failing);
    // `verify` counts any that fits.
    scene.verify(&["--policy", "policy.yaml"]).expect(0, &[]);
    let words =
        ["ambiguous", "2 statements of the type scan by test", "1 of them would be refused", "remove the others"];
    explain(&scene, &[&scene.reference()]).expect(4, &words);
    let found = document(&scene, 4, &[&scene.reference()]);
    assert_eq!(denied_by(&found["images"][0]), ["sealwright-scan"]);
    let ambiguity = &found["images"][0]["ambiguities"][0];
    assert_eq!(
        (&ambiguity["builder"], &ambiguity["count"], &ambiguity["refused"]),
        (&"test".into(), &2.into(), &1.into())
    );
    let referrers = scene.registry.manifests("acme/shop");
    for named in [&ambiguity["counts"], &ambiguity["others"][0]] {
        assert!(referrers.iter().any(|one| named == one.digest.to_string().as_str()), "{named} is a manifest");
    }
    assert_ne!(ambiguity["counts"], ambiguity["others"][0]);
}

#[test]
fn a_registry_that_does_not_answer_is_a_verdict_about_its_images_only() {
    let scene = sealed();
    scene.registry.put_manifest("acme/other", Some("v1"), "application/vnd.oci.image.manifest.v1+json", {
        scene.registry.manifests("acme/shop").into_iter().find(|one| one.digest == scene.sealed()).expect("image").bytes
    });
    let other = format!("{}/acme/other:v1", scene.registry.host());
    let (quick, shop) = (["--timeout", "3s"], scene.reference());
    for path in ["/v2/acme/other/referrers/", "/v2/acme/other/manifests/"] {
        scene.registry.fault(Fault::always("GET", path, Effect::Status(503)));
        scene.registry.fault(Fault::always("HEAD", path, Effect::Status(503)));
        let both = [&quick[..], &[&shop, &other]].concat();
        let words = ["not judged", "503", "until then it is denied", "1 admitted, 0 denied, 1 not judged"];
        explain(&scene, &both).expect(5, &words);
        let found = document(&scene, 5, &both);
        assert_eq!(found["images"][0]["verdict"], "unknown");
        assert_eq!(found["images"][1]["verdict"], "admitted");
    }
    // What is certainly denied decides.
    explain(&scene, &[&quick[..], &[&other, "nginx"]].concat()).expect(4, &["1 denied, 1 not judged"]);
    // An image that is not there cannot be judged either.
    explain(&scene, &[&format!("{}/acme/shop:gone", scene.registry.host())]).expect(5, &["not judged", "not found"]);
}

/// What the certificate claims besides its name Kyverno does not compare, and the report says so; what the statements say it does.
#[test]
fn less_of_a_certificate_is_compared_than_by_verify() {
    let keyless = Keyless::new(LogVersion::V2, &workflow_claims());
    keyless.seal().expect(0, &[]);
    let (scene, reference) = (&keyless.scene, keyless.scene.reference());
    let bytes = sealwright_core::bounded::read_file(&scene.path().join("policy.yaml"), 1 << 20).expect("trust file");
    let text = String::from_utf8(bytes).expect("text");
    let sealed_by =
        sealwright_policy::parse(text.as_bytes(), "policy.yaml", &|_| Err("none".into())).expect("rules").digest();
    let with = |from: &str, to: &str| {
        let text = text.replace("evidence: {", &format!("evidence: {{ decision: {{ policies: [\"{sealed_by}\"] }},"));
        assert!(text.contains(from), "{text}");
        scene.write("other.yaml", text.replace(from, to));
        let root = ["--policy", "other.yaml", "--trusted-root", "root.json"];
        scene.run(&[&["verify", &reference][..], &root].concat()).expect(4, &[]);
        scene.run(&[&["policy", "explain", &reference][..], &root].concat())
    };
    with("runner: github-hosted", "runner: self-hosted").expect(0, &["admitted", "`runner` stands in the certificate"]);
    with("acme/shop/.github", "mallory/shop/.github").expect(4, &["no signature of release"]);
    with("123456", "666").expect(4, &["names another source than acme/shop, repository id 666"]);
}

#[test]
fn it_looks_where_admission_looks() {
    let scene = sealed();
    let elsewhere = format!("{}/acme/evidence", scene.registry.host());
    let reference = scene.reference();
    let arguments = [&EXPLAIN[..], &[&reference]].concat();
    scene.run_with(&[("COSIGN_REPOSITORY", &elsewhere)], &arguments).expect(0, &["COSIGN_REPOSITORY is left aside"]);
}

#[test]
fn what_is_missing_on_the_command_line_is_said() {
    let scene = Scene::new();
    explain(&scene, &[]).expect(2, &["IMAGE"]);
    scene.run(&["policy", "explain", "nginx"]).expect(2, &["there is no trust file here"]);
    explain(&scene, &["Not A Reference"]).expect(2, &["repository name"]);
    explain(&scene, &["nginx", "--from-cluster"]).expect(2, &["cannot be used with"]);
    for flag in ["--context", "--namespace"] {
        explain(&scene, &["nginx", flag, "x"]).expect(2, &["cannot be used with"]);
        explain(&scene, &["--pods", "pods.json", flag, "x"]).expect(2, &["cannot be used with"]);
    }
    explain(&scene, &["--pods", "gone.json"]).expect(2, &["gone.json could not be read"]);
    scene.write("policy.yaml", "version: 1\n");
    explain(&scene, &["nginx"]).expect(2, &[]);
}
