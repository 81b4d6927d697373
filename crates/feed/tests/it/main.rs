//! The store and what fills it: files, archives that lie, and a server that fails in every way.

#![expect(clippy::expect_used, reason = "a broken fixture fails the test")]

mod import;
mod server;
mod update;

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sealwright_core::Limits;
use sealwright_feed::{Backwards, FeedError, ImportReport, import};

pub(crate) fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().expect("time")
}

pub(crate) fn record(id: &str, modified: &str, ecosystem: &str, package: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"{modified}","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{package}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}]}}]}}]}}"#
    )
}

/// An archive of files.
pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("entry");
        archive.write_all(contents.as_bytes()).expect("contents");
    }
    archive.finish().expect("archive").into_inner()
}

/// An export of so many records of one ecosystem.
pub(crate) fn export(ecosystem: &str, count: usize, modified: &str) -> Vec<u8> {
    let files: Vec<(String, String)> = (0..count)
        .map(|i| (format!("X-{i}.json"), record(&format!("X-{i}"), modified, ecosystem, &format!("package-{}", i % 7))))
        .collect();
    let borrowed: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    zip(&borrowed)
}

pub(crate) fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("folder")).expect("folders");
    std::fs::write(&path, bytes).expect("file");
    path
}

pub(crate) fn bring(folder: &Path, paths: &[PathBuf]) -> Result<ImportReport, FeedError> {
    import(paths, &folder.join("db"), &Limits::default(), now(), Backwards::Refuse)
}

/// Every file below a folder with its contents.
pub(crate) fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.clone(), sealwright_core::bounded::read_file(&path, 1 << 24).expect("file")));
            }
        }
    }
    found.sort();
    found
}
