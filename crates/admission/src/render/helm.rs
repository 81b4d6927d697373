//! The same objects as a Helm chart: what differs between clusters is a value, and everything else stays as it was rendered.
//!
//! The objects lie beside the templates as files, so that nothing in them is read as a template. The action has no default: a
//! chart that is installed in the belief that it denies must not only report.

use std::fmt::Write as _;

use serde_json::json;

use super::object::Object;
use super::yaml::Node;

const TEMPLATE: &str = include_str!("helm/policies.yaml");
const NOTES: &str = include_str!("helm/NOTES.txt");
const VALUES: &str = include_str!("helm/values.yaml");

/// The chart's name, and its folder's: `helm lint` asks for both to be the same.
pub(super) const NAME: &str = "sealwright-policies";

/// The files of the chart, without what is said above each.
pub(super) fn chart(objects: Vec<Object>, trust_file: &str) -> Vec<(String, String)> {
    let names: Vec<&'static str> = objects.iter().map(|object| object.name).collect();
    let mut files = vec![
        ("Chart.yaml".to_owned(), about(trust_file).document()),
        ("values.yaml".to_owned(), VALUES.to_owned()),
        ("values.schema.json".to_owned(), schema(&names)),
        ("templates/policies.yaml".to_owned(), TEMPLATE.replace("POLICIES", &quoted(&names))),
        ("templates/NOTES.txt".to_owned(), NOTES.replace("POLICIES", &quoted(&names))),
    ];
    let policy = |object: Object| (format!("policies/{}.yaml", object.name), object.node(trust_file).document());
    files.extend(objects.into_iter().map(policy));
    files
}

/// As a template's list. No name of a policy has a quote.
fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" ")
}

/// `Chart.yaml` (Helm, "Charts": the version is one of SemVer 2). `kubeVersion` is what Kyverno 1.19 is tested with, and newer.
fn about(trust_file: &str) -> Node {
    Node::map([
        ("apiVersion", Some(Node::text("v2"))),
        ("name", Some(Node::text(NAME))),
        (
            "description",
            Some(Node::text(
                "Kyverno's policies that admit only images which were sealed by the rules of one trust file.",
            )),
        ),
        ("type", Some(Node::text("application"))),
        ("version", Some(Node::text(env!("CARGO_PKG_VERSION")))),
        ("kubeVersion", Some(Node::text(">=1.33.0-0"))),
        ("annotations", Some(Node::map([("sealwright.dev/trust-file", Some(Node::text(trust_file)))]))),
    ])
}

/// `values.schema.json` (JSON Schema draft 7, which both versions of Helm read): a misspelled name of a policy is refused.
fn schema(names: &[&str]) -> String {
    let action = json!({ "enum": ["Audit", "Deny"] });
    let actions: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), action.clone())).collect();
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart sealwright-policies",
        "type": "object",
        "additionalProperties": false,
        "required": ["action"],
        "properties": {
            "global": { "description": "What a parent chart gives all of its parts; not read here.", "type": "object" },
            "action": action,
            "actions": { "type": "object", "additionalProperties": false, "properties": actions },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
        },
    });
    let mut text = String::new();
    let _ = writeln!(text, "{schema:#}");
    text
}
