//! CycloneDX and SPDX back to an inventory: our own documents whole, those of others as far as they go.

use std::collections::HashMap;

use sealwright_core::{
    Dependency, Digest, Distribution, Finding, Inventory, Limits, Location, Package, PackageKind, Purl, SourcePackage,
    Untrusted,
};
use serde_json::Value;

use crate::cyclonedx as words;

/// Why bytes are no SBOM.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// Larger than may be read.
    #[error("the document has more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Not JSON.
    #[error("the document is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Neither of the two.
    #[error("the document is neither CycloneDX 1.x nor SPDX 2.x JSON")]
    Unknown,
    /// A package without a name, version or purl that can be read.
    #[error("package {index} of the document has no usable {member}")]
    Package {
        /// Its position.
        index: usize,
        /// What is missing.
        member: &'static str,
    },
}

/// Reads a document of either format. Components whose purl is of no kind that is known here are passed over.
///
/// # Errors
/// When it is none, or a package in it cannot be read.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Inventory, SbomError> {
    let document = parse(bytes, limits)?;
    if document.get("bomFormat").is_some() { cyclonedx(&document) } else { spdx(&document) }
}

/// A document that is of one of the two formats: CycloneDX if it has a `bomFormat`, else SPDX.
pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, SbomError> {
    if bytes.len() as u64 > limits.evidence {
        return Err(SbomError::TooLarge { limit: limits.evidence });
    }
    let document: Value = serde_json::from_slice(bytes)?;
    let says = |key: &str, fits: &dyn Fn(&str) -> bool| text(&document, key).is_some_and(fits);
    let cyclonedx =
        says("bomFormat", &|word| word == "CycloneDX") && says("specVersion", &|version| version.starts_with("1."));
    let spdx = document.get("bomFormat").is_none() && says("spdxVersion", &|version| version.starts_with("SPDX-2."));
    if cyclonedx || spdx { Ok(document) } else { Err(SbomError::Unknown) }
}

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

pub(crate) fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Properties by name; of several with one name all values.
pub(crate) fn properties<'a>(component: &'a Value, name: &'a str) -> impl Iterator<Item = &'a str> {
    list(component, "properties").filter(move |p| text(p, "name") == Some(name)).filter_map(|p| text(p, "value"))
}

fn cyclonedx(document: &Value) -> Result<Inventory, SbomError> {
    let (mut packages, mut places, mut distribution) = (Vec::new(), HashMap::new(), None);
    for (index, component) in list(document, "components").enumerate() {
        if text(component, "type") == Some("operating-system") {
            distribution = text(component, "name").map(|id| cyclonedx_system(component, id));
            continue;
        }
        let Some(package) = cyclonedx_package(component, index)? else { continue };
        if let Some(reference) = text(component, "bom-ref") {
            places.insert(reference, packages.len());
        }
        packages.push(package);
    }
    let edges = list(document, "dependencies").flat_map(|dependency| {
        let dependent = text(dependency, "ref").and_then(|r| places.get(r)).copied();
        let needed = list(dependency, "dependsOn").filter_map(Value::as_str).filter_map(|r| places.get(r)).copied();
        needed.filter_map(|needed| Some(Dependency { dependent: dependent?, dependency: needed })).collect::<Vec<_>>()
    });
    let edges = edges.collect();
    let main = document.pointer("/metadata/component").unwrap_or(&Value::Null);
    let findings = properties(main, words::FINDING).filter_map(|f| serde_json::from_str::<Finding>(f).ok()).collect();
    Ok(Inventory::new(distribution, packages, edges, findings))
}

fn cyclonedx_system(component: &Value, id: &str) -> Distribution {
    let one = |name| properties(component, name).next().map(Untrusted::from);
    Distribution {
        id: id.into(),
        version_id: text(component, "version").map(Into::into),
        codename: one(words::CODENAME),
        pretty_name: one(words::PRETTY),
        like: properties(component, words::LIKE).map(Into::into).collect(),
    }
}

fn cyclonedx_package(component: &Value, index: usize) -> Result<Option<Package>, SbomError> {
    let Some(purl) = text(component, "purl") else { return Ok(None) };
    let purl: Purl = purl.parse().map_err(|_| SbomError::Package { index, member: "purl" })?;
    let one = |name| properties(component, name).next();
    let Some(kind) = kind(&purl) else { return Ok(None) };
    let licenses = list(component, "licenses").filter_map(|entry| {
        let license = entry.get("license");
        text(entry, "expression").or_else(|| license.and_then(|l| text(l, "id").or_else(|| text(l, "name"))))
    });
    let source = match one(words::SOURCE_NAME) {
        Some(name) => Some(SourcePackage { name: name.into(), version: one(words::SOURCE_VERSION).map(Into::into) }),
        None => upstream(&purl),
    };
    Ok(Some(Package {
        kind,
        name: text(component, "name").map_or_else(|| purl.name.as_str().into(), Into::into),
        version: version(component, &purl, "version").ok_or(SbomError::Package { index, member: "version" })?,
        architecture: one(words::ARCHITECTURE).map(Into::into).or_else(|| architecture(&purl)),
        source,
        licenses: licenses.map(Into::into).collect(),
        supplier: text(component, "publisher").map(Into::into),
        location: Location {
            path: one(words::PATH).unwrap_or_default().into(),
            layer: one(words::LAYER).and_then(|d| d.parse().ok()).unwrap_or_else(|| Digest::of(b"")),
        },
        cataloger: one(words::CATALOGER).unwrap_or("sbom").to_owned(),
        purl,
    }))
}

fn version(value: &Value, purl: &Purl, key: &str) -> Option<Untrusted> {
    text(value, key).or(purl.version.as_deref()).map(Into::into)
}

fn kind(purl: &Purl) -> Option<PackageKind> {
    match purl.kind.as_str() {
        "apk" => Some(PackageKind::Apk),
        "deb" => Some(PackageKind::Deb),
        "pypi" => Some(PackageKind::Python),
        "npm" => Some(PackageKind::Npm),
        "golang" => Some(PackageKind::Go),
        "cargo" => Some(PackageKind::Cargo),
        "composer" => Some(PackageKind::Composer),
        _ => None,
    }
}

fn architecture(purl: &Purl) -> Option<Untrusted> {
    purl.qualifiers.get("arch").map(|a| a.as_str().into())
}

/// `upstream=NAME[@VERSION]`, as Syft writes it.
fn upstream(purl: &Purl) -> Option<SourcePackage> {
    let upstream = purl.qualifiers.get("upstream")?;
    Some(match upstream.split_once('@') {
        Some((name, version)) => SourcePackage { name: name.into(), version: Some(version.into()) },
        None => SourcePackage { name: upstream.as_str().into(), version: None },
    })
}

fn spdx(document: &Value) -> Result<Inventory, SbomError> {
    let (mut packages, mut places) = (Vec::new(), HashMap::new());
    let (mut distribution, mut findings) = (None, Vec::new());
    for (index, entry) in list(document, "packages").enumerate() {
        let rest: Value = text(entry, "comment").and_then(|c| serde_json::from_str(c).ok()).unwrap_or_default();
        if text(entry, "primaryPackagePurpose") == Some("CONTAINER") {
            distribution =
                serde_json::from_value(rest.get("distribution").cloned().unwrap_or_default()).unwrap_or_default();
            findings = serde_json::from_value(rest.get("findings").cloned().unwrap_or_default()).unwrap_or_default();
            continue;
        }
        let Some(package) = spdx_package(entry, &rest, index)? else { continue };
        if let Some(id) = text(entry, "SPDXID") {
            places.insert(id, packages.len());
        }
        packages.push(package);
    }
    // A document of another tool names the system in the purls only.
    if distribution.is_none() {
        distribution = packages.iter().find_map(system_of);
    }
    let edges =
        list(document, "relationships").filter(|r| text(r, "relationshipType") == Some("DEPENDS_ON")).filter_map(|r| {
            let place = |key| text(r, key).and_then(|id| places.get(id)).copied();
            Some(Dependency { dependent: place("spdxElementId")?, dependency: place("relatedSpdxElement")? })
        });
    let edges = edges.collect();
    Ok(Inventory::new(distribution, packages, edges, findings))
}

fn spdx_package(entry: &Value, rest: &Value, index: usize) -> Result<Option<Package>, SbomError> {
    let locator = list(entry, "externalRefs").find(|r| text(r, "referenceType") == Some("purl"));
    let Some(purl) = locator.and_then(|r| text(r, "referenceLocator")) else { return Ok(None) };
    let purl: Purl = purl.parse().map_err(|_| SbomError::Package { index, member: "purl" })?;
    let Some(kind) = kind(&purl) else { return Ok(None) };
    fn part<T: serde::de::DeserializeOwned>(rest: &Value, key: &str) -> Option<T> {
        serde_json::from_value(rest.get(key)?.clone()).ok()
    }
    let declared = text(entry, "licenseDeclared").filter(|l| *l != "NOASSERTION" && *l != "NONE");
    Ok(Some(Package {
        kind,
        name: text(entry, "name").map_or_else(|| purl.name.as_str().into(), Into::into),
        version: version(entry, &purl, "versionInfo").ok_or(SbomError::Package { index, member: "versionInfo" })?,
        architecture: part(rest, "architecture").or_else(|| architecture(&purl)),
        source: part(rest, "source").or_else(|| upstream(&purl)),
        licenses: part(rest, "licenses").unwrap_or_else(|| declared.map(Into::into).into_iter().collect()),
        supplier: part(rest, "supplier"),
        location: part(rest, "location").unwrap_or_else(|| Location { path: "".into(), layer: Digest::of(b"") }),
        cataloger: part(rest, "cataloger").unwrap_or_else(|| "sbom".to_owned()),
        purl,
    }))
}

/// `distro=alpine-3.20.3`
fn system_of(package: &Package) -> Option<Distribution> {
    let (id, version) = package.purl.qualifiers.get("distro")?.split_once('-')?;
    Some(Distribution {
        id: id.into(),
        version_id: Some(version.into()),
        codename: None,
        pretty_name: None,
        like: vec![],
    })
}
