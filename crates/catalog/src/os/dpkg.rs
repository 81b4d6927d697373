//! dpkg: the Debian package database, as one status file or one file per package (distroless).
//!
//! Not here: copyright files, version order (`sealwright-version`).

use sealwright_core::{PackageKind, SourcePackage};
use sealwright_oci::EntryMeta;

use super::well_known::STATUS_FOLDER;
use crate::cataloger::{Cataloger, Component, File, Interest, Size, Unreadable};

/// Reads `var/lib/dpkg/status` and `status.d/*`.
///
/// Stanzas follow deb822 (Debian Policy §5.1). A stanza without `Status: … installed` is no installed package; distroless
/// writes no `Status` at all.
pub(crate) struct Dpkg;

impl Cataloger for Dpkg {
    fn id(&self) -> &'static str {
        "dpkg"
    }

    fn interest(&self, entry: &EntryMeta) -> Interest {
        let path = entry.path.raw();
        let name = path.strip_prefix(STATUS_FOLDER).and_then(|rest| rest.strip_prefix('/'));
        let stanza = name.is_some_and(|name| !name.contains('/') && !name.ends_with(".md5sums"));
        if path == "var/lib/dpkg/status" || stanza { Interest::Whole(Size::Database) } else { Interest::Skip }
    }

    fn read(&self, file: &File<'_>) -> Result<Vec<Component>, Unreadable> {
        let text = String::from_utf8_lossy(file.bytes);
        let distroless = file.path.starts_with(STATUS_FOLDER);
        let mut found = Vec::new();
        for stanza in text.split("\n\n").filter(|s| !s.trim().is_empty()) {
            let status = field(stanza, "Status");
            let installed = match status {
                Some(status) => status.split_whitespace().last() == Some("installed"),
                None => distroless,
            };
            if installed {
                found.push(component(stanza).ok_or_else(|| broken(stanza))?);
            } else if status.is_none() {
                return Err(broken(stanza));
            }
        }
        Ok(found)
    }
}

fn broken(stanza: &str) -> Unreadable {
    let first: String = stanza.trim().lines().next().unwrap_or_default().chars().take(60).collect();
    Unreadable(format!("a stanza of the dpkg database has no name, version or status, near {first:?}"))
}

/// The first line of a field; field names have no case.
fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    stanza.lines().filter(|line| !line.starts_with([' ', '\t'])).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim()).filter(|v| !v.is_empty())
    })
}

fn component(stanza: &str) -> Option<Component> {
    let (name, version) = (field(stanza, "Package")?, field(stanza, "Version")?);
    let relations = |key: &str| {
        field(stanza, key).into_iter().flat_map(|list| list.split(',')).map(alternatives).collect::<Vec<_>>()
    };
    let mut needs = relations("Pre-Depends");
    needs.extend(relations("Depends"));
    Some(Component {
        architecture: field(stanza, "Architecture").map(Into::into),
        source: field(stanza, "Source").map(source),
        supplier: field(stanza, "Maintainer").map(Into::into),
        provides: relations("Provides").into_iter().flatten().collect(),
        needs,
        ..Component::new(PackageKind::Deb, name, version)
    })
}

/// `name` or `name (version)`.
fn source(text: &str) -> SourcePackage {
    match text.split_once('(') {
        Some((name, version)) => {
            SourcePackage { name: name.trim().into(), version: Some(version.trim_end_matches(')').trim().into()) }
        }
        None => SourcePackage { name: text.into(), version: None },
    }
}

/// `a (>= 1) | b:any` as `a`, `b`.
fn alternatives(relation: &str) -> Vec<String> {
    let name = |part: &str| part.split(['(', '[', '<', ':']).next().unwrap_or_default().trim().to_owned();
    relation.split('|').map(name).filter(|n| !n.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_installed_packages_count_and_sources_may_have_their_own_version() {
        let text = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0.11-1)\nVersion: 3.0.11-1+b1\nMaintainer: X\nDepends: libc6 (>= 2.34), a | b:any\nPre-Depends: d\nProvides: v (= 1)\nDescription: x\n Depends: not this\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n";
        let found = Dpkg.read(&File { path: "var/lib/dpkg/status", bytes: text.as_bytes() }).expect("database");
        assert_eq!(found.len(), 1);
        let source = found[0].source.as_ref().expect("source");
        assert_eq!((source.name.raw(), source.version.as_ref().map(|v| v.raw())), ("openssl", Some("3.0.11-1")));
        let needs: Vec<String> = found[0].needs.iter().map(|n| n.join("|")).collect();
        assert_eq!(needs, ["d", "libc6", "a|b"]);
        assert_eq!(found[0].provides, ["v"]);
    }

    #[test]
    fn distroless_has_no_status_and_elsewhere_its_absence_is_an_error() {
        let text = b"Package: tzdata\nVersion: 2024a\nArchitecture: all\n";
        assert_eq!(Dpkg.read(&File { path: "var/lib/dpkg/status.d/tzdata", bytes: text }).expect("stanza").len(), 1);
        assert!(Dpkg.read(&File { path: "var/lib/dpkg/status", bytes: text }).is_err());
        assert!(Dpkg.read(&File { path: "var/lib/dpkg/status", bytes: b"Status: install ok installed\n" }).is_err());
    }
}
