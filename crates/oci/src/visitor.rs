//! Who looks at the entries of a layer.

use std::io::{self, Read};

use crate::entry::EntryMeta;

/// Sees each entry of a layer once, in the order of the archive.
pub trait EntryVisitor {
    /// One entry. `contents` gives exactly `meta.size` bytes, with sparse holes as zeros; what is not read is skipped.
    ///
    /// # Errors
    /// An error of `contents` has to be handed on; it ends the layer.
    fn entry(&mut self, meta: &EntryMeta, contents: &mut dyn Read) -> io::Result<()>;
}
