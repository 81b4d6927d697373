//! All layers become one file system: whiteouts, opaque folders, shadowing and links (OCI image specification, "Image
//! Layer Filesystem Changeset").
//!
//! Only files that state packages are kept; everything else is known by its path's hash alone.

use std::collections::BTreeMap;

use sealwright_core::{Digest, Distribution, Finding, FindingId, Place};
use sealwright_oci::link_target;

use crate::cataloger::Component;
use crate::layer::{FileFacts, LayerFacts, ancestors};
use crate::os::os_release::{OsRelease, PATHS};
use crate::os::well_known::DATABASES;

/// What a container would see.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) distribution: Option<Distribution>,
    /// Visible files that state packages, by path.
    pub(crate) files: BTreeMap<String, Visible>,
    pub(crate) findings: Vec<Finding>,
}

/// A visible file.
#[derive(Debug)]
pub(crate) struct Visible {
    pub(crate) layer: Digest,
    pub(crate) cataloger: &'static str,
    pub(crate) components: Vec<Component>,
    finding: Option<Finding>,
}

pub(crate) fn fold(layers: Vec<LayerFacts>) -> Folded {
    let mut folded = Folded::default();
    let mut releases: BTreeMap<String, OsRelease> = BTreeMap::new();
    let mut links: BTreeMap<String, (String, Digest)> = BTreeMap::new();
    let mut sets = Vec::new();
    for layer in layers {
        // A layer's whiteouts are about the layers below it, wherever they stand in its archive.
        let hides = |path: &str| {
            ancestors(path).any(|part| layer.whiteouts.iter().any(|w| w == part))
                || layer.opaque.iter().any(|folder| is_below(path, folder))
                || layer.paths.covers(path)
        };
        folded.files.retain(|path, _| !hides(path));
        releases.retain(|path, _| !hides(path));
        links.retain(|path, _| !hides(path));
        folded.findings.extend(layer.findings);
        releases.extend(layer.releases);
        links.extend(layer.links.into_iter().map(|(path, target)| (path, (target, layer.diff_id))));
        // Of two entries with one path the later one counts.
        for FileFacts { path, cataloger, components, finding } in layer.files {
            let visible = Visible { layer: layer.diff_id, cataloger, components, finding };
            // Two catalogers can read one executable.
            let key = if folded.files.get(&path).is_some_and(|f| f.layer == layer.diff_id && f.cataloger != cataloger) {
                format!("{path}\0{cataloger}")
            } else {
                path
            };
            folded.files.insert(key, visible);
        }
        sets.push(layer.paths);
    }
    let exists = |path: &str| sets.iter().any(|set| set.contains(path));
    hidden_databases(&mut folded, &links, &exists);
    folded.findings.extend(folded.files.values_mut().filter_map(|file| file.finding.take()));
    folded.distribution = PATHS.iter().find_map(|path| releases.remove(*path)).flatten();
    folded
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// A database that lies somewhere else, behind a link, was not read under the name that its package manager uses.
fn hidden_databases(folded: &mut Folded, links: &BTreeMap<String, (String, Digest)>, exists: &dyn Fn(&str) -> bool) {
    for database in DATABASES {
        let Some((resolved, layer)) = resolve(database, links) else { continue };
        if resolved == database || folded.files.contains_key(&resolved) || !exists(&resolved) {
            continue;
        }
        let place = Place { layer: Some(layer), path: Some(database.into()) };
        let detail = format!("the package database is reached through a link to /{resolved}, which was not read");
        folded.findings.push(Finding::observation(FindingId::HiddenByLink, place, detail));
    }
}

/// Where a path leads through links, and the layer of the last one; `None` without any link or in a loop.
fn resolve(path: &str, links: &BTreeMap<String, (String, Digest)>) -> Option<(String, Digest)> {
    let mut current = path.to_owned();
    let mut last = None;
    // As many links as Linux follows (path_resolution(7)).
    for _ in 0..40 {
        let mut parts: Vec<&str> = ancestors(&current).collect();
        parts.reverse();
        let Some((link, (target, layer))) = parts.into_iter().find_map(|part| links.get_key_value(part)) else {
            return last.map(|layer| (current, layer));
        };
        last = Some(*layer);
        let rest = current.get(link.len()..).unwrap_or_default().trim_start_matches('/').to_owned();
        current = link_target(link, &format!("{target}/{rest}"));
    }
    None
}
