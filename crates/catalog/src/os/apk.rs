//! apk: Alpine's package database, stanzas of `X:value` lines (apk-tools, `apk-package(5)`).
//!
//! Not here: version order (`sealwright-version`).

use sealwright_core::{PackageKind, SourcePackage};
use sealwright_oci::EntryMeta;

use crate::cataloger::{Cataloger, Component, File, Interest, Size, Unreadable};

/// Reads `lib/apk/db/installed`, also under `usr/`.
pub(crate) struct Apk;

impl Cataloger for Apk {
    fn id(&self) -> &'static str {
        "apk"
    }

    fn interest(&self, entry: &EntryMeta) -> Interest {
        match entry.path.raw() {
            "lib/apk/db/installed" | "usr/lib/apk/db/installed" => Interest::Whole(Size::Database),
            _ => Interest::Skip,
        }
    }

    fn read(&self, file: &File<'_>) -> Result<Vec<Component>, Unreadable> {
        let text = String::from_utf8_lossy(file.bytes);
        let stanzas = text.split("\n\n").map(str::trim).filter(|s| !s.is_empty());
        stanzas.map(|stanza| component(stanza).ok_or_else(|| broken(stanza))).collect()
    }
}

fn broken(stanza: &str) -> Unreadable {
    let first: String = stanza.lines().next().unwrap_or_default().chars().take(60).collect();
    Unreadable(format!("a stanza of the apk database has no name or version, near {first:?}"))
}

fn component(stanza: &str) -> Option<Component> {
    let field = |key: char| {
        stanza
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
            .map(str::trim)
            .filter(|v| !v.is_empty())
    };
    let (name, version) = (field('P')?, field('V')?);
    let source = field('o').map(|origin| SourcePackage { name: origin.into(), version: None });
    Some(Component {
        architecture: field('A').map(Into::into),
        source,
        licenses: field('L').map(Into::into).into_iter().collect(),
        supplier: field('m').map(Into::into),
        provides: field('p').into_iter().flat_map(words).collect(),
        // A conflict (`!name`) is no need.
        needs: field('D').into_iter().flat_map(words).filter(|w| !w.starts_with('!')).map(|w| vec![w]).collect(),
        ..Component::new(PackageKind::Apk, name, version)
    })
}

/// Names without the version that they ask for.
fn words(list: &str) -> impl Iterator<Item = String> {
    list.split_whitespace().map(|word| word.split(['=', '<', '>', '~']).next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stanza_states_a_package_with_its_origin_and_needs() {
        let text = "C:Q1x\nP:ssl_client\nV:1.36.1-r29\nA:x86_64\nL:GPL-2.0-only\no:busybox\nm:A B <a@b>\np:cmd:ssl_client=1.36.1-r29\nD:so:libc.musl-x86_64.so.1 musl>=1.2 !old\nF:usr/bin\nR:ssl_client\n\nP:b\nV:1\n\n";
        let found = Apk.read(&File { path: "x", bytes: text.as_bytes() }).expect("database");
        assert_eq!(found.len(), 2);
        let first = &found[0];
        assert_eq!((first.name.raw(), first.version.raw()), ("ssl_client", "1.36.1-r29"));
        assert_eq!(first.source.as_ref().map(|s| s.name.raw()), Some("busybox"));
        assert_eq!(first.provides, ["cmd:ssl_client"]);
        assert_eq!(first.needs, [vec!["so:libc.musl-x86_64.so.1".to_owned()], vec!["musl".to_owned()]]);
        assert!(Apk.read(&File { path: "x", bytes: b"P:a\n\nV:1\n" }).is_err());
        assert_eq!(Apk.read(&File { path: "x", bytes: b"" }).expect("empty"), []);
    }
}
