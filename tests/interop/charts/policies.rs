//! `charts/sealwright-policies`: what both versions of Helm render is what `policies/base` says, but for the action and the labels.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use sealwright_core::bounded::read_all;
use serde_json::{Value, json};

use super::{HELM, documents, root, template};
use crate::peer::{sealwright, text_of};

const CHART: &str = "sealwright-policies";

/// The objects of `policies/base` by their names.
fn base() -> BTreeMap<String, Value> {
    let mut objects = BTreeMap::new();
    for entry in fs::read_dir(root().join("policies/base")).expect("policies") {
        let file = entry.expect("an entry").path().join("policy.yaml");
        for object in file.exists().then(|| documents(&text_of(&file))).into_iter().flatten() {
            objects.insert(name(&object), object);
        }
    }
    assert!(objects.len() >= 12, "{:?}", objects.keys());
    objects
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().expect("a name").to_owned()
}

/// What Helm renders, by name: the action, and the object with the action and the labels of `policies/base`.
fn rendered(variable: &str, home: &Path, flags: &[&str]) -> BTreeMap<String, (Value, Value)> {
    let base = base();
    let said = template(variable, home, CHART, ("1.36", flags)).expect_code(0);
    let objects = documents(&said.stdout).into_iter().map(|mut object| {
        let name = name(&object);
        let own = base.get(&name).unwrap_or_else(|| panic!("{name} is not in policies/base"));
        let labels = object["metadata"]["labels"].take();
        for (key, value) in own["metadata"]["labels"].as_object().expect("labels") {
            assert_eq!(labels[key], *value, "{name}: {key}");
        }
        assert_eq!(labels["app.kubernetes.io/managed-by"], "Helm", "{name}");
        object["metadata"]["labels"] = own["metadata"]["labels"].clone();
        let action = object["spec"]["validationActions"].take();
        object["spec"]["validationActions"] = own["spec"]["validationActions"].clone();
        (name, (action, object))
    });
    objects.collect()
}

#[test]
fn what_is_rendered_is_the_bundle() {
    let home = tempfile::tempdir().expect("home");
    let actions = |rendered: &BTreeMap<String, (Value, Value)>, word: &str| {
        let of = rendered.iter().filter(|(_, (action, _))| *action == json!([word]));
        of.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    for variable in HELM {
        let deny = rendered(variable, home.path(), &["--set", "action=Deny"]);
        let objects: BTreeMap<String, Value> = deny.iter().map(|(n, (_, o))| (n.clone(), o.clone())).collect();
        assert_eq!(objects, base(), "{variable}");
        // What reports by itself denies only where it is named.
        assert_eq!(actions(&deny, "Audit"), ["sealwright-scan-age"], "{variable}");
        let audit = rendered(variable, home.path(), &["--set", "action=Audit"]);
        assert_eq!(actions(&audit, "Audit").len(), base().len(), "{variable}");
        let mixed = ["action=Deny", "actions.sealwright-scan-age=Deny", "actions.sealwright-sbom=Audit"];
        let flags: Vec<&str> = mixed.iter().flat_map(|value| ["--set", value]).collect();
        assert_eq!(actions(&rendered(variable, home.path(), &flags), "Audit"), ["sealwright-sbom"], "{variable}");
        // No label of the values takes the place of one that patches and selectors look for.
        let labels = ["action=Audit", "labels.team=a", "labels.app\\.kubernetes\\.io/part-of=b"];
        let flags: Vec<&str> = labels.iter().flat_map(|value| ["--set", value]).collect();
        rendered(variable, home.path(), &flags);
    }
}

/// With the schema, and without it by the template.
#[test]
fn an_action_that_is_none_is_refused() {
    let home = tempfile::tempdir().expect("home");
    for variable in HELM {
        for (values, schema, template_says) in [
            (&[][..], "'/action': value must be one of 'Audit', 'Deny'", "is \"\", expected Audit or Deny"),
            (&["action=deny"], "'/action': value must be one of", "is \"deny\", expected Audit or Deny"),
            (
                &["action=Deny", "actions.sealwright-sbom=Off"],
                "'/actions/sealwright-sbom': value must be one of",
                "the action of sealwright-sbom is \"Off\", expected",
            ),
        ] {
            let mut flags: Vec<&str> = values.iter().flat_map(|value| ["--set", value]).collect();
            let said = template(variable, home.path(), CHART, ("1.36", &flags)).expect_code(1);
            assert!(said.stderr.contains(schema), "{variable} {values:?}: {}", said.stderr);
            flags.push("--skip-schema-validation");
            let said = template(variable, home.path(), CHART, ("1.36", &flags)).expect_code(1);
            assert!(said.stderr.contains(template_says), "{variable} {values:?}: {}", said.stderr);
        }
        let flags = ["--set", "action=Deny", "--set", "actions.sealwright-smob=Audit"];
        let said = template(variable, home.path(), CHART, ("1.36", &flags)).expect_code(1);
        assert!(said.stderr.contains("'sealwright-smob' not allowed"), "{variable}: {}", said.stderr);
    }
}

/// What Helm writes, as somebody who installs it would have it judged.
#[test]
fn lint_finds_nothing_in_what_is_rendered() {
    let home = tempfile::tempdir().expect("home");
    let lint = |flags: &[&str]| {
        let rendered = template("SEALWRIGHT_HELM4", home.path(), CHART, ("1.36", flags)).expect_code(0).stdout;
        let mut command = sealwright(home.path());
        command.args(["policy", "lint", "-", "-o", "json"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("sealwright");
        child.stdin.take().expect("piped").write_all(rendered.as_bytes()).expect("policies");
        let found = read_all(child.stdout.take().expect("piped"), 1 << 20).expect("findings");
        let code = child.wait().expect("sealwright").code();
        (code, serde_json::from_slice::<Value>(&found).expect("JSON"))
    };
    let all = ["--set", "action=Deny", "--set", "actions.sealwright-scan-age=Deny"];
    let (code, found) = lint(&all);
    assert_eq!((code, found["findings"].as_array().map(Vec::len)), (Some(0), Some(0)), "{found:#}");
    assert_eq!(found["judged"], 11, "{found:#}");
    let (_, found) = lint(&all[..2]);
    let told = found["findings"].as_array().expect("findings");
    assert_eq!((told.len(), &told[0]["object"]), (1, &json!("ImageValidatingPolicy/sealwright-scan-age")), "{found:#}");
    assert_eq!(told[0]["rule"], "audit-only");
    let (_, found) = lint(&["--set", "action=Audit"]);
    assert_eq!(
        found["findings"].as_array().map(|all| all.iter().filter(|one| one["rule"] == "audit-only").count()),
        Some(11),
        "{found:#}"
    );
}
