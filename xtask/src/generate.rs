//! Files that are written from others, never by hand: `docs/reference` from the code and the workflows, `setup/action.yml` and
//! `action/action.yml` from `action.yml`, `policies/` from its trust files, the READMEs of `charts/` from their values. Drift fails
//! the `documents` tier.

use std::fs;

use sealwright_core::bounded::read_file;

use crate::policies;
use crate::process::root;
use crate::workflows::{Repository, action_in_folder, action_page, workflows_page};
use crate::{charts, setup_action};

/// No generated file and nothing that one is made from is larger, in bytes.
const LIMIT: u64 = 16 << 20;

/// Writes every generated file.
pub(crate) fn write() -> Result<(), String> {
    for (name, text) in files()? {
        let path = root().join(&name);
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        println!("wrote {name}");
    }
    Ok(())
}

/// Compares every generated file with the one that is there.
pub(crate) fn check() -> Result<(), String> {
    let mut drifted = files()?;
    drifted.retain(|(name, text)| !read_file(&root().join(name), LIMIT).is_ok_and(|found| found == text.as_bytes()));
    if drifted.is_empty() {
        println!("every generated file is up to date");
        return Ok(());
    }
    let names: Vec<String> = drifted.into_iter().map(|(name, _)| name).collect();
    Err(format!("generated files have drifted ({}): run cargo xtask generate", names.join(", ")))
}

/// Every generated file: its path in the repository, and its text.
fn files() -> Result<Vec<(String, String)>, String> {
    let documents = sealwright::reference::documents().into_iter();
    let mut files: Vec<_> = documents.map(|(name, text)| (format!("docs/reference/{name}"), text)).collect();
    let repository = Repository::read(&root())?;
    let action = repository.action().ok_or("there is no action.yml")?;
    files.push(("setup/action.yml".to_owned(), setup_action::render(&action.text)?));
    files.push(("action/action.yml".to_owned(), action_in_folder(&action.text)));
    files.push(("docs/reference/action.md".to_owned(), action_page(action)));
    files.push(("docs/reference/workflows.md".to_owned(), workflows_page(&repository)));
    files.extend(policies::files()?);
    files.extend(charts::files()?);
    Ok(files)
}
