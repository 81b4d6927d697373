//! What several fuzz targets share: archives and executables around the bytes that are fuzzed, and what holds of every
//! inventory.

mod archive;
mod executable;
mod inventory;
mod memory;

pub use archive::{mend_checksums, tar};
pub use executable::auditable;
pub use inventory::{assert_sound, assert_survives_sboms, catalog_file};
pub use memory::{InMemory, open_archive};
