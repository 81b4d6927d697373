//! A small registry and a throw-away signing authority on loopback, for the demo and the tests.

pub mod authority;
pub mod registry;
