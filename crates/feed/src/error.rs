//! Why there is no new data, or none at all.

use std::path::{Path, PathBuf};

/// What went wrong. The store that was there is untouched.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A file or folder of this machine.
    #[error("{} could not be {doing}: {message}", path.display())]
    Local {
        /// Which.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        message: String,
    },
    /// There is no store.
    #[error("there is no advisory store at {}", path.display())]
    NoStore {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The store's files are not what its snapshot says.
    #[error("the advisory store at {} is damaged: {message}", path.display())]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What differs.
        message: String,
    },
    /// Data that was given or fetched cannot be used.
    #[error("{source_name} is no advisory data that can be used: {message}")]
    Broken {
        /// The file or address.
        source_name: String,
        /// Why.
        message: String,
    },
    /// Data goes back in time, or lost records.
    #[error("the data for {ecosystem} goes backwards: {message}")]
    Backwards {
        /// The ecosystem.
        ecosystem: String,
        /// How.
        message: String,
    },
    /// The server is not there, refuses, or does not have it.
    #[error("{url} could not be fetched: {message}")]
    Upstream {
        /// The address.
        url: String,
        /// Why.
        message: String,
    },
}

impl FeedError {
    /// Whether an upstream is at fault.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Upstream { .. })
    }

    pub(crate) fn read(path: &Path, error: impl ToString) -> Self {
        Self::Local { path: path.to_owned(), doing: "read", message: error.to_string() }
    }

    pub(crate) fn write(path: &Path, error: impl ToString) -> Self {
        Self::Local { path: path.to_owned(), doing: "written", message: error.to_string() }
    }

    pub(crate) fn broken(source_name: &str, message: impl Into<String>) -> Self {
        Self::Broken { source_name: source_name.to_owned(), message: message.into() }
    }
}
