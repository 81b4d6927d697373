//! SPDX 2.3 JSON.

use sealwright_core::{Digest, Inventory, Package};
use serde_json::{Value, json};

use crate::Subject;
use crate::identifier::{document, place};
use crate::license::is_expression;

/// The SPDX identifier of the image itself.
const ROOT: &str = "SPDXRef-Image";

/// The document. The same inventory and subject give the same bytes.
pub fn spdx(inventory: &Inventory, subject: &Subject<'_>) -> Vec<u8> {
    let ids: Vec<String> = inventory.packages.iter().map(id).collect();
    let mut packages = vec![image(inventory, subject)];
    packages.extend(inventory.packages.iter().zip(&ids).map(|(package, id)| entry(package, id)));
    let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", ROOT)];
    relationships.extend(ids.iter().map(|id| relationship(ROOT, "CONTAINS", id)));
    for edge in &inventory.dependencies {
        if let (Some(dependent), Some(dependency)) = (ids.get(edge.dependent), ids.get(edge.dependency)) {
            relationships.push(relationship(dependent, "DEPENDS_ON", dependency));
        }
    }
    let name = match subject.platform {
        Some(platform) => format!("{} {platform}", subject.name),
        None => subject.name.to_owned(),
    };
    let uuid = document(subject, inventory);
    let bom = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": format!("https://sealwright.dev/spdx/{uuid}"),
        "creationInfo": {
            "created": subject.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "creators": [format!("Tool: sealwright-{}", subject.tool_version)],
        },
        "packages": packages,
        "relationships": relationships,
    });
    let mut bytes = serde_json::to_vec_pretty(&bom).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Letters, digits, dots and hyphens only (SPDX 2.3 §7.2).
fn id(package: &Package) -> String {
    let safe: String = package
        .name
        .raw()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .take(60)
        .collect();
    let whole = Digest::of(format!("{}\0{}", package.purl, place(package)).as_bytes());
    format!("SPDXRef-Package-{}-{safe}-{}", package.kind.word(), whole.short())
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

/// The image as a package; what SPDX has no place for stands in its comment as JSON, so that it can be read back.
fn image(inventory: &Inventory, subject: &Subject<'_>) -> Value {
    let rest = json!({ "distribution": inventory.distribution, "findings": inventory.findings });
    json!({
        "SPDXID": ROOT,
        "name": subject.name,
        "versionInfo": subject.digest,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "primaryPackagePurpose": "CONTAINER",
        "checksums": [{ "algorithm": "SHA256", "checksumValue": subject.digest.hex() }],
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "comment": rest.to_string(),
    })
}

fn entry(package: &Package, id: &str) -> Value {
    let declared = match package.licenses.as_slice() {
        [one] if is_expression(one.raw()) => one.raw(),
        _ => "NOASSERTION",
    };
    let supplier = package
        .supplier
        .as_ref()
        .map_or_else(|| "NOASSERTION".to_owned(), |s| format!("Organization: {}", s.raw().replace(['\n', '\r'], " ")));
    let rest = json!({
        "kind": package.kind, "architecture": package.architecture, "source": package.source,
        "licenses": package.licenses, "supplier": package.supplier, "location": package.location,
        "cataloger": package.cataloger,
    });
    json!({
        "SPDXID": id,
        "name": package.name.raw(),
        "versionInfo": package.version.raw(),
        "supplier": supplier,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": declared,
        "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": package.purl.to_string(),
        }],
        "comment": rest.to_string(),
    })
}
