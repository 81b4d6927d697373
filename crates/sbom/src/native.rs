//! Sealwright's own document: the inventory as it is, with what it is about.

use sealwright_core::Inventory;
use serde_json::json;

use crate::Subject;

/// The version of the document's shape.
pub(crate) const SCHEMA: u32 = 1;

/// The document. The same inventory and subject give the same bytes.
pub fn native(inventory: &Inventory, subject: &Subject<'_>) -> Vec<u8> {
    let document = json!({
        "schema": SCHEMA,
        "subject": {
            "name": subject.name, "digest": subject.digest, "platform": subject.platform.map(ToString::to_string),
            "created": subject.created,
        },
        "tool": { "name": "sealwright", "version": subject.tool_version },
        "distribution": inventory.distribution,
        "packages": inventory.packages,
        "dependencies": inventory.dependencies,
        "findings": inventory.findings,
    });
    let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
