//! Files of this machine into the store.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sealwright_advisory::{Kev, Snapshot};
use sealwright_core::Limits;
use sealwright_core::bounded::read_file;

use crate::archive::{Records, is_zip, read_record, read_zip};
use crate::commit::{NewData, commit};
use crate::{Backwards, FeedError};

/// What the store holds after an import or update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportReport {
    /// The ecosystems that are new or were replaced.
    pub replaced: Vec<String>,
    /// All of the store.
    pub snapshot: Snapshot,
}

impl ImportReport {
    /// One line for each ecosystem that is new or was replaced, and one for the whole.
    pub fn lines(&self) -> Vec<String> {
        let line = |name: &String| {
            let info = self.snapshot.ecosystems.get(name)?;
            let newest = info.newest.map_or_else(|| "none".to_owned(), |t| t.strftime("%Y-%m-%d").to_string());
            Some(format!("{name}: {} records, the newest of {newest}", info.records))
        };
        let mut lines: Vec<String> = self.replaced.iter().filter_map(line).collect();
        lines.extend(self.snapshot.kev.as_ref().map(|kev| format!("KEV: {} vulnerabilities", kev.records)));
        lines.push(format!("snapshot {}", self.snapshot.digest()));
        lines
    }
}

/// Imports OSV export folders (`ECOSYSTEM/all.zip` below), zips, single records and the KEV catalog. An ecosystem's data is
/// replaced whole.
///
/// # Errors
/// When one of the files cannot be used, or its data goes backwards. The store is as before then.
pub fn import(
    paths: &[PathBuf],
    directory: &Path,
    limits: &Limits,
    now: Timestamp,
    backwards: Backwards,
) -> Result<ImportReport, FeedError> {
    let mut data = NewData::default();
    for path in paths {
        for file in files(path)? {
            read_into(&mut data, &file, &file.display().to_string(), limits)?;
        }
    }
    finish(data, directory, limits, now, backwards)
}

pub(crate) fn finish(
    data: NewData,
    directory: &Path,
    limits: &Limits,
    now: Timestamp,
    backwards: Backwards,
) -> Result<ImportReport, FeedError> {
    let replaced = data.ecosystems.iter().map(|(records, _)| records.ecosystem.clone()).collect();
    let file = commit(data, directory, limits, now, backwards)?;
    Ok(ImportReport { replaced, snapshot: file.snapshot })
}

/// The file itself, or the archives of an export folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, FeedError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let own = path.join("all.zip");
    if own.is_file() {
        return Ok(vec![own]);
    }
    let entries = fs::read_dir(path).map_err(|e| FeedError::read(path, e))?;
    let mut found: Vec<PathBuf> =
        entries.filter_map(|e| Some(e.ok()?.path().join("all.zip"))).filter(|f| f.is_file()).collect();
    found.sort();
    if found.is_empty() {
        return Err(FeedError::broken(&path.display().to_string(), "there is no ECOSYSTEM/all.zip below it"));
    }
    Ok(found)
}

/// Reads one file, whatever it is.
pub(crate) fn read_into(data: &mut NewData, path: &Path, source: &str, limits: &Limits) -> Result<(), FeedError> {
    if is_zip(path)? {
        return join(data, read_zip(path, limits)?, source);
    }
    let bytes = read_file(path, limits.advisory).map_err(|e| FeedError::read(path, e))?;
    let is_catalog =
        serde_json::from_slice::<serde_json::Value>(&bytes).is_ok_and(|v| v.get("vulnerabilities").is_some());
    if is_catalog {
        data.kev = Some(Kev::parse(&bytes).map_err(|e| FeedError::broken(source, e.to_string()))?);
        return Ok(());
    }
    join(data, read_record(path, &bytes)?, source)
}

/// Several files of one ecosystem are one set of records.
fn join(data: &mut NewData, records: Records, source: &str) -> Result<(), FeedError> {
    let Some((known, sources)) = data.ecosystems.iter_mut().find(|(r, _)| r.ecosystem == records.ecosystem) else {
        data.ecosystems.push((records, source.to_owned()));
        return Ok(());
    };
    sources.push_str(&format!(", {source}"));
    for (id, advisory) in records.advisories {
        if known.advisories.insert(id.clone(), advisory).is_some() {
            return Err(FeedError::broken(source, format!("another file holds the record {id} too")));
        }
    }
    Ok(())
}
