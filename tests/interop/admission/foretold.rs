//! What `policy explain` says of the same objects, before anybody is asked.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::images::Images;
use super::rows::Verdict;
use crate::peer::{say, sealwright};

/// The verdict about each object by its name: a Pod, or the template of one. An image that could not be judged is denied.
pub(crate) fn foretold(images: &Images, cases: &[(&'static str, Value)]) -> BTreeMap<String, Verdict> {
    let pods: Vec<Value> = cases.iter().map(|(name, object)| as_pod(name, object)).collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": pods });
    std::fs::write(images.path().join("pods.json"), list.to_string()).expect("pods");
    let mut command = sealwright(images.path());
    command.args(["policy", "explain", "--policy", "policy.yaml", "--pods", "pods.json", "-o", "json"]);
    command.args(["--revoked", "revoked.txt", "--timeout", "3s"]).args(images.signer.instance());
    let said = say(&mut command).expect_code(4);
    let report: Value = serde_json::from_str(&said.stdout).expect("a report");
    let mut messages: BTreeMap<String, Vec<String>> =
        cases.iter().map(|(name, _)| ((*name).to_owned(), vec![])).collect();
    for image in report["images"].as_array().expect("images") {
        let denials: Vec<String> = image["policies"].as_array().expect("policies").iter().filter_map(denial).collect();
        assert_eq!(denials.is_empty(), image["verdict"] == "admitted", "{image:#}");
        for user in image["used_by"].as_array().expect("users") {
            let name = user["name"].as_str().expect("a name");
            messages.get_mut(name).expect("a case").extend(denials.iter().cloned());
        }
    }
    let verdict = |messages: Vec<String>| {
        if messages.is_empty() { Verdict::Admitted } else { Verdict::Denied(messages.join("; ")) }
    };
    messages.into_iter().map(|(name, messages)| (name, verdict(messages))).collect()
}

fn as_pod(name: &str, object: &Value) -> Value {
    let spec = object.pointer("/spec/template/spec").unwrap_or(&object["spec"]);
    json!({ "kind": "Pod", "metadata": { "namespace": "shop", "name": name }, "spec": spec })
}

/// What a policy says that denies.
fn denial(policy: &Value) -> Option<String> {
    let denies = policy["action"] == "deny" && ["refused", "unknown"].iter().any(|word| policy["outcome"] == *word);
    let why: Vec<&str> = policy["why"].as_array()?.iter().filter_map(Value::as_str).collect();
    denies.then(|| format!("Policy {} fail: {}", policy["policy"].as_str().unwrap_or_default(), why.join("; ")))
}
