//! The JSON Schema of the trust file, for editors.

use sealwright_core::Severity;
use serde_json::{Value, json};

/// The schema (JSON Schema 2020-12). It says what can be written; what fits together is checked when the file is read.
pub fn json_schema() -> Value {
    let fail_or_report = json!({ "enum": ["fail", "report"] });
    let severity = json!({ "enum": Severity::ALL.map(Severity::word) });
    let age = json!({ "anyOf": [{ "type": "string", "pattern": "^([1-9][0-9]*[dh]|off)$" }, { "const": false }] });
    let patterns = json!({ "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1 } });
    let required = json!({ "enum": ["required", "optional"] });
    let flag = json!({ "type": "boolean" });
    let text = json!({ "type": "string", "minLength": 1 });
    let evidence = object(
        "Which statements an image has to have; what is left out is required",
        &[],
        json!({
            "signature": { "anyOf": [required, object("So many different signers", &[], json!({
                "threshold": { "type": "integer", "minimum": 1 },
                "of": { "type": "array", "minItems": 1, "items": text, "description": "Names of builders; all if it is left out" },
            }))] },
            "decision": { "anyOf": [required, object("By these too", &[], json!({
                "policies": {
                    "type": "array", "items": { "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" },
                    "description": "Digests of trust files that this one replaces",
                },
                "verifiers": { "type": "array", "items": text, "description": "The verifier.id of other tools that judge by these rules" },
            }))] },
            "sbom": object("SBOM", &[], json!({
                "required": flag,
                "formats": { "type": "array", "minItems": 1, "items": { "enum": ["cyclonedx", "spdx"] } },
            })),
            "scan": object("Scan; older ones than max-age do not count", &[], json!({ "required": flag, "max-age": age })),
            "provenance": object("SLSA provenance", &[], json!({
                "required": flag, "level": { "type": "integer", "minimum": 0, "maximum": 3 },
                "parameters": {
                    "type": "array", "items": text,
                    "description": "External parameters that may be there beside those of a build type that is known",
                },
            })),
        }),
    );
    let workflow = object(
        "A GitHub workflow at one of these tags or commits",
        &["path"],
        json!({
            "path": text, "tags": patterns,
            "commits": { "type": "array", "items": { "type": "string", "pattern": "^[0-9a-f]{40}$" } },
            "level": { "type": "integer", "minimum": 0, "maximum": 3 },
        }),
    );
    let keyless = object(
        "What the signer's certificate has to say",
        &["issuer"],
        json!({
            "issuer": text, "identity": { "anyOf": [text, { "type": "array", "minItems": 1, "items": text }] },
            "identity-regexp": { "type": "string", "pattern": "^\\^.*\\$$" },
            "workflow": workflow, "runner": { "enum": ["github-hosted", "self-hosted"] },
            "triggers": {
                "type": "array", "minItems": 1, "items": { "type": "string", "pattern": "^[a-z_]+$" },
                "description": "Events that may have started the workload; all but pull requests if it is left out",
            },
        }),
    );
    let source = object(
        "Which source the statements have to name",
        &[],
        json!({
            "repository": text, "repository-id": { "type": "integer", "minimum": 0 },
            "owner-id": { "type": "integer", "minimum": 0 }, "refs": patterns,
        }),
    );
    let builder = object(
        "One that may sign and attest",
        &["name"],
        json!({
            "name": text, "source": source, "keyless": keyless,
            "key": { "type": "string", "minLength": 1, "description": "A public key file (PEM), relative to this file" },
            "transparency": { "enum": ["required", "none"] }, "evidence": evidence,
        }),
    );
    let waiver = object(
        "A finding that is accepted",
        &["id", "reason"],
        json!({
            "id": text, "package": { "type": "string", "pattern": "^pkg:" }, "reason": text, "owner": text,
            "expires": { "type": "string", "format": "date" },
        }),
    );
    let gate = object(
        "What the gate refuses",
        &[],
        json!({
            "fail-on": severity, "unknown-severity": fail_or_report, "known-exploited": fail_or_report,
            "only-fixed": flag, "unknown-distro": fail_or_report, "max-advisory-age": age,
            "contents": object("Paths that no layer may hold", &[], json!({ "deny": patterns })),
            "waivable": { "type": "array", "items": severity },
            "waivers": { "type": "array", "items": waiver },
        }),
    );
    let mut schema = object(
        "Who may build, which evidence is required, and what the gate refuses",
        &["version"],
        json!({
            "version": { "const": 1 },
            "extends": object("The file whose rules this one may only tighten", &["file", "sha256"], json!({
                "file": text, "sha256": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
            })),
            "images": patterns,
            "builders": { "type": "array", "minItems": 1, "items": builder },
            "evidence": evidence,
            "gate": gate,
        }),
    );
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        members.insert("$id".into(), "https://sealwright.dev/sealwright.schema.json".into());
        members.insert("title".into(), "Sealwright trust file".into());
    }
    schema
}

fn object(description: &str, required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object", "description": description, "required": required, "additionalProperties": false,
        "properties": properties,
    })
}
