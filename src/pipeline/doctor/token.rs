//! The job's identity token, of which only the claims are kept.

use sealwright_core::Redacted;
use sealwright_core::bounded::read_file;
use sealwright_ecr::AUDIENCE as AWS;
use sealwright_sign::SIGSTORE;
use sealwright_workload::Claims;
use serde_json::Value;
use tokio::runtime::Handle;

use super::row::{Outcome, Row};
use crate::cli::arguments::{Doctor, Identity};
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::token::{self, Found};

const NAME: &str = "identity-token";

/// The job's claims, and where tokens for other audiences come from.
pub(super) struct Tokens<'a> {
    identity: &'a Identity,
    context: &'a Context,
    handle: &'a Handle,
    claims: Option<Claims>,
    /// A job's endpoint gives tokens for every audience, and gave this one now.
    pub(super) fresh: bool,
}

impl<'a> Tokens<'a> {
    /// Looks for a token where signing would.
    pub(super) fn find(arguments: &'a Doctor, context: &'a Context, handle: &'a Handle) -> (Self, Row) {
        let identity = &arguments.plan.signing.identity;
        let mut tokens = Self { identity, context, handle, claims: None, fresh: false };
        let row = match token::find(identity, SIGSTORE, context) {
            Ok(Found::Token(token)) => tokens.held(&token),
            Ok(Found::Endpoint(endpoint)) => match handle.block_on(endpoint.request()) {
                Ok(token) => {
                    tokens.fresh = true;
                    tokens.held(&token)
                }
                Err(error) => refused(&Failure::from(error), context),
            },
            Err(failure) if identity.identity_token.is_some() => Row::failure(NAME, &failure),
            Ok(Found::Person) | Err(_) => missing(arguments, context),
        };
        (tokens, row)
    }

    fn held(&mut self, token: &Redacted<String>) -> Row {
        let claims = match Claims::of_token(token) {
            Ok(claims) => claims,
            Err(error) => return Row::fail(NAME, error.to_string()),
        };
        let now = self.context.now.as_second();
        let expired = claims.time("exp").is_some_and(|expiry| expiry <= now);
        let row = if expired {
            let why = "the token has expired: nobody takes it any more, and its claims are judged all the same";
            Row::new(NAME, Outcome::Warn, why)
        } else if self.fresh {
            Row::ok(NAME, "the job is given tokens")
        } else {
            Row::ok(NAME, "a token is there")
        };
        self.claims = Some(claims);
        row
    }

    /// The claims, whatever the audience.
    pub(super) fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }

    /// The claims of a token for an audience. A job is given one; of a token in a file it is clear what another would say.
    pub(super) fn for_audience(&self, audience: &str) -> Result<Option<Claims>, Failure> {
        let Some(claims) = &self.claims else { return Ok(None) };
        if !self.fresh {
            return Ok(Some(claims.for_audience(audience)));
        }
        match token::find(self.identity, audience, self.context)? {
            Found::Endpoint(endpoint) => {
                let token = self.handle.block_on(endpoint.request())?;
                Claims::of_token(&token).map(Some).map_err(|e| Failure::usage(e.to_string()))
            }
            Found::Token(_) | Found::Person => Ok(Some(claims.for_audience(audience))),
        }
    }

    /// For whom the token is.
    pub(super) fn audience(&self, arguments: &Doctor) -> Row {
        const NAME: &str = "audience";
        let Some(claims) = &self.claims else { return Row::not_checked(NAME, "there is no token") };
        let vault = arguments.plan.signing.identity.vault.audience.as_str();
        let found = claims.texts("aud");
        if [SIGSTORE, AWS, vault].iter().any(|known| found.iter().any(|found| found == known)) {
            return Row::ok(NAME, format!("the token is for {}", found.join(", ")));
        }
        let why = format!("aud is {found:?}, and nobody whom the commands ask is that");
        Row::new(NAME, Outcome::Warn, why).next([format!(
            "commands ask for tokens for {SIGSTORE} (signing), {AWS} (--aws-role) and {vault} (--vault-role); the claims are judged \
             as if the token were for each"
        )])
    }

    /// The claims for a report.
    pub(super) fn shown(&self) -> Vec<(&'static str, String)> {
        self.claims.as_ref().map(Claims::shown).unwrap_or_default()
    }
}

/// The endpoint is there and gives nothing.
fn refused(failure: &Failure, context: &Context) -> Row {
    let row = Row::failure(NAME, failure);
    if is_fork(context) { row.next([FORK]) } else { row }
}

fn missing(arguments: &Doctor, context: &Context) -> Row {
    let identity = &arguments.plan.signing.identity;
    let needed = identity.key.is_none() || identity.vault.role.is_some() || arguments.plan.ecr.role.is_some();
    if !needed {
        return Row::not_checked(NAME, "nothing that is asked for needs one: a key signs");
    }
    if !context.environment.github_actions {
        return Row::not_checked(NAME, "this is no job of GitHub Actions: name a file with --identity-token");
    }
    let row = Row::fail(NAME, "ACTIONS_ID_TOKEN_REQUEST_URL is not set: the job lacks the permission id-token: write");
    if is_fork(context) { row.next([FORK]) } else { row.next(permission("id-token")) }
}

pub(super) const FORK: &str = "a fork's pull request cannot have it, whatever the workflow says: do this on push, or in a workflow \
                               that runs on the base branch and touches nothing of the fork's";

/// The lines to add to a job.
pub(super) fn permission(scope: &str) -> Vec<String> {
    let mut lines = vec!["add to the job:".to_owned(), "  permissions:".to_owned()];
    // Whatever `permissions` does not list, it takes away.
    if scope != "contents" {
        lines.push("    contents: read".to_owned());
    }
    lines.push(format!("    {scope}: write"));
    lines
}

/// Whether the run is for a pull request of a fork (GitHub, "Webhook events and payloads", `pull_request`).
pub(super) fn is_fork(context: &Context) -> bool {
    let actions = &context.environment.actions;
    if actions.run.event.as_deref() != Some("pull_request") {
        return false;
    }
    // An event is as large as what it is about.
    let event = actions.run.event_file.as_ref().and_then(|file| read_file(file, context.limits.evidence).ok());
    let event: Value = event.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let name = |side: &str| event.pointer(&format!("/pull_request/{side}/repo/full_name"));
    name("head") != name("base")
}
