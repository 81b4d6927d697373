//! Trusted roots and signing configs of Sigstore instances, by The Update Framework (TUF specification 1.0).
//!
//! What is kept and has not expired is used without any request. It is verified anew each time, from the initial root on, so
//! that whoever can write the cache can make it useless and nothing else.
//!
//! Not here: what the files say, and the flags that name an instance.

mod cache;
mod client;
mod error;
mod repository;
mod transport;

pub use client::{Material, RoleState, Source, kept, open, update};
pub use error::TrustError;
pub use repository::Repository;

/// The target with the keys and certificates of an instance.
pub const TRUSTED_ROOT: &str = "trusted_root.json";
/// The target with the endpoints of an instance.
pub const SIGNING_CONFIG: &str = "signing_config.v0.2.json";
/// The same with a log of version 2 (sigstore/root-signing#1642).
pub const SIGNING_CONFIG_REKOR_V2: &str = "signing_config_rekor_v2.v0.2.json";
