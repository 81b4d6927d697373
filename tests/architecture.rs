//! The layers of `ARCHITECTURE.md`, read from `cargo metadata`: nobody uses a crate of the same or a higher layer, and async
//! runtimes and HTTP clients stay where they belong.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "metadata of another shape fails the test")]

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

/// Who may use what opens sockets.
const HOMES: [(&str, &[&str]); 4] = [
    (
        "tokio",
        &[
            "sealwright",
            "sealwright-registry",
            "sealwright-sign",
            "sealwright-ecr",
            "sealwright-feed",
            "sealwright-github",
            "sealwright-loopback",
        ],
    ),
    (
        "reqwest",
        &[
            "sealwright-registry",
            "sealwright-sign",
            "sealwright-ecr",
            "sealwright-feed",
            "sealwright-trust",
            "sealwright-github",
        ],
    ),
    ("axum", &["sealwright-loopback"]),
    ("clap", &["sealwright"]),
];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What is wrong with the packages of a workspace.
fn violations(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |package: &Value| package["name"].as_str().unwrap_or_default().to_owned();
    let layers: BTreeMap<String, Option<u64>> =
        packages.iter().map(|p| (name(p), p["metadata"]["sealwright"]["layer"].as_u64())).collect();
    let mut wrong = Vec::new();
    for package in packages {
        let own = name(package);
        let Some(layer) = layers[&own] else {
            wrong.push(format!("{own} has no layer"));
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            // Development dependencies build nothing that is shipped.
            if !dependency["kind"].is_null() {
                continue;
            }
            let used = name(dependency);
            if let Some(Some(below)) = layers.get(&used)
                && *below >= layer
            {
                wrong.push(format!("{own} (layer {layer}) uses {used} (layer {below})"));
            }
            if let Some((_, homes)) = HOMES.iter().find(|(guarded, _)| *guarded == used)
                && !homes.contains(&own.as_str())
            {
                wrong.push(format!("{own} uses {used}, which belongs to {}", homes.join(", ")));
            }
        }
    }
    wrong
}

#[test]
fn nobody_uses_a_crate_of_the_same_or_a_higher_layer() {
    let metadata = metadata();
    let count = metadata["packages"].as_array().map_or(0, Vec::len);
    assert!(count >= 20, "only {count} packages were looked at");
    assert_eq!(violations(&metadata), Vec::<String>::new());
}

#[test]
fn the_check_finds_what_it_is_for() {
    let package = |name: &str, layer: Option<u64>, uses: &[&str]| {
        let uses: Vec<Value> = uses.iter().map(|u| json!({ "name": u, "kind": null })).collect();
        json!({ "name": name, "metadata": { "sealwright": { "layer": layer } }, "dependencies": uses })
    };
    let of = |packages: Vec<Value>| violations(&json!({ "packages": packages }));
    let below = || package("below", Some(1), &[]);
    assert!(of(vec![below(), package("above", Some(2), &["below"])]).is_empty());
    assert_eq!(of(vec![below(), package("beside", Some(1), &["below"])]), ["beside (layer 1) uses below (layer 1)"]);
    assert_eq!(of(vec![package("none", None, &[])]), ["none has no layer"]);
    assert!(of(vec![package("x", Some(1), &["tokio"])])[0].contains("tokio"));
}
