//! The trust file: parsing with positions, inheritance, canonical form and digest.
//!
//! Nothing here reads a file: the bytes are handed in, and those of the parent (`extends`) are asked for by name.

mod canonical;
mod document;
mod error;
mod parse;
mod pattern;
mod reader;
mod rules;
mod schema;
mod tighten;
mod whole;
pub mod yaml;

pub use error::{PolicyError, Position};
pub use parse::parse;
pub use pattern::{PathPattern, PatternError};
pub use rules::{
    Builder, BuilderIdentity, EvidenceRules, GateRules, KeyRule, KeylessRule, Policy, ProvenanceRule, PullRequest,
    Runner, SbomFormat, SbomRule, ScanRule, SignersRule, SourceRule, SubjectRule, Transparency, Waiver, Word,
    pull_request,
};
pub use schema::json_schema;
pub use whole::whole_regex;
