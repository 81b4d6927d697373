//! GitHub's API: the attestation store (GitHub REST API, "Attestations"), where bundles are put and found by digest, and three
//! places for reports: code scanning, the dependency graph, and what an organization knows of its artifacts.
//!
//! Nothing is verified here. What was found goes on as the bytes that were sent, so that the verifier reads what the store
//! has and not what a parser made of it.

mod answer;
mod code_scanning;
mod commit;
mod compressed;
mod dependency_graph;
mod error;
mod fetch;
mod http;
mod link;
mod name;
mod predicate;
mod probe;
mod push;
mod storage_record;

pub use code_scanning::{Processing, Upload};
pub use commit::Commit;
pub use compressed::unpack;
pub use dependency_graph::{Snapshot, Submitted};
pub use error::{GitHubError, Surface};
pub use fetch::{Bounds, Fetched};
pub use http::{Options, Store};
pub use name::{Place, RepositoryName};
pub use predicate::{LARGEST_PREDICATE, check_size};
pub use probe::{Permission, Probed};
pub use storage_record::StorageRecord;

pub use answer::Page;
