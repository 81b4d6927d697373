//! Whether an object is what a version of Kubernetes publishes: the OpenAPI documents of its source, and the definitions of
//! custom resources, read as JSON Schema. What a document does not list is refused, as with `kubectl --validate=strict`.
//!
//! Not here: what an API server checks beyond its schema (names that have to be the same, ranges, defaults).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sealwright_core::bounded::read_file;
use serde_json::{Map, Value, json};

/// No document is larger, in bytes.
const LIMIT: u64 = 32 << 20;

/// The kinds that are known: `apps/v1 Deployment` and so on, each with a schema of its own.
pub(crate) struct Kinds(BTreeMap<String, jsonschema::Validator>);

impl Kinds {
    /// Of a version of Kubernetes: the folder `api/openapi-spec/v3` of its source, and of which document there which kinds.
    pub(crate) fn published(folder: &Path, wanted: &[(&str, &[&str])]) -> Self {
        let mut kinds = BTreeMap::new();
        for (document, names) in wanted {
            let file = folder.join(format!("{document}_openapi.json"));
            let mut document: Value = read(&file, |bytes| serde_json::from_slice(bytes).expect("JSON"));
            let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
            schemas.values_mut().for_each(close);
            for (name, kind) in schemas.iter().flat_map(|(name, schema)| named(schema).map(move |kind| (name, kind))) {
                if names.iter().any(|wanted| kind.ends_with(&format!(" {wanted}"))) {
                    let root = format!("#/components/schemas/{name}");
                    kinds.insert(kind, validator(&json!({ "$ref": root, "components": { "schemas": schemas } })));
                }
            }
        }
        Self(kinds)
    }

    /// Besides them, custom resources that a folder of definitions has.
    pub(crate) fn with_definitions(mut self, folder: &Path, wanted: &[&str]) -> Self {
        for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let file = entry.expect("an entry").path();
            let definition: Value =
                read(&file, |bytes| serde_saphyr::from_str(std::str::from_utf8(bytes).expect("text")).expect("YAML"));
            let spec = &definition["spec"];
            let word = |value: &Value| value.as_str().expect("a word").to_owned();
            let kind = word(&spec["names"]["kind"]);
            if !wanted.contains(&kind.as_str()) {
                continue;
            }
            for version in spec["versions"].as_array().expect("versions") {
                let mut schema = version["schema"]["openAPIV3Schema"].clone();
                close(&mut schema);
                // Every object has them; definitions leave their contents open.
                schema["properties"]["metadata"] = json!({ "type": "object" });
                self.0
                    .insert(format!("{}/{} {kind}", word(&spec["group"]), word(&version["name"])), validator(&schema));
            }
        }
        self
    }

    /// What is wrong with an object, place by place.
    pub(crate) fn faults(&self, object: &Value) -> Vec<String> {
        let kind =
            format!("{} {}", object["apiVersion"].as_str().unwrap_or("?"), object["kind"].as_str().unwrap_or("?"));
        let Some(validator) = self.0.get(&kind) else { return vec![format!("{kind} is not known")] };
        validator.iter_errors(object).map(|error| format!("{kind} {}: {error}", error.instance_path())).collect()
    }
}

fn read<T>(file: &Path, parse: impl Fn(&[u8]) -> T) -> T {
    parse(&read_file(file, LIMIT).unwrap_or_else(|e| panic!("{}: {e}", file.display())))
}

fn validator(schema: &Value) -> jsonschema::Validator {
    // OpenAPI 3.0 is written in the JSON Schema of its day, draft 4 with a few words less.
    jsonschema::options().with_draft(jsonschema::Draft::Draft4).build(schema).unwrap_or_else(|e| panic!("{e}"))
}

/// The kinds that a schema is for.
fn named(schema: &Value) -> impl Iterator<Item = String> {
    let kinds = schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten();
    kinds.filter_map(|kind| {
        let [group, version, name] = ["group", "version", "kind"].map(|key| kind[key].as_str());
        let group = group.filter(|group| !group.is_empty()).map(|group| format!("{group}/")).unwrap_or_default();
        Some(format!("{group}{} {}", version?, name?))
    })
}

/// Lets no object have a member that its schema does not list, wherever it lists any. Patterns with Go's inline flags are left out,
/// because JSON Schema has none.
fn close(schema: &mut Value) {
    let Value::Object(members) = schema else {
        if let Value::Array(list) = schema {
            list.iter_mut().for_each(close);
        }
        return;
    };
    members.retain(|key, value| key != "pattern" || !value.as_str().is_some_and(|pattern| pattern.contains("(?i)")));
    // A schema, and not the list of properties that may have one of this name.
    let lists = members.get("properties").is_some_and(Value::is_object) && !open(members);
    for (key, value) in members.iter_mut() {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(close),
            ("default" | "enum" | "required" | "description", _) => {}
            (_, value) => close(value),
        }
    }
    if lists {
        members.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

fn open(schema: &Map<String, Value>) -> bool {
    schema.contains_key("additionalProperties")
        || schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
}
