//! What the statements say, byte for byte, and when two say the same.

#![expect(clippy::expect_used, reason = "what helpers of tests cannot do fails the test")]

mod golden;
mod predicate;
mod same_claim;
mod shapes;
