//! What people and machines get to read: messages, progress, tables, JSON.

pub mod columns;
pub mod console;
pub mod decision;
pub mod progress;
pub mod proof;
pub mod scan;
pub mod statements;
pub mod tree;
pub mod trust_root;
pub mod verification;
