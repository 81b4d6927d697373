//! What the identity token of a job says, and what others demand of it: the trust policy of an AWS role, a role of Vault or
//! OpenBao, and the builders of a trust file; and such policies and roles, written from a trust file.
//!
//! Not here: the token's signature, which is checked by whoever is shown the token, and asking anybody for anything.

mod advice;
pub mod aws;
mod builders;
mod claims;
mod difference;
pub mod export;
mod subject;
pub mod vault;
mod wildcard;

pub use builders::{BuilderFit, Fit, builders};
pub use claims::{Claims, ClaimsError, GITHUB_ISSUER};
pub use difference::{Danger, Difference, Weight};
