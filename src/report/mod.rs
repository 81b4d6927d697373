//! What people and machines get to read: messages, progress, tables, JSON.

pub mod annotations;
pub mod columns;
pub mod console;
pub mod decision;
pub mod doctor;
pub mod explain;
pub mod judged;
pub mod lint;
mod lint_sarif;
pub mod markdown;
pub mod progress;
pub mod proof;
pub mod sarif;
pub mod scan;
pub mod span;
pub mod statements;
pub mod summary;
pub mod tree;
pub mod trust_root;
pub mod verification;
