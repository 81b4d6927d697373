//! Python: the metadata of installed distributions (Core metadata specifications; PEP 376, PEP 639).

use sealwright_core::PackageKind;
use sealwright_oci::EntryMeta;

use crate::cataloger::{Cataloger, Component, File, Interest, Size, Unreadable};

/// Reads `*.dist-info/METADATA`, `*.egg-info/PKG-INFO` and the single file `*.egg-info`.
pub(crate) struct Python;

impl Cataloger for Python {
    fn id(&self) -> &'static str {
        "python"
    }

    fn interest(&self, entry: &EntryMeta) -> Interest {
        let path = entry.path.raw();
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let wanted = match name {
            "METADATA" => folder.ends_with(".dist-info"),
            "PKG-INFO" => folder.ends_with(".egg-info"),
            _ => name.ends_with(".egg-info"),
        };
        if wanted { Interest::Whole(Size::Metadata) } else { Interest::Skip }
    }

    fn read(&self, file: &File<'_>) -> Result<Vec<Component>, Unreadable> {
        let text = String::from_utf8_lossy(file.bytes);
        // The headers end at the first empty line; a description follows.
        let headers: Vec<(&str, &str)> = text
            .lines()
            .take_while(|line| !line.trim().is_empty())
            .filter(|line| !line.starts_with([' ', '\t']))
            .filter_map(|line| line.split_once(':'))
            .map(|(key, value)| (key.trim(), value.trim()))
            .collect();
        let header = |name: &str| {
            headers
                .iter()
                .find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty())
                .map(|(_, value)| *value)
        };
        let (Some(name), Some(version)) = (header("Name"), header("Version")) else {
            return Err(Unreadable("the metadata of a Python distribution has no name or version".to_owned()));
        };
        let license = header("License-Expression").or_else(|| header("License")).filter(|l| *l != "UNKNOWN");
        Ok(vec![Component {
            licenses: license.map(Into::into).into_iter().collect(),
            supplier: header("Author").or_else(|| header("Maintainer")).map(Into::into),
            ..Component::new(PackageKind::Python, name, version)
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_end_at_the_first_empty_line() {
        let text = b"Metadata-Version: 2.1\nName: Jinja2\nVersion: 3.1.2\nLicense: BSD-3-Clause\n\nName: not this\n";
        let found = Python.read(&File { path: "x", bytes: text }).expect("metadata");
        assert_eq!(
            (found[0].name.raw(), found[0].version.raw(), found[0].licenses[0].raw()),
            ("Jinja2", "3.1.2", "BSD-3-Clause")
        );
        assert!(Python.read(&File { path: "x", bytes: b"Name: x\n\nVersion: 1\n" }).is_err());
    }
}
