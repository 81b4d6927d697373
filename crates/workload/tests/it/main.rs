//! Trust policies against tokens, as somebody writes them.

#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a broken fixture fails the test")]

mod aws;
mod export;
mod fixtures;
