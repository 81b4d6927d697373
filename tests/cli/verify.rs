//! Verification: by whom, of what, and after every change.

use std::io::Write as _;

use sealwright_sign::KeySigner;
use serde_json::Value;

use crate::scene::{ADVISORY, POLICY, Scene};

fn sealed() -> Scene {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.seal(&source, &[]).expect(0, &[]);
    scene
}

const KEY: [&str; 4] = ["--key", "key.pub", "--transparency", "none"];

#[test]
fn it_has_to_be_said_whose_signature_counts() {
    let scene = sealed();
    scene.verify(&[]).expect(2, &["whose signature counts", "--policy"]);
    scene.verify(&["--certificate-identity", "me"]).expect(2, &["whose signature counts"]);
    scene.verify(&["--certificate-oidc-issuer", "x"]).expect(2, &["whose signature counts"]);
    scene
        .verify(&["--key", "key.pub", "--tuf", "http://127.0.0.1:9"])
        .expect(5, &["127.0.0.1:9", "--trusted-root FILE"]);
    scene.verify(&["--policy", "policy.yaml", "--key", "key.pub"]).expect(2, &["cannot be used with"]);
    for unheard in
        ["--certificate-oidc-issuer", "--certificate-oidc-issuer-regexp", "--certificate-github-workflow-ref"]
    {
        scene.verify(&["--policy", "policy.yaml", unheard, "x"]).expect(2, &["cannot be used with"]);
        scene.verify(&[&KEY[..], &[unheard, "x"]].concat()).expect(2, &["cannot be used with"]);
    }
    scene.verify(&["--certificate-github-repository-id", "7"]).expect(2, &["whose signature counts"]);
    scene.verify(&KEY).expect(0, &["5  signature"]);
    scene.verify(&[&KEY[..], &["--type", "nonsense"]].concat()).expect(2, &["nonsense", "cyclonedx"]);
    for kind in ["cyclonedx", "spdxjson", "vuln", "slsaprovenance1", "https://slsa.dev/verification_summary/v1"] {
        scene.verify(&[&KEY[..], &["--type", kind]].concat()).expect(0, &["6  statement"]);
    }
    let openvex = [&KEY[..], &["--type", "openvex"]].concat();
    scene.verify(&openvex).expect(4, &["no statement of type"]);
    scene.attest("openvex", r#"{"@context":"https://openvex.dev/ns/v0.2.0","statements":[]}"#);
    scene.verify(&openvex).expect(0, &["6  statement"]);
    scene.verify(&["--policy", "policy.yaml", "--type", "openvex"]).expect(2, &["cannot be used with"]);
}

#[test]
fn a_statement_is_found_by_either_spelling_of_spdx() {
    let scene = Scene::new();
    scene.put_image("v1");
    scene.attest("https://spdx.dev/Document/v2.3", r#"{"spdxVersion":"SPDX-2.3","name":"app"}"#);
    for kind in ["spdx", "spdxjson", "https://spdx.dev/Document", "https://spdx.dev/Document/v2.3"] {
        scene.verify(&[&KEY[..], &["--type", kind]].concat()).expect(0, &["6  statement"]);
        let download = ["download", "sbom", &scene.reference(), "--type", kind];
        scene.run(&download).expect(0, &["SPDX-2.3"]);
    }
    scene.verify(&[&KEY[..], &["--type", "cyclonedx"]].concat()).expect(4, &["no statement of type"]);
}

#[test]
fn older_provenance_is_judged_as_the_newer_is() {
    let scene = Scene::new();
    scene.put_image("v1");
    let kept =
        "evidence: { signature: optional, decision: optional, sbom: { required: false }, scan: { required: false } }";
    scene.write("policy.yaml", POLICY.replace("gate:", &format!("{kept}\ngate:")));
    let provenance = |parameters: &str| {
        format!(
            r#"{{"builder":{{"id":"https://ci.example"}},"buildType":"https://ci.example/v1",
            "invocation":{{"configSource":{{"uri":"git+https://github.com/acme/shop"}},"parameters":{parameters}}}}}"#
        )
    };
    scene.attest("slsaprovenance02", &provenance(r#"{"debug":true}"#));
    scene.verify(&["--policy", "policy.yaml"]).expect(4, &["19  provenance-parameters", "external parameters debug"]);
    scene.attest("slsaprovenance02", &provenance("{}"));
    scene.verify(&["--policy", "policy.yaml"]).expect(0, &["ok      13  provenance"]);
}

#[test]
fn an_image_needs_as_many_signers_as_its_trust_file_says() {
    let scene = Scene::new();
    let (second, private) = KeySigner::generate().expect("key");
    scene.write("second.pem", private.expose());
    scene.write("second.pub", second.public_pem());
    let builders =
        "{ name: test, key: key.pub, transparency: none }, { name: security, key: second.pub, transparency: none }";
    let policy = POLICY.replace("{ name: test, key: key.pub, transparency: none }", builders);
    let evidence = "evidence: { signature: { threshold: 2 } }";
    scene.write("policy.yaml", policy.replace("gate:", &format!("{evidence}\ngate:")));
    scene.seal(&scene.image("image", "1.4-r0"), &[]).expect(0, &["v1 names it now"]);
    let missing = ["FAILED  17  signers", "2 different signers are asked for, found 1"];
    scene.verify(&["--policy", "policy.yaml"]).expect(4, &missing);
    let reference = scene.reference();
    let sign = |key: &str| {
        let who = ["sign", &reference, "--key", key, "--transparency", "none", "-a", "by=me"];
        scene.run(&who).expect(0, &[]);
    };
    sign("key.pem");
    scene.verify(&["--policy", "policy.yaml"]).expect(4, &missing);
    sign("second.pem");
    scene.verify(&["--policy", "policy.yaml"]).expect(0, &["ok      17  signers"]);
}

#[test]
fn what_is_known_today_refuses_what_passed_yesterday() {
    let scene = sealed();
    scene.verify(&["--policy", "policy.yaml"]).expect(0, &["20  scan-today", "--db was not given"]);
    scene.verify(&["--policy", "policy.yaml", "--db", "db"]).expect(0, &["ok      20  scan-today"]);
    scene.verify(&[&KEY[..], &["--db", "db"]].concat()).expect(2, &["cannot be used with"]);
    scene.verify(&["--db", "db"]).expect(2, &["--policy"]);
    scene.verify(&["--policy", "policy.yaml", "--db", "absent"]).expect(2, &["sealwright db update"]);
    // A record that appeared after the seal: what was sealed has the flaw too.
    let record = ADVISORY.replace("ALPINE-CVE-2030-1", "ALPINE-CVE-2030-2").replace("CVE-2030-1", "CVE-2030-2");
    scene.write("new.json", record.replace("1.4-r0", "1.5-r0"));
    scene.run(&["db", "import", "new.json", "--db", "today"]).expect(0, &[]);
    let today = ["--policy", "policy.yaml", "--db", "today"];
    let why = ["FAILED  20  scan-today", "today's gate refuses", "CVE-2030-2 in zlib 1.4-r0"];
    scene.verify(&today).expect(4, &why);
    // A waiver of today counts, because the digest of the rules leaves waivers out.
    let waivers = "gate: { waivers: [{ id: CVE-2030-2, reason: not reachable }],";
    scene.write("policy.yaml", POLICY.replace("gate: {", waivers));
    scene.verify(&today).expect(0, &["ok      20  scan-today"]);
    // Without an SBOM of a builder there is nothing to judge, and that is no pass.
    scene.put_image("v1");
    scene.verify(&today).expect(4, &["FAILED  20  scan-today", "there is no verified SBOM"]);
}

#[test]
fn of_an_index_every_image_is_judged_by_today() {
    let scene = Scene::new();
    scene.seal_index();
    scene
        .verify(&["--policy", "policy.yaml", "--db", "db"])
        .expect(0, &["ok      15  images", "ok      20  scan-today"]);
    // One image has 1.4-r0, the other 1.4-r1.
    scene.write("new.json", ADVISORY.replace("1.4-r0", "1.4-r1"));
    scene.run(&["db", "import", "new.json", "--db", "today"]).expect(0, &[]);
    let why = ["ok      15  images", "FAILED  20  scan-today", "zlib 1.4-r0"];
    scene.verify(&["--policy", "policy.yaml", "--db", "today"]).expect(4, &why);
}

#[test]
fn every_check_is_explained_with_its_place_in_the_reference() {
    let scene = sealed();
    let said = scene.verify(&["--policy", "policy.yaml", "--explain"]).expect(0, &[]);
    for info in sealwright_verify::CHECKS {
        assert!(said.stdout.contains(&info.anchor()) && said.stdout.contains(info.meaning), "{}", said.stdout);
    }
    let reference = include_str!("../../docs/reference/checks.md");
    for info in sealwright_verify::CHECKS {
        assert!(reference.contains(&format!("## {}. {}\n", info.number, info.name)), "{}", info.name);
    }
}

#[test]
fn another_key_another_policy_and_no_evidence_are_exit_4() {
    let scene = sealed();
    let (other, _) = KeySigner::generate().expect("key");
    scene.write("other.pub", other.public_pem());
    scene.verify(&["--key", "other.pub", "--transparency", "none"]).expect(4, &["FAILED   2  signer", "NOT VERIFIED"]);
    scene.write("other.yaml", POLICY.replace("key.pub", "other.pub"));
    scene.verify(&["--policy", "other.yaml"]).expect(4, &["signer"]);
    scene.write("stricter.yaml", POLICY.replace("fail-on: critical", "fail-on: low"));
    scene.verify(&["--policy", "stricter.yaml"]).expect(4, &["decision-policy"]);
    scene.write("fresh.yaml", POLICY.replace("gate:", "evidence: { scan: { max-age: 1h } }\ngate:"));
    // The digest of the rules covers the evidence too, so that this is another policy.
    scene.verify(&["--policy", "fresh.yaml"]).expect(4, &["decision-policy"]);
    let bare = format!("{}/acme/absent:v1", scene.registry.host());
    scene.run(&["verify", &bare, "--policy", "policy.yaml"]).expect(5, &["not found"]);
}

#[test]
fn every_changed_byte_is_noticed() {
    let scene = sealed();
    let manifests = scene.registry.manifests("acme/shop");
    let image = scene.registry.tags("acme/shop")["v1"];
    for manifest in &manifests {
        let mut changed = manifest.bytes.to_vec();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        scene.registry.alter(manifest.digest, changed);
        scene.verify(&["--policy", "policy.yaml"]).expect(4, &[]);
        scene.registry.alter(manifest.digest, manifest.bytes.clone());
    }
    let mut changed = 0;
    for manifest in manifests.iter().filter(|m| m.digest != image) {
        let bundle: sealwright_core::Digest =
            manifest.json()["layers"][0]["digest"].as_str().expect("digest").parse().expect("digest");
        let bytes = get(&scene, &format!("/v2/acme/shop/blobs/{bundle}"));
        let mut altered = bytes.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        scene.registry.alter(bundle, altered);
        scene.verify(&["--policy", "policy.yaml"]).expect(4, &[]);
        scene.registry.alter(bundle, bytes);
        changed += 1;
    }
    scene.verify(&["--policy", "policy.yaml"]).expect(0, &[]);
    assert_eq!((manifests.len(), changed), (7, 6));
}

/// A body over HTTP/1.0, by hand.
fn get(scene: &Scene, path: &str) -> Vec<u8> {
    let mut stream = std::net::TcpStream::connect(scene.registry.address()).expect("registry");
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("request");
    let answer = sealwright_core::bounded::read_all(stream, 1 << 20).expect("answer");
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("headers");
    answer[end + 4..].to_vec()
}

#[test]
fn a_changed_layer_is_noticed_with_layers_only() {
    let scene = sealed();
    let image = scene.registry.tags("acme/shop")["v1"];
    let manifest = scene.registry.manifests("acme/shop").into_iter().find(|m| m.digest == image).expect("image");
    let layer: sealwright_core::Digest =
        manifest.json()["layers"][0]["digest"].as_str().expect("digest").parse().expect("digest");
    let size = scene.registry.blobs("acme/shop")[&layer];
    scene.registry.alter(layer, vec![0; usize::try_from(size).expect("size")]);
    scene.verify(&["--policy", "policy.yaml"]).expect(0, &["--layers was not given"]);
    scene.verify(&["--policy", "policy.yaml", "--layers"]).expect(4, &["16  layers", "does not match its digest"]);
}

#[test]
fn the_report_is_json_for_machines() {
    let scene = sealed();
    let said = scene.verify(&["--policy", "policy.yaml", "-o", "json"]).expect(0, &[]);
    let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!((report["schema"].as_u64(), report["passed"].as_bool()), (Some(1), Some(true)));
    let checks = report["report"]["checks"].as_array().expect("checks");
    assert!(
        checks.iter().any(|c| c["name"] == "signature" && c["number"] == 5 && c["outcome"] == "passed"),
        "{checks:?}"
    );
    assert_eq!(report["report"]["builder"], "test");
}

#[test]
fn the_images_of_an_index_are_judged_by_the_builder_of_the_index_only() {
    let scene = Scene::new();
    let (second, private) = KeySigner::generate().expect("key");
    scene.write("second.pem", private.expose());
    scene.write("second.pub", second.public_pem());
    let one = "{ name: test, key: key.pub, transparency: none }";
    scene.write(
        "policy.yaml",
        POLICY.replace(one, &format!("{one}, {{ name: second, key: second.pub, transparency: none }}")),
    );
    scene.seal_index();
    let by_first = scene.registry.manifests("acme/shop");
    let reference = scene.reference();
    let seal = ["seal", "oci:index", "--push", &reference, "--policy", "policy.yaml", "--db", "db"];
    scene.run(&[&seal[..], &["--key", "second.pem", "--transparency", "none"]].concat()).expect(0, &[]);
    scene.verify(&["--policy", "policy.yaml"]).expect(0, &["15  images"]);
    // The index keeps the evidence of the first, its images that of the second.
    let root = scene.sealed().to_string();
    for manifest in scene.registry.manifests("acme/shop") {
        let document = manifest.json();
        let Some(subject) = document["subject"]["digest"].as_str() else { continue };
        let first = by_first.iter().any(|m| m.digest == manifest.digest);
        if (subject == root) != first {
            scene.registry.alter(manifest.digest, "{}");
        }
    }
    let said = scene.verify(&["--policy", "policy.yaml", "-o", "json"]).expect(4, &[]);
    let report: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(report["report"]["builder"], "test");
    let checks = report["report"]["checks"].as_array().expect("checks");
    let failed: Vec<_> = checks.iter().filter(|c| c["outcome"] == "failed").map(|c| c["name"].clone()).collect();
    assert_eq!(failed, ["images"], "{report}");
}
