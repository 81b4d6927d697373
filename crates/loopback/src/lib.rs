//! A small registry on loopback, for the demo and the tests.

pub mod registry;
