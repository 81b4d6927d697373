//! An advisory store, opened once: its snapshot does not change under a reader.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sealwright_advisory::{Advisory, AdvisorySource, Kev, LookupError, Snapshot, package_key};
use sealwright_core::bounded::read_file;
use sealwright_core::{Digest, Hasher, Limits};
use serde::{Deserialize, Serialize};

use crate::FeedError;

/// The version of the store's shape.
pub(crate) const SCHEMA: u32 = 1;
pub(crate) const SNAPSHOT: &str = "snapshot.json";
pub(crate) const KEV: &str = "kev";

/// `snapshot.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoreFile {
    pub(crate) schema: u32,
    /// The folder beside it that holds the data.
    pub(crate) folder: String,
    /// Where each ecosystem's data came from.
    pub(crate) sources: BTreeMap<String, String>,
    pub(crate) snapshot: Snapshot,
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: StoreFile,
    kev: Kev,
    limits: Limits,
    open: Mutex<HashMap<String, Arc<Data>>>,
}

/// The records of an ecosystem, one a line, and where the lines of each package lie.
#[derive(Debug)]
struct Data {
    records: File,
    index: HashMap<String, Vec<(u64, u32)>>,
}

impl Store {
    /// Opens the store in this folder. Data files are checked against their digests when they are first needed.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, FeedError> {
        let file = read_store_file(path, limits)?.ok_or_else(|| FeedError::NoStore { path: path.to_owned() })?;
        let kev = match &file.snapshot.kev {
            None => Kev::default(),
            Some(info) => {
                let name = path.join(&file.folder).join(KEV);
                let bytes = read_file(&name, limits.advisory).map_err(|e| FeedError::read(&name, e))?;
                if Digest::of(&bytes) != info.digest {
                    return Err(damaged(path, "the KEV list does not match its digest"));
                }
                String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
            }
        };
        Ok(Self { path: path.to_owned(), file, kev, limits: limits.clone(), open: Mutex::default() })
    }

    /// Where an ecosystem's data came from.
    pub fn source(&self, ecosystem: &str) -> Option<&str> {
        self.file.sources.get(ecosystem).map(String::as_str)
    }

    fn data(&self, ecosystem: &str) -> Result<Option<Arc<Data>>, FeedError> {
        let Some(info) = self.file.snapshot.ecosystems.get(ecosystem) else { return Ok(None) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(data) = open.get(ecosystem) {
            return Ok(Some(data.clone()));
        }
        let folder = self.path.join(&self.file.folder);
        let (records, index) = (folder.join(records_name(ecosystem)), folder.join(index_name(ecosystem)));
        let records = File::open(&records).map_err(|e| FeedError::read(&records, e))?;
        let index = read_file(&index, self.limits.advisory_archive).map_err(|e| FeedError::read(&index, e))?;
        if digest(&records, &index).map_err(|e| FeedError::read(&folder, e))? != info.digest {
            return Err(damaged(&self.path, &format!("the data for {ecosystem} does not match its digest")));
        }
        let index = parse_index(&index).ok_or_else(|| damaged(&self.path, "an index cannot be read"))?;
        let data = Arc::new(Data { records, index });
        open.insert(ecosystem.to_owned(), data.clone());
        Ok(Some(data))
    }
}

fn damaged(path: &Path, message: &str) -> FeedError {
    FeedError::Damaged { path: path.to_owned(), message: message.to_owned() }
}

pub(crate) fn read_store_file(path: &Path, limits: &Limits) -> Result<Option<StoreFile>, FeedError> {
    let name = path.join(SNAPSHOT);
    if !name.exists() {
        return Ok(None);
    }
    let bytes = read_file(&name, limits.configuration).map_err(|e| FeedError::read(&name, e))?;
    let file: StoreFile = serde_json::from_slice(&bytes).map_err(|e| damaged(path, &format!("snapshot.json: {e}")))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if file.schema != SCHEMA || file.folder.is_empty() || !file.folder.chars().all(plain) {
        return Err(damaged(path, "snapshot.json is of another version"));
    }
    Ok(Some(file))
}

/// An ecosystem's name as part of a file name.
fn safe(ecosystem: &str) -> String {
    ecosystem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' }).collect()
}

pub(crate) fn records_name(ecosystem: &str) -> String {
    format!("{}.records", safe(ecosystem))
}

pub(crate) fn index_name(ecosystem: &str) -> String {
    format!("{}.index", safe(ecosystem))
}

/// One digest over both files of an ecosystem: the records', then the index's.
fn digest(records: &File, index: &[u8]) -> std::io::Result<Digest> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let mut reader = records;
    loop {
        let n = reader.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hasher.update(buffer.get(..n).unwrap_or_default());
    }
    Ok(combined(hasher.finish(), Digest::of(index)))
}

pub(crate) fn combined(records: Digest, index: Digest) -> Digest {
    Digest::of(format!("{records}\n{index}\n").as_bytes())
}

/// `NAME\tOFFSET,LENGTH OFFSET,LENGTH…`, one package a line.
fn parse_index(bytes: &[u8]) -> Option<HashMap<String, Vec<(u64, u32)>>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let line = |line: &str| {
        let (name, places) = line.split_once('\t')?;
        let place = |p: &str| {
            let (offset, length) = p.split_once(',')?;
            Some((offset.parse().ok()?, length.parse().ok()?))
        };
        Some((name.to_owned(), places.split(' ').map(place).collect::<Option<Vec<_>>>()?))
    };
    text.lines().map(line).collect()
}

impl Data {
    fn lookup(&self, key: &str) -> Result<Vec<Arc<Advisory>>, String> {
        let places = self.index.get(key).map(Vec::as_slice).unwrap_or_default();
        let read = |(offset, length): &(u64, u32)| {
            let mut bytes = vec![0; usize::try_from(*length).unwrap_or_default()];
            self.records.read_exact_at(&mut bytes, *offset).map_err(|e| e.to_string())?;
            Advisory::parse(&bytes).map(Arc::new).map_err(|e| e.to_string())
        };
        places.iter().map(read).collect()
    }
}

impl AdvisorySource for Store {
    fn snapshot(&self) -> &Snapshot {
        &self.file.snapshot
    }

    fn advisories(&self, ecosystem: &str, package: &str) -> Result<Vec<Arc<Advisory>>, LookupError> {
        let fail = |message: String| LookupError { ecosystem: ecosystem.to_owned(), message };
        let Some(data) = self.data(ecosystem).map_err(|e| fail(e.to_string()))? else { return Ok(vec![]) };
        data.lookup(&package_key(ecosystem, package)).map_err(fail)
    }

    fn is_known_exploited(&self, cve: &str) -> bool {
        self.kev.contains(cve)
    }
}
