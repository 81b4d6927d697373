//! OCI manifests, indexes, layouts and the verified entry stream of a layer.

mod entry;

pub use entry::{EntryKind, EntryMeta};
