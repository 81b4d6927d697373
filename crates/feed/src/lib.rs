//! Fetches advisory data and keeps it: resumable, checked, atomic.
//!
//! A store is a folder: `snapshot.json` names one folder of data files beside it. New data is written to a folder of its own
//! and becomes the store's by one rename of `snapshot.json`; until then, and after any failure, the old store is whole.

mod archive;
mod commit;
mod download;
mod error;
mod import;
mod store;
mod update;

pub use error::FeedError;
pub use import::{ImportReport, import};
pub use store::Store;
pub use update::{PUBLIC_KEV_CATALOG, PUBLIC_OSV_EXPORT, UpdateOptions, update};

/// What to do with data that is older than, or lacks more than a twentieth of, what it replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backwards {
    /// Refuse it: an attacker who can serve old data hides new flaws.
    Refuse,
    /// Accept it, because a person said so.
    Accept,
}
