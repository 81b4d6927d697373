//! What the job's token for GitHub's API may do, for what is asked for.

use sealwright_github::{Permission, RepositoryName, Surface};
use tokio::runtime::Handle;

use super::clock::Clocks;
use super::row::{Outcome, Row};
use super::token::{FORK, Tokens, is_fork, permission};
use crate::cli::arguments::Doctor;
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::github;

/// A row for each permission.
pub(super) fn permissions(
    arguments: &Doctor,
    tokens: &Tokens<'_>,
    clocks: &mut Clocks,
    context: &Context,
    handle: &Handle,
) -> Vec<Row> {
    let asked = [
        (Surface::Attestations, arguments.plan.signing.push_to_github, "--push-to-github"),
        (Surface::CodeScanning, arguments.sarif.is_some(), "--sarif"),
        (Surface::DependencyGraph, arguments.dependencies.is_some(), "--dependencies"),
        (Surface::ArtifactMetadata, arguments.storage_record.is_some(), "--storage-record"),
    ];
    let one = |(surface, asked, flag): (Surface, bool, &str)| {
        if !asked {
            return Row::not_checked(surface.scope(), format!("{flag} does not ask for it"));
        }
        check(surface, tokens, clocks, context, handle)
            .unwrap_or_else(|failure| Row::failure(surface.scope(), &failure))
    };
    asked.into_iter().map(one).collect()
}

fn check(
    surface: Surface,
    tokens: &Tokens<'_>,
    clocks: &mut Clocks,
    context: &Context,
    handle: &Handle,
) -> Result<Row, Failure> {
    let scope = surface.scope();
    if context.environment.github_token.is_none() {
        return Ok(Row::fail(scope, "there is no token for GitHub's API: neither GH_TOKEN nor GITHUB_TOKEN is set")
            .next(["add to the step:", "  env:", "    GITHUB_TOKEN: ${{ github.token }}"]));
    }
    let claimed = tokens.claims().and_then(|claims| claims.text("repository"));
    let name = claimed.or_else(|| context.environment.github_repository.clone());
    let name =
        name.ok_or_else(|| Failure::usage("it is not known which repository is meant: set GITHUB_REPOSITORY"))?;
    let repository: RepositoryName = name.parse().map_err(Failure::usage)?;
    let probed = handle.block_on(github::open(context)?.probe(surface, &repository))?;
    clocks.date("GitHub", probed.date.as_deref());
    Ok(match probed.permission {
        Permission::Given => Row::ok(scope, format!("the token has {scope}: write in {repository}")),
        Permission::NotSaid(said) => {
            Row::new(scope, Outcome::Warn, format!("GitHub does not say whether the token has {scope}: write: {said}"))
        }
        Permission::Refused(said) => {
            let accepted = probed.accepted.map(|accepted| format!("; it accepts {accepted}")).unwrap_or_default();
            let row = Row::fail(scope, format!("the token lacks {scope}: write in {repository}: {said}{accepted}"));
            if is_fork(context) { row.next([FORK]) } else { row.next(permission(scope)) }
        }
    })
}
