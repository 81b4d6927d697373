//! The published schema against the parser.

use sealwright_policy::json_schema;
use serde_json::{Value, json};

fn accepts(document: &Value) -> bool {
    jsonschema::validator_for(&json_schema()).expect("a schema").is_valid(document)
}

#[test]
fn the_schema_takes_right_files_and_refuses_typos() {
    let right = json!({
        "version": 1,
        "images": ["registry.example/**"],
        "builders": [
            { "name": "a", "key": "k.pub", "transparency": "none" },
            { "name": "b", "source": { "repository": "o/r", "refs": ["refs/heads/main"] },
              "keyless": { "issuer": "github", "identity-regexp": "^a$", "runner": "github-hosted" } },
            { "name": "c", "source": { "owner-id": 7 },
              "keyless": { "issuer": "github", "identity": ["a", "b"], "triggers": ["push"] } },
        ],
        "evidence": { "signature": { "threshold": 2, "of": ["a"] }, "decision": { "verifiers": ["https://v.example"] },
                      "provenance": { "parameters": ["inputs"] }, "sbom": { "formats": ["spdx"] }, "scan": { "max-age": "7d" } },
        "gate": { "fail-on": "high", "max-advisory-age": "off", "contents": { "deny": ["**/.env"] },
                  "waivers": [{ "id": "CVE-1", "reason": "r", "expires": "2027-01-31" }] },
    });
    assert!(accepts(&right));
    for (pointer, value) in [
        ("/version", json!(2)),
        ("/gate/fail-on", json!("hihg")),
        ("/gate/max-advisory-age", json!("5 days")),
        ("/builders", json!([])),
        ("/builders/1/keyless/identity-regexp", json!("a")),
        ("/evidence/signature", json!(true)),
        ("/evidence/signature/threshold", json!(0)),
        ("/evidence/signature/of", json!([])),
        ("/builders/2/keyless/identity", json!([])),
        ("/builders/2/keyless/triggers", json!(["*"])),
        ("/gate/waivers/0/reason", json!("")),
    ] {
        let mut wrong = right.clone();
        *wrong.pointer_mut(pointer).expect(pointer) = value;
        assert!(!accepts(&wrong), "{pointer}");
    }
    let mut unknown = right;
    unknown["gate"]["grace"] = json!({ "high": "14d" });
    assert!(!accepts(&unknown));
}
