//! OCI manifests, indexes, layouts and the verified entry stream of a layer.

mod blob;
mod config;
mod descriptor;
mod entry;
mod layer;
mod manifest;
pub mod media_type;
mod resolve;
mod visitor;

pub use blob::{BlobError, Blobs, ImageSource, read_blob};
pub use config::{ImageConfig, RootFs};
pub use descriptor::Descriptor;
pub use entry::{EntryKind, EntryMeta, link_target};
pub use layer::{LayerError, LayerSummary, TarError, read_layer, read_tar};
pub use manifest::{Document, DocumentError, Index, Manifest};
pub use resolve::{PlatformImage, ResolveError, ResolvedImage, Wanted, resolve};
pub use visitor::EntryVisitor;
