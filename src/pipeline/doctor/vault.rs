//! A role of Vault or OpenBao against the job's claims.

use sealwright_core::bounded::read_file;
use sealwright_workload::Weight;
use sealwright_workload::vault::{Evaluation, Role};
use tokio::runtime::Handle;

use super::aws::told;
use super::row::{Outcome, Row};
use super::token::Tokens;
use crate::cli::arguments::{Doctor, Identity};
use crate::cli::key_ref::{Dialect, KeyRef};
use crate::context::Context;
use crate::exit::Exit;
use crate::pipeline::vault::{self, Shown};

const NAME: &str = "vault-role";

/// The role: that in a file, else that of `--vault-role` as Vault shows it.
pub(super) fn role(arguments: &Doctor, tokens: &Tokens<'_>, context: &Context, handle: &Handle) -> Row {
    let flags = &arguments.plan.signing.identity.vault;
    if arguments.vault_role_file.is_none() && flags.role.is_none() {
        return Row::not_checked(NAME, "neither --vault-role-file names a file nor --vault-role a role");
    }
    let claims = match tokens.for_audience(&flags.audience) {
        Ok(Some(claims)) => claims,
        Ok(None) => return Row::not_checked(NAME, "there is no token to compare it with"),
        Err(failure) => return Row::failure(NAME, &failure),
    };
    let role = match &arguments.vault_role_file {
        Some(file) => read_file(file, context.limits.configuration)
            .map_err(|e| e.to_string())
            .and_then(|bytes| Role::parse(&bytes).map_err(|e| e.to_string()))
            .map_err(|why| Row::fail(NAME, format!("{}: {why}", file.display()))),
        None => shown(&arguments.plan.signing.identity, context, handle),
    };
    match role {
        Ok(role) => judged(&role.evaluate(&claims)),
        Err(row) => row,
    }
}

/// The role of a server, or the row that says why there is none. That nobody may read it is no failure of the job.
fn shown(identity: &Identity, context: &Context, handle: &Handle) -> Result<Role, Row> {
    let (Some(name), Some(KeyRef::Vault { dialect, .. })) = (&identity.vault.role, &identity.key) else {
        return Err(Row::not_checked(NAME, "--vault-role is for a key of Vault or OpenBao, and --key names none"));
    };
    let method = identity.vault.auth.as_deref().unwrap_or("jwt");
    let path = format!("auth/{}/role/{name}", method.trim_matches('/'));
    let program = match dialect {
        Dialect::Vault => "vault",
        Dialect::OpenBao => "bao",
    };
    let by_hand = [
        format!("  {program} read -format=json {path} > role.json"),
        "  sealwright doctor --vault-role-file role.json".to_owned(),
    ];
    let document = match vault::role(*dialect, method, name, context, handle) {
        Ok(Shown::Role(role)) => role,
        Ok(Shown::Missing) => {
            let row = Row::fail(NAME, format!("there is nothing at {path}"));
            return Err(row.next([
                "name the path of the auth method with --vault-auth, or write the role:".to_owned(),
                "  sealwright policy export --format vault-role --outfile role.json".to_owned(),
                format!("  {program} write {path} @role.json"),
            ]));
        }
        Ok(Shown::Denied(why)) => {
            let row = Row::not_checked(NAME, format!("the role could not be read: {why}"));
            let policy = "the policy of the token lacks this line, or read the role elsewhere:".to_owned();
            let line = format!("  path \"{path}\" {{ capabilities = [\"read\"] }}");
            return Err(row.next([policy, line]).next(by_hand));
        }
        Ok(Shown::NotAsked(why)) => {
            return Err(Row::not_checked(NAME, format!("the role could not be read: {why}")).next(by_hand));
        }
        Err(failure) => return Err(Row::failure(NAME, &failure)),
    };
    Role::parse(document.to_string().as_bytes()).map_err(|e| Row::fail(NAME, format!("{path}: {e}")))
}

fn judged(evaluation: &Evaluation) -> Row {
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
