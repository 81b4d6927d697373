//! `-o sarif` and `-o markdown`: what code scanning and people on GitHub get to read.

use std::path::Path;

use sealwright_core::bounded::read_file;
use serde_json::Value;

use crate::scene::{POLICY, Scene};

/// What the official schema says is wrong with a document.
fn errors(document: &Value) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas/sarif-schema-2.1.0.json");
    let schema: Value = serde_json::from_slice(&read_file(&path, 1 << 20).expect("schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("schema");
    validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

fn text(scene: &Scene, name: &str) -> String {
    String::from_utf8(read_file(&scene.path().join(name), 1 << 20).expect(name)).expect("text")
}

fn sarif(scene: &Scene, name: &str) -> Value {
    let document: Value = serde_json::from_str(&text(scene, name)).expect("JSON");
    assert_eq!(errors(&document), Vec::<String>::new());
    document
}

fn categories(document: &Value) -> Vec<&str> {
    let runs = document["runs"].as_array().expect("runs");
    runs.iter().filter_map(|run| run["automationDetails"]["id"].as_str()).collect()
}

/// The same image is scanned where it was built and sealed for two platforms.
#[test]
fn a_scan_and_a_refused_seal_say_the_same_to_code_scanning() {
    let scene = Scene::new();
    let of = |platform: &str, zlib: &str| {
        let image = sealwright_testkit::image().platform(platform);
        image.layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", zlib))
    };
    let index = sealwright_testkit::index(vec![of("linux/amd64", "1.3-r0"), of("linux/arm64", "1.2-r0")]);
    index.write_layout(&scene.path().join("index"), "latest");
    let said = scene.seal(
        "oci:index",
        &["-o", "sarif=seal.sarif", "-o", "markdown=seal.md", "-o", "annotations=seal.txt", "-o", "text"],
    );
    said.expect(3, &["nothing was pushed"]);
    let sealed = sarif(&scene, "seal.sarif");
    let image = scene.reference().replace(":v1", "");
    let category = |platform: &str| format!("sealwright/{image}/{platform}/");
    assert_eq!(categories(&sealed), [category("linux/amd64"), category("linux/arm64")]);
    for run in sealed["runs"].as_array().expect("runs") {
        let result = &run["results"][0];
        assert_eq!((result["ruleId"].as_str(), result["level"].as_str()), (Some("CVE-2030-1"), Some("error")));
        let uri = result.pointer("/locations/0/physicalLocation/artifactLocation/uri");
        assert_eq!(uri.and_then(Value::as_str), Some("lib/apk/db/installed"));
        assert!(result["message"]["text"].as_str().is_some_and(|text| text.contains("Refused by gate.fail-on")));
    }
    // Another version of the package on another platform: the same package and flaw.
    let print = |run: usize| &sealed["runs"][run]["results"][0]["partialFingerprints"];
    assert_eq!(print(0), print(1));
    let summary = text(&scene, "seal.md");
    assert!(summary.starts_with("## ❌ Refused: nothing was pushed, signed or tagged\n"), "{summary}");
    assert!(summary.contains("| `/lib/apk/db/installed` | linux/arm64 | `gate.fail-on` |"), "{summary}");
    let lines = text(&scene, "seal.txt");
    let line = |version: &str, platform: &str| {
        let title = format!("CVE-2030-1 in zlib {version}");
        format!("::error title={title}::severity critical, fixed in 1.4-r0, refused by gate.fail-on, {platform}\n")
    };
    assert_eq!(lines, line("1.2-r0", "linux/arm64") + &line("1.3-r0", "linux/amd64"));
    let scan = ["scan", "oci:index", "--db", "db", "--platform", "linux/arm64", "-o", "sarif=scan-{platform}.sarif"];
    scene.run(&[&scan[..], &["--fail-on", "critical", "-o", "markdown-comment"]].concat()).expect(
        3,
        &[
            "## ❌ Scan refused",
            "**1 refused**, 0 waived, 0 reported",
            "| **critical** | `zlib` | `1.2-r0` | `1.4-r0` |",
        ],
    );
    let scanned = sarif(&scene, "scan-linux-arm64.sarif");
    assert_eq!(categories(&scanned), ["sealwright/oci:index/linux/arm64/"]);
    assert_eq!(&scanned["runs"][0]["results"][0]["partialFingerprints"], print(1));
}

#[test]
fn a_waiver_is_a_suppression_and_what_is_sealed_is_summed_up() {
    let scene = Scene::new();
    let source = scene.image("image", "1.3-r0");
    let gate = "gate:\n  fail-on: critical\n  max-advisory-age: off\n  waivers: [{ id: CVE-2030-1, reason: \"not @reachable\", owner: ops, expires: 2199-01-01 }]\n";
    let start = POLICY.find("gate:").expect("gate");
    scene.write("policy.yaml", format!("{}{gate}", &POLICY[..start]));
    scene.seal(&source, &["-o", "sarif=a.sarif", "-o", "markdown=a.md"]).expect(0, &[]);
    let document = sarif(&scene, "a.sarif");
    let suppression = &document["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!(suppression["justification"], "not @reachable, ops, until 2199-01-01");
    let summary = text(&scene, "a.md");
    for words in [
        "## ✅ Sealed",
        "`v1` names it",
        "Waived flaws (1)",
        "```sh\nsealwright verify ",
        "`not @reachable`, by `ops`",
        "Statements (6)",
    ] {
        assert!(summary.contains(words), "{words}: {summary}");
    }
    let verified = scene.verify(&["--policy", "policy.yaml", "-o", "markdown"]).expect(0, &["## ✅ Verified"]);
    assert!(verified.stdout.contains("| ✅ | 5 signature |  |"), "{}", verified.stdout);
    let key = ["--key", "key.pub", "--transparency", "none", "--type", "openvex", "-o", "markdown-comment"];
    scene.verify(&key).expect(4, &["## ❌ Not verified", "| ❌ | 6 statement | `", "Statements that count (6)"]);
}

#[test]
fn a_document_without_findings_closes_alerts_and_the_schema_can_refuse() {
    let scene = Scene::new();
    let source = scene.image("image", "1.4-r0");
    scene.run(&["scan", &source, "--db", "db", "-o", "sarif=a.sarif"]).expect(0, &[]);
    let mut document = sarif(&scene, "a.sarif");
    assert_eq!(document["runs"][0]["results"].as_array().map(Vec::len), Some(0));
    document["runs"][0]["results"] = serde_json::json!([{ "ruleId": "x", "level": "bad" }]);
    assert!(!errors(&document).is_empty());
}
