//! New data becomes the store's data in one step, or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use jiff::Timestamp;
use sealwright_advisory::{EcosystemInfo, Kev, KevInfo, package_key, split_ecosystem};
use sealwright_core::{Digest, Hasher, Limits};

use crate::archive::Records;
use crate::store::{KEV, SCHEMA, SNAPSHOT, StoreFile, combined, index_name, read_store_file, records_name};
use crate::{Backwards, FeedError};

/// What is to replace or to join what is there.
#[derive(Debug, Default)]
pub(crate) struct NewData {
    pub(crate) ecosystems: Vec<(Records, String)>,
    pub(crate) kev: Option<Kev>,
}

/// Writes the new data beside the old, checks that nothing goes backwards, and switches over.
pub(crate) fn commit(
    data: NewData,
    directory: &Path,
    limits: &Limits,
    now: Timestamp,
    backwards: Backwards,
) -> Result<StoreFile, FeedError> {
    fs::create_dir_all(directory).map_err(|e| FeedError::write(directory, e))?;
    let old = read_store_file(directory, limits)?;
    let folder = tempfile::Builder::new()
        .prefix("data-")
        .rand_bytes(12)
        .tempdir_in(directory)
        .map_err(|e| FeedError::write(directory, e))?;
    let mut file = StoreFile {
        schema: SCHEMA,
        folder: folder.path().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        sources: old.as_ref().map(|o| o.sources.clone()).unwrap_or_default(),
        snapshot: old.as_ref().map(|o| o.snapshot.clone()).unwrap_or_default(),
    };
    if let Some(old) = &old {
        let kept =
            file.snapshot.ecosystems.keys().filter(|name| !data.ecosystems.iter().any(|(r, _)| r.ecosystem == **name));
        let kev = old.snapshot.kev.as_ref().filter(|_| data.kev.is_none()).map(|_| KEV.to_owned());
        for name in kept.flat_map(|name| [records_name(name), index_name(name)]).chain(kev) {
            let (from, to) = (directory.join(&old.folder).join(&name), folder.path().join(&name));
            fs::copy(&from, &to).map_err(|e| FeedError::read(&from, e))?;
        }
    }
    for (records, source) in data.ecosystems {
        let info = write_records(&records, folder.path(), now)?;
        if let (Some(before), Backwards::Refuse) = (file.snapshot.ecosystems.get(&records.ecosystem), backwards) {
            check_forward(&records.ecosystem, before, &info)?;
        }
        file.sources.insert(records.ecosystem.clone(), source);
        file.snapshot.ecosystems.insert(records.ecosystem, info);
    }
    if let Some(kev) = data.kev {
        file.snapshot.kev = Some(write_kev(&kev, folder.path())?);
    }
    switch(directory, &file)?;
    // The new folder is the store's now; the old one is nobody's.
    let _ = folder.keep();
    if let Some(old) = old.filter(|old| old.folder != file.folder) {
        let _ = fs::remove_dir_all(directory.join(old.folder));
    }
    Ok(file)
}

/// Invariant 11: neither back in time nor more than a twentieth fewer records.
fn check_forward(ecosystem: &str, before: &EcosystemInfo, after: &EcosystemInfo) -> Result<(), FeedError> {
    let fail = |message| Err(FeedError::Backwards { ecosystem: ecosystem.to_owned(), message });
    if after.newest < before.newest {
        let shown = |t: Option<Timestamp>| t.map_or_else(|| "none".to_owned(), |t| t.to_string());
        return fail(format!(
            "its newest record is of {}, before it was of {}",
            shown(after.newest),
            shown(before.newest)
        ));
    }
    if u128::from(after.records) * 20 < u128::from(before.records) * 19 {
        return fail(format!("it has {} records, before it had {}", after.records, before.records));
    }
    Ok(())
}

fn write_records(records: &Records, folder: &Path, now: Timestamp) -> Result<EcosystemInfo, FeedError> {
    let path = folder.join(records_name(&records.ecosystem));
    let failed = |e: std::io::Error| FeedError::write(&path, e);
    let mut out = BufWriter::new(fs::File::create(&path).map_err(failed)?);
    let mut index: BTreeMap<String, Vec<(u64, usize)>> = BTreeMap::new();
    let mut info = EcosystemInfo { digest: Digest::of(b""), records: 0, newest: None, releases: Default::default() };
    let (mut hasher, mut offset) = (Hasher::new(), 0_u64);
    for advisory in records.advisories.values() {
        let mut line = serde_json::to_vec(advisory).map_err(|e| FeedError::write(&path, e))?;
        line.push(b'\n');
        for package in advisory.affected.iter().filter_map(|a| a.package.as_ref()) {
            let (ecosystem, release) = split_ecosystem(&package.ecosystem);
            if ecosystem != records.ecosystem {
                continue;
            }
            info.releases.extend(release.map(str::to_owned));
            let places = index.entry(package_key(ecosystem, &package.name)).or_default();
            if places.last().is_none_or(|(last, _)| *last != offset) {
                places.push((offset, line.len() - 1));
            }
        }
        info.records += 1;
        // A date in the future says nothing about how old the data is.
        info.newest = info.newest.max(Some(advisory.modified).filter(|modified| *modified <= now));
        hasher.update(&line);
        out.write_all(&line).map_err(failed)?;
        offset += line.len() as u64;
    }
    let file = out.into_inner().map_err(|e| FeedError::write(&path, e))?;
    file.sync_all().map_err(failed)?;
    let index = write_index(&index, folder, &records.ecosystem)?;
    info.digest = combined(hasher.finish(), Digest::of(&index));
    Ok(info)
}

fn write_index(
    index: &BTreeMap<String, Vec<(u64, usize)>>,
    folder: &Path,
    ecosystem: &str,
) -> Result<Vec<u8>, FeedError> {
    let path = folder.join(index_name(ecosystem));
    let mut text = String::new();
    // A name that would break the index's lines cannot be a package's.
    for (name, places) in index.iter().filter(|(name, _)| !name.contains(['\t', '\n', '\r'])) {
        let places: Vec<String> = places.iter().map(|(offset, length)| format!("{offset},{length}")).collect();
        text.push_str(&format!("{name}\t{}\n", places.join(" ")));
    }
    write_synced(&path, text.as_bytes())?;
    Ok(text.into_bytes())
}

fn write_kev(kev: &Kev, folder: &Path) -> Result<KevInfo, FeedError> {
    let text = kev.lines();
    write_synced(&folder.join(KEV), text.as_bytes())?;
    Ok(KevInfo { digest: Digest::of(text.as_bytes()), records: kev.len() as u64 })
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), FeedError> {
    let write = || -> std::io::Result<()> {
        let mut file = fs::File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| FeedError::write(path, e))
}

/// The one step.
fn switch(directory: &Path, file: &StoreFile) -> Result<(), FeedError> {
    let path = directory.join(SNAPSHOT);
    let bytes = serde_json::to_vec_pretty(file).map_err(|e| FeedError::write(&path, e))?;
    let mut temporary = tempfile::NamedTempFile::new_in(directory).map_err(|e| FeedError::write(&path, e))?;
    temporary.write_all(&bytes).map_err(|e| FeedError::write(&path, e))?;
    temporary.as_file().sync_all().map_err(|e| FeedError::write(&path, e))?;
    temporary.persist(&path).map_err(|e| FeedError::write(&path, e.error))?;
    Ok(())
}
