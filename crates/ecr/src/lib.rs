//! Amazon ECR: which registries are one, logins with AWS credentials, which tags may be written again, and the trust policy of the
//! role that is assumed for it.
//!
//! Not here: the registry itself, which speaks the distribution specification like any other (`sealwright-registry`), and the
//! workload's identity token (`sealwright-sign`).

mod client;
mod endpoints;
mod error;
mod host;
mod iam;
mod mutability;
mod role;
mod session_policy;

pub use client::{Client, Login, WhoAsks};
pub use endpoints::{endpoints, trust_policy_endpoints};
pub use error::EcrError;
pub use host::{Host, Partition, Private};
pub use iam::{GET_ROLE, trust_policy};
pub use mutability::{Mutability, WildcardFilter};
pub use role::{AUDIENCE, RoleArn};
pub use session_policy::{Access, Scope};
