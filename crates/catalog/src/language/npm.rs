//! npm: the `package.json` of every installed package.

use sealwright_core::PackageKind;
use sealwright_oci::EntryMeta;
use serde_json::Value;

use crate::cataloger::{Cataloger, Component, File, Interest, Size, Unreadable};

/// Reads `node_modules/NAME/package.json` and `node_modules/@SCOPE/NAME/package.json` at any depth. Other files of this name
/// lie inside packages and install nothing.
pub(crate) struct Npm;

impl Cataloger for Npm {
    fn id(&self) -> &'static str {
        "npm"
    }

    fn interest(&self, entry: &EntryMeta) -> Interest {
        let path = entry.path.raw();
        let Some(folder) = path.strip_suffix("/package.json") else { return Interest::Skip };
        let mut parts = folder.rsplit('/');
        let installed = match (parts.next(), parts.next(), parts.next()) {
            (Some(name), Some("node_modules"), _) => !name.starts_with(['.', '@']),
            (Some(_), Some(scope), Some("node_modules")) => scope.starts_with('@'),
            _ => false,
        };
        if installed { Interest::Whole(Size::Metadata) } else { Interest::Skip }
    }

    fn read(&self, file: &File<'_>) -> Result<Vec<Component>, Unreadable> {
        let document: Value = serde_json::from_slice(file.bytes)
            .map_err(|e| Unreadable(format!("the package.json of an installed package is not JSON: {e}")))?;
        let text = |key: &str| document.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
        // npm installs nothing without both; such a file is a part of its package.
        let (Some(name), Some(version)) = (text("name"), text("version")) else { return Ok(vec![]) };
        let license = text("license").or_else(|| document.pointer("/license/type").and_then(Value::as_str));
        let author = text("author").or_else(|| document.pointer("/author/name").and_then(Value::as_str));
        Ok(vec![Component {
            licenses: license.map(Into::into).into_iter().collect(),
            supplier: author.map(Into::into),
            ..Component::new(PackageKind::Npm, name, version)
        }])
    }
}

#[cfg(test)]
mod tests {
    use sealwright_oci::EntryKind;

    use super::*;

    #[test]
    fn only_installed_packages_are_wanted() {
        let interest = |path: &str| {
            Npm.interest(&EntryMeta { path: path.into(), kind: EntryKind::File, size: 1, mode: 0o644 })
                != Interest::Skip
        };
        assert!(interest("srv/node_modules/a/package.json") && interest("node_modules/@s/a/package.json"));
        assert!(interest("node_modules/a/node_modules/b/package.json"));
        for other in [
            "srv/package.json",
            "node_modules/a/dist/package.json",
            "node_modules/.bin/package.json",
            "node_modules/@s/package.json",
            "node_modules/package.json",
        ] {
            assert!(!interest(other), "{other}");
        }
        assert_eq!(Npm.read(&File { path: "x", bytes: br#"{"name":"a"}"# }).expect("no version"), []);
        assert!(Npm.read(&File { path: "x", bytes: b"{" }).is_err());
    }
}
