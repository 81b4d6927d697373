//! The committed bundle, and what the renderer refuses, tells and writes.

#![expect(clippy::expect_used, clippy::panic, reason = "a fixture that is broken fails the test")]

mod bundle;
mod controller;
mod explain;
mod legacy;
mod render;
