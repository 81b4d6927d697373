//! What is typed: arguments, and the values they are made of.

pub mod arguments;
pub mod key_ref;
pub mod output;
pub mod parameters;
