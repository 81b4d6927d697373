//! Judges findings by rules and waivers; the only maker of a clearance.

mod cleared;
mod judge;
mod rule;

pub use cleared::{Cleared, ClearedImage, NotCleared};
pub use judge::{EcosystemAge, Evidence, Judgment, judge};
