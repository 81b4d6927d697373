//! `docs/reference`: written from the code, never by hand; drift fails the `documents` tier.

use std::fs;

use sealwright_core::bounded::read_file;

use crate::process::root;

/// Writes every generated document.
pub(crate) fn write() -> Result<(), String> {
    let folder = root().join("docs/reference");
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for (name, text) in sealwright::reference::documents() {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        println!("wrote docs/reference/{name}");
    }
    Ok(())
}

/// Compares every generated document with what lies in the folder.
pub(crate) fn check() -> Result<(), String> {
    let folder = root().join("docs/reference");
    let drifted: Vec<&str> = sealwright::reference::documents()
        .into_iter()
        .filter(|(name, text)| !read_file(&folder.join(name), 16 << 20).is_ok_and(|found| found == text.as_bytes()))
        .map(|(name, _)| name)
        .collect();
    if drifted.is_empty() {
        println!("docs/reference is up to date");
        return Ok(());
    }
    Err(format!("docs/reference has drifted ({}): run cargo xtask generate", drifted.join(", ")))
}
