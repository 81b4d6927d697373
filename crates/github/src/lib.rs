//! GitHub's attestation store (GitHub REST API, "Attestations"): bundles are put there and found there by digest.
//!
//! Nothing is verified here. What was found goes on as the bytes that were sent, so that the verifier reads what the store
//! has and not what a parser made of it.

mod answer;
mod compressed;
mod error;
mod fetch;
mod http;
mod link;
mod name;
mod predicate;
mod push;

pub use compressed::unpack;
pub use error::GitHubError;
pub use fetch::{Bounds, Fetched};
pub use http::{Options, Store};
pub use name::{Place, RepositoryName};
pub use predicate::{LARGEST_PREDICATE, check_size};

pub use answer::Page;
