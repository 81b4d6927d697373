//! Advisory records: OSV, KEV, and the snapshot that names a set of them.

mod kev;
mod osv;
mod snapshot;
mod source;

pub use kev::{Kev, KevError};
pub use osv::{Advisory, AdvisoryError, Affected, AffectedName, Event, Range, RangeKind, Rating};
pub use snapshot::{EcosystemInfo, KevInfo, Snapshot};
pub use source::{AdvisorySource, LookupError, MemorySource, package_key};

/// The ecosystem and the release of OSV's name for it: `Alpine:v3.20` is release `v3.20` of `Alpine`.
pub fn split_ecosystem(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        Some((ecosystem, release)) => (ecosystem, Some(release)),
        None => (name, None),
    }
}
