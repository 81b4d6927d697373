//! The identity token of a workload: from a file, the environment, or the token endpoint of its CI system.

use sealwright_core::Redacted;
use sealwright_sign::{JobTokens, SIGSTORE};

use crate::cli::arguments::Identity;
use crate::commands::read_input;
use crate::context::Context;
use crate::failure::Failure;

/// Where a token comes from.
pub enum Found {
    /// It is here.
    Token(Redacted<String>),
    /// A job's endpoint gives one, and another one later.
    Endpoint(JobTokens),
    /// Somebody at a terminal can be asked.
    Person,
}

/// The first of: the workload's own, a person. Nobody is asked yet.
///
/// # Errors
/// When there is none of them, or it cannot be used.
pub fn find(identity: &Identity, audience: &str, context: &Context) -> Result<Found, Failure> {
    if let Some(found) = of_workload(identity, audience, context)? {
        return Ok(found);
    }
    let environment = &context.environment;
    if context.console.is_interactive() && !environment.ci {
        return Ok(Found::Person);
    }
    let what = format!("an OpenID Connect token for the audience {audience} is needed");
    Err(Failure::usage(what).hint(if environment.github_actions {
        "the job has no token endpoint: give it `permissions: id-token: write`"
    } else {
        "name a file with --identity-token, set SIGSTORE_ID_TOKEN, or sign with a key: --key cosign.key --transparency none"
    }))
}

/// The first of: `--identity-token`, `SIGSTORE_ID_TOKEN` (which is for one audience), the endpoint of a job of GitHub Actions or
/// Buildkite. Nothing where no workload runs that could say who it is.
///
/// # Errors
/// When it cannot be used.
pub fn of_workload(identity: &Identity, audience: &str, context: &Context) -> Result<Option<Found>, Failure> {
    let environment = &context.environment;
    if let Some(file) = &identity.identity_token {
        let token = read_input(file, context.limits.configuration)?;
        let token = String::from_utf8(token).map_err(|_| Failure::usage("the identity token is no text"))?;
        return Ok(Some(Found::Token(Redacted::new(token))));
    }
    if let (SIGSTORE, Some(token)) = (audience, &environment.identity_token) {
        return Ok(Some(Found::Token(token.clone())));
    }
    if let Some((url, bearer)) = &environment.token_endpoint {
        let endpoint = JobTokens::github(url, bearer.clone(), audience, context.timeout)?;
        return Ok(Some(Found::Endpoint(endpoint)));
    }
    if let Some(job) = &environment.buildkite {
        let (endpoint, token) = (job.endpoint.as_deref(), job.access_token.clone());
        let endpoint = JobTokens::buildkite(endpoint, token, &job.job, audience, context.timeout)?;
        return Ok(Some(Found::Endpoint(endpoint)));
    }
    Ok(None)
}
