//! One OSV export archive: a zip with one JSON file per record, named after the record's id.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sealwright_advisory::{Advisory, split_ecosystem};
use sealwright_core::Limits;
use sealwright_core::bounded::{ReadError, read_all};

use crate::FeedError;

/// The records of one ecosystem by id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Records {
    pub(crate) ecosystem: String,
    pub(crate) advisories: BTreeMap<String, Advisory>,
}

/// Reads every record. All of them stay in memory, without their long texts: about as much as the zip itself.
pub(crate) fn read_zip(path: &Path, limits: &Limits) -> Result<Records, FeedError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|e| FeedError::read(path, e))?;
    let size = file.metadata().map_err(|e| FeedError::read(path, e))?.len();
    if size > limits.advisory_archive {
        return Err(FeedError::broken(&name, format!("it has more than {} bytes", limits.advisory_archive)));
    }
    let mut zip =
        zip::ZipArchive::new(file).map_err(|e| FeedError::broken(&name, format!("it is no whole zip: {e}")))?;
    if zip.len() as u64 > limits.advisory_records {
        return Err(FeedError::broken(&name, format!("it has more than {} records", limits.advisory_records)));
    }
    let mut advisories = BTreeMap::new();
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(|e| FeedError::broken(&name, e.to_string()))?;
        let file_name = entry.name().map_err(|e| FeedError::broken(&name, e.to_string()))?.into_owned();
        let Some(id) = file_name.strip_suffix(".json").filter(|id| !id.contains(['/', '\\'])) else {
            return Err(FeedError::broken(&name, format!("it holds {:?}, expected <ID>.json only", clip(&file_name))));
        };
        let place = format!("{name}:{}", clip(&file_name));
        let bytes = read_all(entry, limits.advisory).map_err(|e| match e {
            ReadError::TooLarge { limit } => FeedError::broken(&place, format!("it has more than {limit} bytes")),
            ReadError::Io(e) => FeedError::broken(&place, format!("it cannot be inflated: {e}")),
        })?;
        let advisory = Advisory::parse(&bytes).map_err(|e| FeedError::broken(&place, e.to_string()))?;
        if advisory.id != id {
            return Err(FeedError::broken(
                &place,
                format!("the record's id is {:?}, expected its file's name", clip(&advisory.id)),
            ));
        }
        if advisories.insert(advisory.id.clone(), advisory).is_some() {
            return Err(FeedError::broken(&place, "the archive holds this record twice"));
        }
    }
    let ecosystem = ecosystem_of(&name, path, advisories.values())?;
    Ok(Records { ecosystem, advisories })
}

/// Reads one record from a file of its own.
pub(crate) fn read_record(path: &Path, bytes: &[u8]) -> Result<Records, FeedError> {
    let name = path.display().to_string();
    let advisory = Advisory::parse(bytes).map_err(|e| FeedError::broken(&name, e.to_string()))?;
    let ecosystem = ecosystem_of(&name, path, std::iter::once(&advisory))?;
    Ok(Records { ecosystem, advisories: BTreeMap::from([(advisory.id.clone(), advisory)]) })
}

/// The one ecosystem that every record names. Some records name others besides; of those there would be a few records only,
/// which must not look like all of them. The folder of an export decides between several.
fn ecosystem_of<'a>(
    name: &str,
    path: &Path,
    advisories: impl Iterator<Item = &'a Advisory>,
) -> Result<String, FeedError> {
    let mut common: Option<BTreeSet<String>> = None;
    for advisory in advisories.filter(|a| a.withdrawn.is_none()) {
        let packages = advisory.affected.iter().filter_map(|a| a.package.as_ref());
        let names: BTreeSet<String> = packages.map(|p| split_ecosystem(&p.ecosystem).0.to_owned()).collect();
        common = Some(match common {
            None => names,
            Some(common) => common.intersection(&names).cloned().collect(),
        });
    }
    let common = common.unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).and_then(|f| f.to_str());
    match (common.len(), folder.filter(|f| common.contains(*f))) {
        (_, Some(folder)) => Ok(folder.to_owned()),
        (1, None) => Ok(common.into_iter().next().unwrap_or_default()),
        (0, None) => Err(FeedError::broken(name, "its records have no ecosystem in common")),
        (_, None) => {
            Err(FeedError::broken(name, "its records have several ecosystems in common, expected ECOSYSTEM/all.zip"))
        }
    }
}

fn clip(text: &str) -> String {
    text.chars().take(120).collect()
}

/// Whether a file starts like a zip (APPNOTE.TXT §4.3.7, §4.3.16).
pub(crate) fn is_zip(path: &Path) -> Result<bool, FeedError> {
    let mut magic = [0; 4];
    let mut file = File::open(path).map_err(|e| FeedError::read(path, e))?;
    let read = file.read(&mut magic).map_err(|e| FeedError::read(path, e))?;
    Ok(magic.get(..read).is_some_and(|m| m.starts_with(b"PK\x03\x04") || m.starts_with(b"PK\x05\x06")))
}
