//! The runner's command files, and whose files are.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::commands::random_word;
use crate::context::Actions;
use crate::exit::Exit;
use crate::failure::Failure;

/// A step's summary may have so many bytes (GitHub, "Adding a job summary": 1 MiB a step). What is longer is refused as a whole.
pub const LONGEST_SUMMARY: usize = 1 << 20;
/// A step's list of artifacts may have as many (actions/runner, `FileCommandManager.cs`).
const LONGEST_LIST: usize = 1 << 20;

/// Hands outputs on. Nothing in a value can end it: the delimiter is made anew.
///
/// # Errors
/// When the runner's file cannot be written.
pub fn outputs(actions: &Actions, outputs: &[(&str, String)]) -> Result<(), Failure> {
    let Some(file) = &actions.output else { return Ok(()) };
    let mut text = String::new();
    for (name, value) in outputs {
        let word = random_word();
        text.push_str(&format!("{name}<<{word}\n{value}\n{word}\n"));
    }
    append(file, &text)
}

/// Adds to the summary of the step.
///
/// # Errors
/// When the runner's file cannot be written.
pub fn summary(actions: &Actions, markdown: &str) -> Result<(), Failure> {
    let Some(file) = &actions.summary else { return Ok(()) };
    let there = std::fs::metadata(file).map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    if there.saturating_add(markdown.len()) > LONGEST_SUMMARY {
        let said = "The report is longer than a summary may be; it stands in the log.\n";
        return if there.saturating_add(said.len()) > LONGEST_SUMMARY { Ok(()) } else { append(file, said) };
    }
    append(file, markdown)
}

/// Names what was made, for actions that attest what a job made (actions/attest: `oci://NAME@DIGEST`, or a file).
///
/// # Errors
/// When the runner's file cannot be written.
pub fn artifacts(actions: &Actions, subjects: &[String]) -> Result<(), Failure> {
    let Some(file) = &actions.artifacts else { return Ok(()) };
    let mut text = subjects.iter().map(|subject| format!("{subject}\n")).collect::<String>();
    text.truncate(LONGEST_LIST);
    append(file, &text)
}

fn append(file: &Path, text: &str) -> Result<(), Failure> {
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(file);
    opened.and_then(|mut opened| opened.write_all(text.as_bytes())).map_err(|e| {
        Failure::new(Exit::Internal, format!("the runner's file {} could not be written: {e}", file.display()))
    })
}

/// Gives files to whoever has the workspace: a container runs as root, and what belongs to root breaks the steps behind it.
///
/// # Errors
/// When the system refuses.
pub fn give_to_owner(actions: &Actions, files: &[PathBuf]) -> Result<(), Failure> {
    #[cfg(unix)]
    if let Some(workspace) = &actions.workspace {
        use std::os::unix::fs::MetadataExt as _;
        let Ok(owner) = std::fs::metadata(workspace) else { return Ok(()) };
        for file in files {
            give(file, owner.uid(), owner.gid())?;
        }
    }
    Ok(())
}

/// A link stays as it is: it could lead out of the workspace.
#[cfg(unix)]
fn give(path: &Path, user: u32, group: u32) -> Result<(), Failure> {
    use std::os::unix::fs::{MetadataExt as _, lchown};
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            give(&entry.path(), user, group)?;
        }
    }
    if metadata.is_symlink() || (metadata.uid(), metadata.gid()) == (user, group) {
        return Ok(());
    }
    lchown(path, Some(user), Some(group)).map_err(|e| {
        Failure::new(Exit::Internal, format!("{} could not be given to the workspace's owner: {e}", path.display()))
    })
}
