//! The packages that a document states, by their package URLs alone: also those of types that have no place in an inventory.

use sealwright_core::{Limits, Purl, Untrusted};
use serde_json::Value;

use crate::SbomError;
use crate::read::{list, parse, properties, text};

/// What a document states.
#[derive(Debug, PartialEq, Eq)]
pub struct Stated {
    /// What it is about, with its platform if that is named.
    pub subject: Option<Untrusted>,
    /// The package URLs, sorted, each once.
    pub packages: Vec<Purl>,
    /// How many packages have none, or one that cannot be read.
    pub unusable: usize,
}

/// Reads a CycloneDX or SPDX document. The image itself, files and the operating system are no packages.
///
/// # Errors
/// When it is neither.
pub fn stated(bytes: &[u8], limits: &Limits) -> Result<Stated, SbomError> {
    let document = parse(bytes, limits)?;
    let (subject, found): (_, Vec<Option<&str>>) = if document.get("bomFormat").is_some() {
        let main = document.pointer("/metadata/component").unwrap_or(&Value::Null);
        let mut platform = properties(main, "sealwright:platform").take(1);
        let subject = text(main, "name").map(|name| match platform.next() {
            Some(platform) => format!("{name} {platform}"),
            None => name.to_owned(),
        });
        let package =
            |component: &&Value| !["operating-system", "file"].contains(&text(component, "type").unwrap_or(""));
        (subject, list(&document, "components").filter(package).map(|component| text(component, "purl")).collect())
    } else {
        let package = |entry: &&Value| text(entry, "primaryPackagePurpose") != Some("CONTAINER");
        let purl = |entry| {
            let locator = list(entry, "externalRefs").find(|r| text(r, "referenceType") == Some("purl"));
            locator.and_then(|locator| text(locator, "referenceLocator"))
        };
        let subject = text(&document, "name").map(str::to_owned);
        (subject, list(&document, "packages").filter(package).map(purl).collect())
    };
    let count = found.len();
    let mut packages: Vec<Purl> = found.into_iter().filter_map(|purl| purl?.parse().ok()).collect();
    let unusable = count - packages.len();
    // Other tools list the image among its packages.
    packages.retain(|purl| purl.kind != "oci");
    packages.sort();
    packages.dedup();
    Ok(Stated { subject: subject.map(Untrusted::from), packages, unusable })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(document: &Value) -> Result<Stated, SbomError> {
        stated(document.to_string().as_bytes(), &Limits::default())
    }

    #[test]
    fn every_type_counts_and_what_has_no_package_url_is_counted() {
        let cyclonedx = serde_json::json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6",
            "metadata": { "component": { "name": "shop/app", "properties": [{ "name": "sealwright:platform", "value": "linux/amd64" }] } },
            "components": [
                { "type": "operating-system", "name": "alpine" }, { "type": "file", "name": "a" },
                { "type": "library", "purl": "pkg:gem/rack@3" }, { "type": "library", "purl": "pkg:npm/a@1" },
                { "type": "library", "purl": "pkg:npm/a@1" }, { "type": "library", "name": "none" },
                { "type": "library", "purl": "" }, { "type": "library", "purl": "pkg:npm" },
            ],
        });
        let found = of(&cyclonedx).expect("CycloneDX");
        assert_eq!(found.subject, Some("shop/app linux/amd64".into()));
        assert_eq!(
            found.packages.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["pkg:gem/rack@3", "pkg:npm/a@1"]
        );
        assert_eq!(found.unusable, 3);
        let reference = |purl: &str| serde_json::json!([{ "referenceType": "purl", "referenceLocator": purl }]);
        let spdx = serde_json::json!({
            "spdxVersion": "SPDX-2.3", "name": "shop/app linux/amd64",
            "packages": [
                { "primaryPackagePurpose": "CONTAINER" }, { "externalRefs": reference("pkg:oci/app@sha256:0") },
                { "externalRefs": reference("pkg:maven/g/a@1") }, { "externalRefs": reference("x") }, {},
            ],
        });
        let found = of(&spdx).expect("SPDX");
        assert_eq!(found.subject, Some("shop/app linux/amd64".into()));
        assert_eq!((found.packages.len(), found.unusable), (1, 2));
        assert!(matches!(of(&serde_json::json!({})), Err(SbomError::Unknown)));
    }
}
