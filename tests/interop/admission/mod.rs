//! What the tiers `kyverno` and `cluster` share: images with chosen evidence, the policies for their trust file, and the table of
//! bypasses with what is expected of each.

pub(crate) mod foretold;
pub(crate) mod images;
pub(crate) mod pods;
pub(crate) mod rows;
pub(crate) mod signer;
