//! A role of Vault against a token that names nobody: whatever it is, it is judged, and a bound claim is never met by nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_workload::Claims;
use sealwright_workload::vault::Role;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(role) = Role::parse(data) else { return };
    let nobody = Claims::of_json(br#"{"aud":"vault"}"#).expect("claims");
    let evaluation = role.evaluate(&nobody);
    let document: Value = serde_json::from_slice(data).expect("JSON");
    let role = document.get("data").unwrap_or(&document);
    let bound = role.get("bound_claims").and_then(Value::as_object);
    let names =
        bound.into_iter().flat_map(|bound| bound.keys()).filter(|name| !["aud", "/aud"].contains(&name.as_str()));
    for name in names {
        assert!(evaluation.differences.iter().any(|difference| difference.claim == *name), "{name}");
    }
});
