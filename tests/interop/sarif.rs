//! Microsoft's SARIF Multitool, the validator of the format's editors, reads what we write: the rules of the standard, and those of
//! GitHub's code scanning (`Ghas`). Neither an error nor a warning is accepted. Notes are not asked for: they want code snippets
//! and friendly names.

use std::path::Path;
use std::process::Command;

use sealwright_core::bounded::read_file;
use serde_json::{Value, json};

use crate::peer::{peer, say, sealwright};

/// What the validator reports about a document, as `rule: place`.
fn reported(home: &Path, name: &str) -> Vec<String> {
    let mut validate = Command::new(peer("SEALWRIGHT_SARIF_MULTITOOL"));
    validate.args(["validate", name, "--rule-kind", "Sarif;Ghas", "--level", "Error;Warning"]);
    validate.arg("--config").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/sarif/rules.xml"));
    // What is larger than it expects is passed over.
    validate.args(["--log", "ForceOverwrite", "-o", "validated.sarif", "--max-file-size-in-kb", "100000"]);
    let said = say(validate.current_dir(home).env("HOME", home).env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1"));
    assert!(matches!(said.code(), 0 | 1), "{}\n{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("1 files scanned"), "{}\n{}", said.stdout, said.stderr);
    let log = read_file(&home.join("validated.sarif"), 64 << 20).expect("log");
    let log: Value = serde_json::from_slice(&log).expect("JSON");
    let run = &log["runs"][0];
    let results = run["results"].as_array().cloned().unwrap_or_default();
    results.iter().map(|result| format!("{}: {}", result["ruleId"], result["message"])).collect()
}

fn document(home: &Path, name: &str) -> Value {
    serde_json::from_slice(&read_file(&home.join(name), 64 << 20).expect(name)).expect("JSON")
}

/// A home with so many advisories for zlib, of every severity.
fn home(flaws: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    let home = folder.path();
    let vectors = [
        Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
        Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"),
        Some("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N"),
        None,
    ];
    let records: Vec<String> = (0..flaws).map(|number| format!("{number}.json")).collect();
    for (number, name) in records.iter().enumerate() {
        let mut record = json!({
            "id": format!("ALPINE-CVE-2031-{number}"), "modified": "2031-01-01T00:00:00Z",
            "upstream": [format!("CVE-2031-{number}")],
            "summary": "A [link](https://evil.example) with {0}, `marks` and <b>tags</b>\u{202e}",
            "affected": [{ "package": { "ecosystem": "Alpine:v3.20", "name": "zlib" },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "9.9-r0" }] }] }],
        });
        if let Some(vector) = vectors[number % vectors.len()] {
            record["severity"] = json!([{ "type": "CVSS_V3", "score": vector }]);
        }
        std::fs::write(home.join(name), record.to_string()).expect("record");
    }
    say(sealwright(home).args(["db", "import", "--db", "db"]).args(&records)).expect_code(0);
    folder
}

#[test]
fn a_scan_of_every_kind_of_finding_is_valid() {
    let folder = home(12);
    let home = folder.path();
    let image = sealwright_testkit::image()
        .layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", "1.3.1-r1").file("a b/%[.env", b"x").gzip());
    image.write_layout(&home.join("image"), "latest");
    let policy = "version: 1\nbuilders: [{ name: test, key: key.pub, transparency: none }]\n\
        gate:\n  fail-on: high\n  contents: { deny: [\"**/*.env\"] }\n  max-advisory-age: off\n  \
        waivers: [{ id: CVE-2031-0, reason: \"not reachable\", owner: ops, expires: 2199-01-01 }]\n";
    std::fs::write(home.join("policy.yaml"), policy).expect("policy");
    let scan = ["scan", "oci:image", "--db", "db", "--policy", "policy.yaml", "-o", "sarif=scan.sarif"];
    say(sealwright(home).args(scan)).expect_code(3);
    let scanned = document(home, "scan.sarif");
    let results = scanned["runs"][0]["results"].as_array().expect("results");
    assert!(results.len() == 13 && results.iter().any(|result| result["ruleId"] == "denied-content"), "{results:?}");
    assert_eq!(reported(home, "scan.sarif"), Vec::<String>::new());
    // The oracle can refuse: code scanning wants a place and help, the standard an index of a rule that is there.
    for (pointer, value, rule) in [
        ("/results/0/locations", json!([]), "GH1017"),
        ("/tool/driver/rules/0/help", Value::Null, "GH2012"),
        ("/results/0/ruleIndex", json!(99), "SARIF1009"),
    ] {
        let mut broken = scanned.clone();
        *broken.pointer_mut(&format!("/runs/0{pointer}")).expect(pointer) = value;
        std::fs::write(home.join("broken.sarif"), broken.to_string()).expect("document");
        let said = reported(home, "broken.sarif");
        assert!(said.iter().any(|line| line.contains(rule)), "{rule}: {said:?}");
    }
}

#[test]
fn more_findings_than_code_scanning_keeps_are_valid() {
    let folder = home(5_010);
    let home = folder.path();
    let image = sealwright_testkit::image().layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", "1.3.1-r1"));
    image.write_layout(&home.join("image"), "latest");
    let scan = ["scan", "oci:image", "--db", "db", "-o", "sarif=scan.sarif"];
    let said = say(sealwright(home).args(scan)).expect_code(0);
    assert!(said.stderr.contains("the 5000 worst findings of linux/"), "{}", said.stderr);
    let mut document = document(home, "scan.sarif");
    assert_eq!(document["runs"][0]["results"].as_array().map(Vec::len), Some(5_000));
    assert_eq!(document["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array().map(Vec::len), Some(1));
    // One error in the last result shows that all of it was read, and is the only one.
    document["runs"][0]["results"][4_999]["ruleIndex"] = json!(99_999);
    std::fs::write(home.join("scan.sarif"), document.to_string()).expect("document");
    let said = reported(home, "scan.sarif");
    assert!(said.len() == 1 && said[0].contains("SARIF1009"), "{said:?}");
}

#[test]
fn a_refused_index_is_valid() {
    let folder = home(4);
    let home = folder.path();
    let of = |platform: &str| {
        let image = sealwright_testkit::image().platform(platform);
        image.layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", "1.3.1-r1"))
    };
    let index = sealwright_testkit::index(vec![of("linux/amd64"), of("linux/arm64")]);
    index.write_layout(&home.join("index"), "latest");
    let (signer, private) = sealwright_sign::KeySigner::generate().expect("key");
    std::fs::write(home.join("key.pem"), private.expose()).expect("key");
    std::fs::write(home.join("key.pub"), signer.public_pem()).expect("key");
    let policy = "version: 1\nbuilders: [{ name: test, key: key.pub, transparency: none }]\n\
        gate: { fail-on: critical, max-advisory-age: off }\n";
    std::fs::write(home.join("policy.yaml"), policy).expect("policy");
    let registry = sealwright_loopback::registry::Registry::start(Default::default()).expect("registry");
    let push = format!("{}/acme/shop:v1", registry.host());
    let mut seal = sealwright(home);
    seal.args(["seal", "oci:index", "--push", &push, "--db", "db", "--policy", "policy.yaml", "--key", "key.pem"]);
    say(seal.args(["--transparency", "none", "-o", "sarif=seal.sarif"])).expect_code(3);
    assert_eq!(document(home, "seal.sarif")["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(reported(home, "seal.sarif"), Vec::<String>::new());
}
