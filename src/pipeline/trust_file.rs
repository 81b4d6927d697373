//! Finds and reads the trust file. Its parent (`extends`) lies relative to it.

use std::path::{Path, PathBuf};

use sealwright_core::Limits;
use sealwright_core::bounded::read_file;
use sealwright_policy::Policy;

use crate::context::Context;
use crate::failure::Failure;

/// The effective rules and where they came from.
#[derive(Debug, Clone)]
pub struct TrustFile {
    /// The rules.
    pub policy: Policy,
    /// The file, or `built-in`.
    pub name: String,
}

/// The trust file that was named; nothing is looked for.
///
/// # Errors
/// When it cannot be read or does not hold together.
pub fn read(path: &Path, limits: &Limits) -> Result<TrustFile, Failure> {
    let name = path.display().to_string();
    let bytes = read_file(path, limits.configuration)
        .map_err(|e| Failure::usage(format!("trust file {name} could not be read: {e}")))?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let parent = |file: &str| {
        let path = folder.join(file);
        read_file(&path, limits.configuration).map_err(|e| format!("{}: {e}", path.display()))
    };
    let policy = sealwright_policy::parse(&bytes, &name, &parent).map_err(|e| Failure::usage(e.to_string()))?;
    Ok(TrustFile { policy, name })
}

/// For `seal` and `scan`: the named file, else `sealwright.yaml` or `.github/sealwright.yaml` at the root of the checkout,
/// or in the working directory without one.
///
/// # Errors
/// As [`read`].
pub fn find(asked: Option<&Path>, context: &Context) -> Result<Option<TrustFile>, Failure> {
    let found = asked.map(Path::to_path_buf).or_else(|| discover(&context.environment.working_directory));
    found.map(|path| read(&path, &context.limits)).transpose()
}

fn discover(working_directory: &Path) -> Option<PathBuf> {
    let checkout = working_directory.ancestors().find(|folder| folder.join(".git").exists());
    let root = checkout.unwrap_or(working_directory);
    ["sealwright.yaml", ".github/sealwright.yaml"].map(|name| root.join(name)).into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_at_the_root_of_the_checkout_is_found_from_below_and_no_file_above_it() {
        let folder = tempfile::tempdir().expect("folder");
        let checkout = folder.path().join("checkout");
        let below = checkout.join("a/b");
        std::fs::create_dir_all(&below).expect("folders");
        std::fs::write(folder.path().join("sealwright.yaml"), "").expect("a file above");
        assert_eq!(discover(&below), None, "without a checkout only the working directory is looked at");
        std::fs::create_dir_all(checkout.join(".git")).expect("checkout");
        std::fs::create_dir_all(checkout.join(".github")).expect("folder");
        assert_eq!(discover(&below), None);
        std::fs::write(checkout.join(".github/sealwright.yaml"), "").expect("file");
        assert_eq!(discover(&below), Some(checkout.join(".github/sealwright.yaml")));
        std::fs::write(checkout.join("sealwright.yaml"), "").expect("file");
        assert_eq!(discover(&below), Some(checkout.join("sealwright.yaml")));
    }
}
