//! The workflows and actions of this repository: read as data, judged by rules, and described in `docs/reference`.
//!
//! Nothing is run here, and the syntax is not judged either: that is what the tier `workflows` has linters for.

mod model;
mod page;
mod pins;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use sealwright_core::bounded::read_file;

pub(crate) use model::Repository;
pub(crate) use page::{action_page, workflows_page};
pub(crate) use rules::broken;

/// A workflow or action is at most this long, in bytes.
const LONGEST: u64 = 1 << 20;

/// Everything that GitHub runs, or that callers copy: paths and texts.
const FOLDERS: [&str; 5] = [".github/workflows", "workflows", ".", "action", "setup"];

impl Repository {
    /// Reads the files below `root`. A folder that is missing holds nothing.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let mut texts = Vec::new();
        for folder in FOLDERS {
            for path in files(&root.join(folder))? {
                let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                let bytes = read_file(&path, LONGEST).map_err(|e| format!("{name}: {e}"))?;
                texts.push((name.clone(), String::from_utf8(bytes).map_err(|e| format!("{name}: {e}"))?));
            }
        }
        Self::parse(texts)
    }
}

/// The YAML files of a folder; of the root and of an action's folder only the action.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(vec![]) };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| format!("{}: {e}", folder.display()))?.path();
        let yaml = path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
        let workflows = folder.ends_with("workflows");
        if path.is_file() && yaml && (workflows || path.file_name().is_some_and(|name| name == "action.yml")) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The action once more, in a folder of its own: the runner refuses `uses: $/` without a path (actions/runner#4457).
pub(crate) fn action_in_folder(action: &str) -> String {
    const FILE: &str = "  image: ../Dockerfile # zizmor: ignore[unpinned-images] a file, not an image";
    let mut text = String::from(
        "# Generated from ../action.yml by `cargo xtask generate`, so that `uses: $/action` is the same; do not edit.\n",
    );
    text.push_str(&action.replace("  image: Dockerfile", FILE));
    text
}
