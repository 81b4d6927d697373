//! What is kept of a repository: all its files in one, which is replaced in one step, so that nobody ever sees the files of two
//! publications together.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sealwright_core::bounded::{ReadError, read_file};
use serde::{Deserialize, Serialize};
use sigstore_tuf::{Error, MetadataStore};

/// The version of the file's shape.
const SCHEMA: u32 = 1;
/// Larger than all that a client accepts in one run, in bytes.
const LARGEST: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
struct Document {
    schema: u32,
    /// For whoever opens the file.
    repository: String,
    files: BTreeMap<String, String>,
}

/// The files of a repository, by the names that `sigstore-tuf` gives them. All are JSON.
#[derive(Debug, Default)]
pub(crate) struct Files(Mutex<BTreeMap<String, Vec<u8>>>);

impl Files {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept at `path`; nothing without a file.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, String> {
        let bytes = match read_file(path, LARGEST) {
            Ok(bytes) => bytes,
            Err(ReadError::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.to_string()),
        };
        let document: Document = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        if document.schema != SCHEMA {
            return Err(format!("it is of version {}, expected {SCHEMA}", document.schema));
        }
        let files = document.files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
        Ok(Some(Self(Mutex::new(files))))
    }

    /// Replaces what is kept at `path`.
    pub(crate) fn write(&self, path: &Path, repository: &str) -> std::io::Result<()> {
        let text = |(name, bytes): (&String, &Vec<u8>)| {
            Some((name.clone(), String::from_utf8(bytes.clone()).ok()?)).filter(|_| !is_versioned(name))
        };
        let files = self.lock().iter().filter_map(text).collect();
        let document = Document { schema: SCHEMA, repository: repository.to_owned(), files };
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(&document)?)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    }

    /// A file of at most `limit` bytes.
    pub(crate) fn get(&self, name: &str, limit: u64) -> Option<Vec<u8>> {
        self.lock().get(name).filter(|bytes| bytes.len() as u64 <= limit).cloned()
    }
}

/// Whether it is a copy under the name of one version (`7.snapshot.json`): they would pile up.
fn is_versioned(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_digit())
}

impl MetadataStore for Files {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.lock().get(name).cloned())
    }

    fn store(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.lock().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_kept_in_one_and_versions_do_not_pile_up() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a/b.json");
        assert!(Files::read(&path).expect("nothing").is_none());
        let files = Files::default();
        for name in ["timestamp.json", "7.snapshot.json", "snapshot.json", "root_history/2.root.json"] {
            files.store(name, name.as_bytes()).expect("stored");
        }
        files.write(&path, "https://a").expect("written");
        let kept = Files::read(&path).expect("read").expect("there");
        assert_eq!(
            kept.lock().keys().collect::<Vec<_>>(),
            ["root_history/2.root.json", "snapshot.json", "timestamp.json"]
        );
        assert_eq!(kept.get("snapshot.json", 13).as_deref(), Some(&b"snapshot.json"[..]));
        assert_eq!(kept.get("snapshot.json", 12), None);
        assert_eq!(std::fs::read_dir(folder.path().join("a")).expect("folder").count(), 1);
        for bad in ["", "{}", r#"{"schema":2,"repository":"","files":{}}"#] {
            std::fs::write(&path, bad).expect("file");
            assert!(Files::read(&path).is_err(), "{bad}");
        }
    }
}
