//! The chain of custody on one page: what stands on it, in four forms, and what never does.

use sealwright_core::bounded::read_file;
use sealwright_loopback::authority::{LogVersion, workflow_claims};
use serde_json::{Value, json};

use crate::keyless::{IDENTITY, Keyless};
use crate::scene::{POLICY, Said, Scene};

/// A flaw that nobody knew at build time.
const LATER: &str = r#"{"id":"ALPINE-CVE-2031-2","modified":"2025-01-01T00:00:00Z","upstream":["CVE-2031-2"],
"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
"affected":[{"package":{"ecosystem":"Alpine:v3.20","name":"zlib"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.5-r0"}]}]}]}"#;

fn prove(scene: &Scene, more: &[&str]) -> Said {
    let reference = scene.reference();
    scene.run(&[&["prove", &reference][..], more].concat())
}

fn json(scene: &Scene, more: &[&str], exit: i32) -> Value {
    let said = prove(scene, &[more, &["-o", "json"]].concat()).expect(exit, &[]);
    serde_json::from_str(&said.stdout).expect("JSON")
}

const ALL: [&str; 8] =
    ["-o", "text=proof.txt", "-o", "markdown=proof.md", "-o", "html=proof.html", "-o", "json=proof.json"];

/// All four forms, as they were written.
fn forms(scene: &Scene, more: &[&str], exit: i32) -> [String; 4] {
    prove(scene, &[more, &ALL].concat()).expect(exit, &[]);
    ["txt", "md", "html", "json"].map(|end| {
        let bytes = read_file(&scene.path().join(format!("proof.{end}")), 1 << 20).expect(end);
        String::from_utf8(bytes).expect("text")
    })
}

/// What differs from run to run: addresses, digests, keys and times.
fn steady(text: &str, scene: &Scene) -> String {
    let text = text.replace(&scene.registry.host(), "REGISTRY");
    let mut words = String::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let is_hex = word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        words.push_str(if is_hex && (word.len() == 12 || word.len() == 64) { "HEX" } else { &word });
        word.clear();
        words.push(c);
    }
    words.trim_end().to_owned()
}

/// Every tag is one of these, is closed in order, and has plain attributes. A stricter reader than a browser.
fn check_html(html: &str) {
    const VOID: [&str; 1] = ["meta"];
    let body = html.strip_prefix("<!DOCTYPE html>").expect("doctype");
    let mut open: Vec<String> = Vec::new();
    for tag in body.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect(tag);
        assert!(!text.contains('>'), "a > is not escaped: {text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "</{name}> closes another");
            continue;
        }
        let name = tag.split([' ', '/']).next().expect("name").to_owned();
        let allowed = "html head meta title style body header h1 h2 h3 p main section dl div dt dd span bdi a table caption thead tbody tr th td ol ul li small pre code footer";
        assert!(allowed.split(' ').any(|one| one == name), "<{tag}> is not ours");
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
        for attribute in tag.split(' ').filter_map(|part| part.split_once('=')).map(|(key, _)| key) {
            assert!(!attribute.starts_with("on") && attribute != "src" && attribute != "style", "<{tag}>");
        }
        if !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
    assert!(
        html.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"")
    );
    assert!(!html.to_lowercase().contains("<script") && !html.contains("url(") && !html.contains("@import"));
    for link in html.split("href=\"").skip(1) {
        assert!(link.starts_with("https://github.com/acme/shop/"), "{link:.60}");
    }
}

fn sealed() -> Scene {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.seal(&source, &[]).expect(0, &[]);
    scene
}

const BY_POLICY: [&str; 4] = ["--policy", "policy.yaml", "--db", "db"];

#[test]
fn an_image_that_a_key_sealed_is_on_one_page_in_every_form() {
    let scene = sealed();
    let [text, markdown, html, document] = forms(&scene, &BY_POLICY, 0);
    check_html(&html);
    for word in [
        "verified: 11 checks hold",
        "= the trust file",
        "1 apk",
        "cosign verify --key key.pub --insecure-ignore-tlog=true",
    ] {
        for (form, text) in [("text", &text), ("markdown", &markdown), ("html", &html)] {
            assert!(text.contains(word), "{word:?} is not in the {form}:\n{text}");
        }
    }
    assert!(text.contains("gh reads no bundles that a key signed") && text.contains("own words"), "{text}");
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!((document["schema"].as_u64(), document["passed"].as_bool()), (Some(1), Some(true)));
    assert_eq!(document["sboms"][0]["packages"], json!({ "apk": 1 }));
    assert_eq!(document["signatures"].as_array().map(Vec::len), Some(6));
    assert_eq!(document["decision"]["same_rules"], true);
    assert_eq!(document["scans"]["difference"], json!({ "new": [], "gone": [] }));
    assert_eq!(document.get("source"), None);
}

#[test]
fn a_flaw_that_became_known_after_the_build_is_named() {
    let scene = sealed();
    scene.write("later.json", LATER);
    scene.run(&["db", "import", "later.json", "advisory.json", "--db", "today"]).expect(0, &[]);
    let words = ["not scanned today", "there is no advisory store at"];
    prove(&scene, &["--policy", "policy.yaml"]).expect(0, &words);
    prove(&scene, &["--policy", "policy.yaml", "--db", "absent"]).expect(2, &["there is no advisory store at"]);
    let words = ["new since the build: CVE-2031-2 in zlib 1.4-r0 (critical), fixed in 1.5-r0", "no flaw", "1 critical"];
    let today = ["--policy", "policy.yaml", "--db", "today"];
    prove(&scene, &today).expect(0, &words);
    let proof = json(&scene, &today, 0);
    assert_eq!(proof["scans"]["difference"]["new"][0]["id"], "CVE-2031-2");
    assert_eq!(proof["scans"]["today"]["flaws"]["critical"], 1);
    assert_eq!(proof["scans"]["then"]["flaws"]["critical"], 0);
}

#[test]
fn a_keyless_image_shows_commit_run_log_entries_and_the_life_of_the_certificate() {
    for (log, source) in [(LogVersion::V1, "the log"), (LogVersion::V2, "a timestamp authority")] {
        let keyless = Keyless::new(log, &workflow_claims());
        keyless.seal().expect(0, &[]);
        let scene = &keyless.scene;
        let flags = ["--policy", "policy.yaml", "--trusted-root", "root.json", "--db", "db"];
        let [text, _, html, document] = forms(scene, &flags, 0);
        check_html(&html);
        let commit = "https://github.com/acme/shop/commit/3f786850e387550fdab836ed7e6dc881de23001b";
        let run = "https://github.com/acme/shop/actions/runs/42/attempts/1";
        assert!(
            html.contains(&format!("<a href=\"{commit}\"")) && html.contains(&format!("<a href=\"{run}\"")),
            "{html}"
        );
        for word in [
            commit,
            "acme/shop, id 123456",
            "refs/heads/main",
            "github-hosted",
            "SLSA level    2",
            IDENTITY,
            source,
            "file root.json",
            "--certificate-identity https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main",
            "gh attestation verify oci://",
            "--repo acme/shop --bundle-from-oci",
            "slsa-verifier knows the builders of slsa-github-generator only",
        ] {
            assert!(text.contains(word), "{word:?} is not in:\n{text}");
        }
        let document: Value = serde_json::from_str(&document).expect("JSON");
        assert_eq!(document["source"]["proof"], "certificate");
        let mut indexes = Vec::new();
        for signature in document["signatures"].as_array().expect("signatures") {
            let entry = &signature["log_entries"][0];
            indexes.push(entry["index"].as_u64().expect("index"));
            // Which log it is, only a log of version 1 promises.
            let named = entry["log"].as_str().is_some_and(|log| log.starts_with("http://rekor-v1"));
            assert_eq!(named, log == LogVersion::V1, "{entry}");
            let time = |key: &str| signature[key].as_str().expect(key).to_owned();
            assert!(time("valid_from") <= time("time") && time("time") <= time("valid_until"), "{signature}");
        }
        indexes.sort_unstable();
        assert_eq!(indexes.windows(2).filter(|pair| pair[0] == pair[1]).count(), 0, "{indexes:?}");
        assert_eq!(indexes.len(), 6);
        // Without a trust file: one signer and what it says.
        let issuer = keyless.authority.issuer();
        let plain =
            ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", issuer, "--trusted-root", "root.json"];
        prove(scene, &plain).expect(0, &["judged by a trust file only", "no trust file was given to compare with"]);
    }
}

#[test]
fn what_does_not_verify_is_left_aside_and_missing_and_the_page_is_written() {
    let scene = sealed();
    let sbom = scene.registry.manifests("acme/shop").into_iter().find(|manifest| {
        manifest.json()["annotations"]["dev.sigstore.bundle.predicateType"] == "https://cyclonedx.org/bom"
    });
    let bundle = sbom.expect("SBOM").json()["layers"][0]["digest"].as_str().expect("digest").parse().expect("digest");
    let size = usize::try_from(scene.registry.blobs("acme/shop")[&bundle]).expect("size");
    scene.registry.alter(bundle, vec![b' '; size]);
    let [text, markdown, html, document] = forms(&scene, &BY_POLICY, 4);
    check_html(&html);
    for form in [&text, &markdown, &html] {
        for word in ["NOT VERIFIED", "does not match", "sbom does not hold: there is no cyclonedx document"] {
            assert!(form.contains(word), "{word:?} is not in:\n{form}");
        }
    }
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["passed"], false);
    assert_eq!(document["sboms"].as_array().map(Vec::len), Some(1), "SPDX is left");
    assert_eq!(document["left_aside"].as_array().map(Vec::len), Some(1));
}

#[test]
fn statements_of_others_are_on_no_page() {
    let scene = sealed();
    let (other, _) = sealwright_sign::KeySigner::generate().expect("key");
    scene.write("other.pub", other.public_pem());
    let [text, _, html, document] = forms(&scene, &["--key", "other.pub", "--transparency", "none", "--db", "db"], 4);
    check_html(&html);
    let document: Value = serde_json::from_str(&document).expect("JSON");
    for absent in ["source", "build", "decision"] {
        assert_eq!(document.get(absent), None, "{absent}");
    }
    assert_eq!((&document["sboms"], &document["signatures"]), (&json!([]), &json!([])));
    assert_eq!(document["left_aside"].as_array().map(Vec::len), Some(6));
    for word in
        ["no SBOM:", "no scan", "no decision:", "no provenance:", "no signature:", "nothing that cosign could accept"]
    {
        assert!(text.contains(word), "{word:?} is not in:\n{text}");
    }
}

#[test]
fn an_image_with_a_signature_alone_says_what_is_missing() {
    let scene = Scene::new();
    scene.put_image("v1");
    let reference = scene.reference();
    scene.run(&["sign", &reference, "--key", "key.pem", "--transparency", "none"]).expect(0, &[]);
    let key = ["--key", "key.pub", "--transparency", "none"];
    let words = ["verified: ", "no SBOM: nobody says what is in the image", "no decision:", "not scanned today"];
    prove(&scene, &key).expect(0, &words);
    prove(&scene, &BY_POLICY).expect(4, &["NOT VERIFIED", "check 10 sbom does not hold"]);
}

#[test]
fn every_image_of_an_index_has_its_own_result() {
    let scene = Scene::new();
    scene.seal_index();
    scene.write("later.json", LATER);
    scene.run(&["db", "import", "later.json", "advisory.json", "--db", "today"]).expect(0, &[]);
    let proof = json(&scene, &["--policy", "policy.yaml", "--db", "today"], 0);
    let images = proof["subject"]["images"].as_array().expect("images");
    let listed: Vec<_> = images.iter().map(|i| (i["platform"].as_str(), i["result"]["outcome"].as_str())).collect();
    let passed = Some("passed");
    assert_eq!(listed, [(Some("linux/amd64"), passed), (Some("linux/arm64"), passed)]);
    let new = proof["scans"]["difference"]["new"].as_array().expect("new");
    let versions: Vec<_> = new.iter().map(|flaw| flaw["version"].as_str().expect("version")).collect();
    assert_eq!(versions, ["1.4-r0", "1.4-r1"], "the packages of both images are matched");
    let digest = images[1]["digest"].as_str().expect("digest");
    // One image loses its evidence.
    for manifest in scene.registry.manifests("acme/shop") {
        if manifest.json()["subject"]["digest"] == digest {
            scene.registry.alter(manifest.digest, b"{}".to_vec());
        }
    }
    prove(&scene, &BY_POLICY).expect(4, &["linux/arm64", "NOT VERIFIED"]);
    let plain = ["--key", "key.pub", "--transparency", "none"];
    prove(&scene, &plain).expect(0, &["demanded by a trust file only"]);
}

#[test]
fn hostile_text_of_the_right_signer_steers_no_form() {
    const HOSTILE: &str =
        "</code><script>alert(1)</script> `x` ``` | [a](javascript:b) \u{1b}[2J \u{202e}\u{2066} '; id #";
    let scene = Scene::new();
    scene.put_image("v1");
    let reference = scene.reference();
    let key = ["--key", "key.pem", "--transparency", "none"];
    scene.run(&[&["sign", &reference][..], &key].concat()).expect(0, &[]);
    let finding = json!({ "vulnerability": {
        "id": HOSTILE, "aliases": [], "severity": "critical", "known_exploited": true,
        "package": { "name": HOSTILE, "version": HOSTILE, "purl": "pkg:apk/alpine/a@1" },
        "fix": { "state": "fixed-in", "version": HOSTILE }, "evidence": [],
    } });
    let statements = [
        (
            "vuln",
            json!({
                "scanner": { "uri": HOSTILE, "version": HOSTILE, "result": { "findings": [finding], "database": { "newest": HOSTILE } } },
                "metadata": { "scanStartedOn": "2026-01-01T00:00:00Z", "scanFinishedOn": "2026-01-01T00:00:00Z" },
            }),
        ),
        (
            "cyclonedx",
            json!({
                "bomFormat": "CycloneDX", "specVersion": "1.6",
                "components": [{ "type": "library", "name": HOSTILE, "version": HOSTILE, "purl": "pkg:npm/x@1" }],
            }),
        ),
        (
            "slsaprovenance1",
            json!({
                "buildDefinition": { "buildType": HOSTILE, "externalParameters": { "workflow": { "path": HOSTILE } } },
                "runDetails": { "builder": { "id": HOSTILE }, "metadata": { "invocationId": "https://github.com/acme/shop/actions/runs/1" } },
            }),
        ),
        (
            "https://slsa.dev/verification_summary/v1",
            json!({
                "verifier": { "id": HOSTILE }, "timeVerified": HOSTILE, "verificationResult": HOSTILE, "verifiedLevels": [HOSTILE],
                "policy": { "uri": HOSTILE, "digest": { "sha256": HOSTILE } },
                "sealwright_waivers": [{ "id": HOSTILE, "package": HOSTILE, "reason": HOSTILE, "owner": HOSTILE, "expires": HOSTILE }],
            }),
        ),
        ("https://example.test/<script>", json!({})),
    ];
    for (kind, predicate) in &statements {
        scene.write("predicate.json", predicate.to_string());
        let arguments = ["attest", &reference, "--type", kind, "--predicate", "predicate.json"];
        scene.run(&[&arguments[..], &key].concat()).expect(0, &[]);
    }
    let [text, markdown, html, document] =
        forms(&scene, &["--key", "key.pub", "--transparency", "none", "--db", "db"], 0);
    check_html(&html);
    assert!(!html.contains("href="), "a key proves no address: {html}");
    assert!(html.contains("&lt;script&gt;alert(1)"), "{html}");
    for form in [&text, &markdown, &html] {
        assert!(form.chars().all(|c| c == '\n' || !c.is_control()), "{form}");
        assert!(!form.contains(['\u{202e}', '\u{2066}']), "{form}");
        assert!(form.contains("\\u{202e}"), "{form}");
    }
    // In Markdown it stands in a code span with a longer fence, and no cell ends early.
    assert!(markdown.contains("```` </code><script>"), "{markdown}");
    for row in markdown.lines().filter(|line| line.starts_with("| ")) {
        assert!(!row.replace("\\|", "").contains("``` | [a]"), "{row}");
    }
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["decision"]["result"], HOSTILE, "JSON keeps it as it is");
}

#[test]
fn it_has_to_be_said_whose_evidence_counts() {
    let scene = sealed();
    prove(&scene, &[]).expect(2, &["whose signature counts"]);
    scene.write("elsewhere.yaml", POLICY.replace("127.0.0.1:*/**", "registry.example/**"));
    prove(&scene, &["--policy", "elsewhere.yaml"]).expect(2, &["none of the images"]);
    prove(&scene, &["--policy", "policy.yaml", "-o", "pdf"]).expect(2, &["text, markdown, html, json"]);
}

#[test]
fn the_page_reads_as_it_did() {
    let scene = sealed();
    let [text, markdown, _, document] = forms(&scene, &BY_POLICY, 0);
    let json: Value = serde_json::from_str(&document).expect("JSON");
    golden("key.txt", include_str!("golden/prove.key.txt"), &text, &scene);
    golden("key.md", include_str!("golden/prove.key.md"), &markdown, &scene);
    golden("key.json", include_str!("golden/prove.key.json"), &pretty(json), &scene);

    let keyless = Keyless::new(LogVersion::V1, &workflow_claims());
    keyless.seal().expect(0, &[]);
    let flags = ["--policy", "policy.yaml", "--trusted-root", "root.json", "--db", "db"];
    let [text, markdown, _, document] = forms(&keyless.scene, &flags, 0);
    let json: Value = serde_json::from_str(&document).expect("JSON");
    let log = json["signatures"][0]["log_entries"][0]["log_id"].as_str().expect("log").to_owned();
    let steady = |text: &str| text.replace(&log, "LOG").replace(keyless.authority.issuer(), "ISSUER");
    golden("keyless.txt", include_str!("golden/prove.keyless.txt"), &steady(&text), &keyless.scene);
    golden("keyless.md", include_str!("golden/prove.keyless.md"), &steady(&markdown), &keyless.scene);
    golden("keyless.json", include_str!("golden/prove.keyless.json"), &steady(&pretty(json)), &keyless.scene);
}

#[track_caller]
fn golden(name: &str, expected: &str, found: &str, scene: &Scene) {
    let found = times_away(&steady(found, scene));
    assert_eq!(found, expected.trim_end(), "tests/cli/golden/prove.{name}");
}

/// With `TIME` for every time.
fn pretty(mut document: Value) -> String {
    fn walk(value: &mut Value) {
        match value {
            Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => *text = "TIME".to_owned(),
            Value::Array(list) => list.iter_mut().for_each(walk),
            Value::Object(members) => members.values_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut document);
    serde_json::to_string_pretty(&document).expect("JSON")
}

/// `2026-11-30 18:08:11 UTC` and `18:08:11` are times of the run.
fn times_away(text: &str) -> String {
    let mut out: Vec<char> = Vec::new();
    for c in text.chars() {
        out.push(c);
        let shape: String = out.iter().rev().take(8).rev().map(|c| if c.is_ascii_digit() { '0' } else { *c }).collect();
        if shape == "00:00:00" {
            out.truncate(out.len() - 8);
            let date: String =
                out.iter().rev().take(11).rev().map(|c| if c.is_ascii_digit() { '0' } else { *c }).collect();
            if date == "0000-00-00 " {
                out.truncate(out.len() - 11);
            }
            out.extend("TIME".chars());
        }
    }
    out.into_iter().collect()
}
