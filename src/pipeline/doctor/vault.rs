//! A role of Vault or OpenBao against the job's claims.

use sealwright_core::bounded::read_file;
use sealwright_workload::Weight;
use sealwright_workload::vault::Role;

use super::aws::told;
use super::row::{Outcome, Row};
use super::token::Tokens;
use crate::cli::arguments::Doctor;
use crate::context::Context;
use crate::exit::Exit;

/// The role in a file.
pub(super) fn role(arguments: &Doctor, tokens: &Tokens<'_>, context: &Context) -> Row {
    const NAME: &str = "vault-role";
    let flags = &arguments.plan.signing.identity.vault;
    let Some(file) = &arguments.vault_role_file else {
        let row = Row::not_checked(NAME, "no --vault-role-file names a file");
        return match &flags.role {
            Some(role) => row.next([format!(
                "vault read -format=json auth/{}/role/{role} > role.json",
                flags.auth.as_deref().unwrap_or("jwt")
            )]),
            None => row,
        };
    };
    let claims = match tokens.for_audience(&flags.audience) {
        Ok(Some(claims)) => claims,
        Ok(None) => return Row::not_checked(NAME, "there is no token to compare it with"),
        Err(failure) => return Row::failure(NAME, &failure),
    };
    let role = read_file(file, context.limits.configuration)
        .map_err(|e| e.to_string())
        .and_then(|bytes| Role::parse(&bytes).map_err(|e| e.to_string()));
    let evaluation = match role {
        Ok(role) => role.evaluate(&claims),
        Err(why) => return Row::fail(NAME, format!("{}: {why}", file.display())),
    };
    let mut row = if evaluation.differences.is_empty() {
        Row::ok(NAME, "the job may log in")
    } else {
        let mut row = Row::fail(NAME, "the job may not log in");
        told(&mut row, "the role", &evaluation.differences);
        row
    };
    for danger in &evaluation.dangers {
        row.why.push(danger.to_string());
        row.outcome = match (row.outcome, danger.weight) {
            (Outcome::Fail(exit), _) => Outcome::Fail(exit),
            (_, Weight::Severe) => Outcome::Fail(Exit::Usage),
            (_, Weight::Remarkable) => Outcome::Warn,
        };
    }
    row
}
