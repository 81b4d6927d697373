//! The page of `prove`. `page.rs` says once what stands on it and in which order; each form only knows how to write headings,
//! facts, tables and commands, and how to escape what statements say.

mod html;
mod markdown;
mod page;
mod text;

pub use html::html;
pub use markdown::markdown;
pub use text::text;

use crate::pipeline::prove::Proof;

/// For a machine.
pub fn json(proof: &Proof) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(proof).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
