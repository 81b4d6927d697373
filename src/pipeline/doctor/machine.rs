//! The machine that the job runs on.

use sealwright_source::{Transport, ping_engine};

use super::row::Row;
use super::token::Tokens;
use crate::cli::arguments::Doctor;
use crate::context::Context;
use crate::failure::Failure;

/// From this version on, a runner knows `uses: $/…` (GitHub Changelog, 2026-07-30).
const SELF_REPOSITORY: &str = "2.336.0";

/// Whether the runner knows `uses: $/…`, which the reusable workflows are written with. No variable of a job says its version.
pub(super) fn runner(tokens: &Tokens<'_>, context: &Context) -> Row {
    const NAME: &str = "runner";
    let actions = &context.environment.actions;
    let claimed = tokens.claims().and_then(|claims| claims.text("runner_environment"));
    let kind = claimed.or_else(|| actions.runner.clone());
    if let Some(server) = actions.run.server.as_deref().filter(|server| *server != "https://github.com") {
        return Row::not_checked(NAME, format!("whether {server} knows `uses: $/…` is not known here"))
            .next(["where it does not, call the workflows at a tag or a commit of your own copy"]);
    }
    match kind.as_deref() {
        Some("github-hosted") => Row::ok(NAME, format!("GitHub's own runners are newer than {SELF_REPOSITORY}")),
        Some(kind) => {
            Row::not_checked(NAME, format!("the version of a runner that is {kind:?} is not known: no variable of a job says it"))
                .next([format!(
                    "look at \"Current runner version\" under \"Set up job\" in the log: `uses: $/…` needs {SELF_REPOSITORY} or newer"
                )])
        }
        None => Row::not_checked(NAME, "this is no job of GitHub Actions"),
    }
}

/// The Docker engine, which a source may be in.
pub(super) fn docker(arguments: &Doctor, context: &Context) -> Row {
    const NAME: &str = "docker";
    let needed = matches!(arguments.source, Some(Transport::DockerDaemon { .. }));
    match ping_engine(context.environment.docker_host.as_deref()) {
        Ok(socket) => Row::ok(NAME, format!("an engine answers at {socket}")),
        Err(error) if needed => Row::failure(NAME, &Failure::usage(error.to_string())).next([
            "run the job where a Docker engine is, or let the build write oci-archive:FILE or docker-archive:FILE instead",
        ]),
        Err(_) => Row::not_checked(NAME, "no Docker engine answers here: only docker-daemon: and container actions need one"),
    }
}
