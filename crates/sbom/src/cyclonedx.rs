//! CycloneDX JSON, versions 1.5 to 1.7.

use sealwright_core::{Distribution, Inventory, Package};
use serde_json::{Map, Value, json};

use crate::Subject;
use crate::identifier::{document, references};
use crate::license::is_expression;

/// The version of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycloneDx {
    /// 1.5
    V1_5,
    /// 1.6
    V1_6,
    /// 1.7
    V1_7,
}

impl CycloneDx {
    fn version(self) -> &'static str {
        match self {
            Self::V1_5 => "1.5",
            Self::V1_6 => "1.6",
            Self::V1_7 => "1.7",
        }
    }
}

/// The names of properties that carry what CycloneDX has no place for.
pub(crate) const KIND: &str = "sealwright:package:kind";
pub(crate) const ARCHITECTURE: &str = "sealwright:package:architecture";
pub(crate) const SOURCE_NAME: &str = "sealwright:package:source:name";
pub(crate) const SOURCE_VERSION: &str = "sealwright:package:source:version";
pub(crate) const LAYER: &str = "sealwright:location:layer";
pub(crate) const PATH: &str = "sealwright:location:path";
pub(crate) const CATALOGER: &str = "sealwright:cataloger";
pub(crate) const FINDING: &str = "sealwright:finding";
pub(crate) const LIKE: &str = "sealwright:distribution:like";
pub(crate) const CODENAME: &str = "sealwright:distribution:codename";
pub(crate) const PRETTY: &str = "sealwright:distribution:pretty-name";

/// The document. The same inventory, subject and version give the same bytes.
pub fn cyclonedx(inventory: &Inventory, subject: &Subject<'_>, version: CycloneDx) -> Vec<u8> {
    let references = references(inventory);
    let root = format!("{}@{}", subject.name, subject.digest);
    let mut components: Vec<Value> =
        inventory.packages.iter().zip(&references).map(|(package, reference)| component(package, reference)).collect();
    components.extend(inventory.distribution.as_ref().map(operating_system));
    let findings = inventory.findings.iter().filter_map(|f| Some(property(FINDING, &serde_json::to_string(f).ok()?)));
    let mut main = json!({
        "bom-ref": root,
        "type": "container",
        "name": subject.name,
        "version": subject.digest,
        "hashes": [{ "alg": "SHA-256", "content": subject.digest.hex() }],
    });
    let mut properties: Vec<Value> =
        subject.platform.iter().map(|p| property("sealwright:platform", &p.to_string())).collect();
    properties.extend(findings);
    if let (Some(main), false) = (main.as_object_mut(), properties.is_empty()) {
        main.insert("properties".into(), properties.into());
    }
    let bom = json!({
        "$schema": format!("http://cyclonedx.org/schema/bom-{}.schema.json", version.version()),
        "bomFormat": "CycloneDX",
        "specVersion": version.version(),
        "serialNumber": format!("urn:uuid:{}", document(subject, inventory)),
        "version": 1,
        "metadata": {
            "timestamp": subject.created,
            "tools": { "components": [{
                "type": "application", "name": "sealwright", "version": subject.tool_version,
                "externalReferences": [{ "type": "website", "url": "https://sealwright.dev" }],
            }]},
            "component": main,
        },
        "components": components,
        "dependencies": dependencies(inventory, &references, &root),
    });
    let mut bytes = serde_json::to_vec_pretty(&bom).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

fn component(package: &Package, reference: &str) -> Value {
    let mut component = Map::new();
    component.insert("bom-ref".into(), reference.into());
    component.insert("type".into(), "library".into());
    if let Some(supplier) = &package.supplier {
        component.insert("publisher".into(), supplier.raw().into());
    }
    component.insert("name".into(), package.name.raw().into());
    component.insert("version".into(), package.version.raw().into());
    if let Some(licenses) = licenses(package) {
        component.insert("licenses".into(), licenses);
    }
    component.insert("purl".into(), package.purl.to_string().into());
    let mut properties = vec![
        property(KIND, package.kind.word()),
        property(CATALOGER, &package.cataloger),
        property(LAYER, &package.location.layer.to_string()),
        property(PATH, package.location.path.raw()),
    ];
    properties.extend(package.architecture.iter().map(|a| property(ARCHITECTURE, a.raw())));
    if let Some(source) = &package.source {
        properties.push(property(SOURCE_NAME, source.name.raw()));
        properties.extend(source.version.iter().map(|v| property(SOURCE_VERSION, v.raw())));
    }
    component.insert("properties".into(), properties.into());
    Value::Object(component)
}

/// One expression, or names: the specification allows no mixture.
fn licenses(package: &Package) -> Option<Value> {
    match package.licenses.as_slice() {
        [] => None,
        [one] if is_expression(one.raw()) => Some(json!([{ "expression": one.raw() }])),
        several => Some(several.iter().map(|l| json!({ "license": { "name": l.raw() } })).collect()),
    }
}

fn operating_system(distribution: &Distribution) -> Value {
    let mut properties: Vec<Value> = distribution.like.iter().map(|like| property(LIKE, like.raw())).collect();
    properties.extend(distribution.codename.iter().map(|c| property(CODENAME, c.raw())));
    properties.extend(distribution.pretty_name.iter().map(|p| property(PRETTY, p.raw())));
    let mut component = json!({
        "bom-ref": format!("os:{}", distribution.id.raw()),
        "type": "operating-system",
        "name": distribution.id.raw(),
    });
    if let Some(members) = component.as_object_mut() {
        if let Some(version) = &distribution.version_id {
            members.insert("version".into(), version.raw().into());
        }
        if !properties.is_empty() {
            members.insert("properties".into(), properties.into());
        }
    }
    component
}

/// Edges from the image to what nothing else needs, and between packages.
fn dependencies(inventory: &Inventory, references: &[String], root: &str) -> Vec<Value> {
    let mut needed = vec![false; inventory.packages.len()];
    let mut needs: Vec<Vec<&String>> = vec![vec![]; inventory.packages.len()];
    for edge in &inventory.dependencies {
        if let (Some(list), Some(reference)) = (needs.get_mut(edge.dependent), references.get(edge.dependency)) {
            list.push(reference);
        }
        if let Some(needed) = needed.get_mut(edge.dependency) {
            *needed = true;
        }
    }
    let top: Vec<&String> = references.iter().zip(&needed).filter(|(_, needed)| !**needed).map(|(r, _)| r).collect();
    let mut list = vec![json!({ "ref": root, "dependsOn": top })];
    list.extend(references.iter().zip(needs).map(|(reference, mut needs)| {
        needs.sort();
        needs.dedup();
        json!({ "ref": reference, "dependsOn": needs })
    }));
    list
}
