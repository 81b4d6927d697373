//! The trust policy of an AWS role, and whether it lets a job's token assume the role (`sts:AssumeRoleWithWebIdentity`).
//!
//! Statements are judged as IAM does (IAM User Guide, "Policy evaluation logic"): one that denies wins, else one has to allow.
//! What depends on more than the token (`aws:SourceIp`, a policy variable) is not known here, and that is said.

mod condition;
mod danger;
mod document;
mod evaluate;

pub use document::{DocumentError, TrustPolicy};
pub use evaluate::{Evaluation, Judged, Outcome, Verdict};

/// The claims of GitHub's tokens that AWS knows as condition keys, behind the provider's name (AWS Service Authorization Reference,
/// "Condition keys for AWS Security Token Service"; IAM User Guide, "Available keys for AWS OIDC federation").
const KEYS: [&str; 15] = [
    "actor",
    "actor_id",
    "amr",
    "aud",
    "azp",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "oaud",
    "ref",
    "repository",
    "repository_id",
    "repository_owner_id",
    "sub",
    "workflow",
];

/// A text as a value of `StringEquals` or `StringLike` that fits it and nothing else.
pub(crate) fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '*' => "${*}".to_owned(),
        '?' => "${?}".to_owned(),
        '$' => "${$}".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}
