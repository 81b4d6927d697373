//! What the statements say, byte for byte, and when two say the same.

mod golden;
mod predicate;
mod same_claim;
mod shapes;
