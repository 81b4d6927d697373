//! A small registry, a throw-away signing authority, a TUF repository and stand-ins for AWS KMS, for an AWS account with ECR and
//! for GitHub's attestation store on loopback, for the demo and the tests.
//!
//! All are fakes: they keep nothing and speak plain HTTP. They follow the published protocols strictly, so that what passes
//! here has not passed by carelessness, and other vendors' clients check them in the interop tests.

mod answer;
pub mod authority;
pub mod aws;
mod body;
pub mod github;
pub mod kms;
pub mod registry;
mod server;
mod sigv4;
mod tls;
mod traffic;
pub mod tuf;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic in one handler must not hide what the others stored.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
