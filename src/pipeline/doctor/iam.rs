//! The trust policy of the role as IAM has it, read by the role itself, else with the AWS credentials that are found.

use std::time::SystemTime;

use sealwright_ecr::{EcrError, GET_ROLE, Host, RoleArn, WhoAsks, trust_policy as fetch};
use sealwright_workload::aws::TrustPolicy;
use tokio::runtime::Handle;

use super::row::{Outcome, Row};
use super::token::Tokens;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::ecr;

/// The check that it is for.
pub(super) const NAME: &str = "aws-trust-policy";

/// The policy, or the row that says why there is none. That nobody may read it is no failure of the job.
pub(super) fn trust_policy(
    role: &RoleArn,
    near: Option<&Host>,
    tokens: &Tokens<'_>,
    context: &Context,
    handle: &Handle,
) -> Result<TrustPolicy, Row> {
    let mut refusals = Vec::new();
    let mut ask = |as_whom: &str, who: Result<WhoAsks, Failure>| {
        let read = who.map_err(Refused::Nobody).and_then(|who| {
            let asked = fetch(role, &who, near, SystemTime::from(context.now), context.timeout);
            handle.block_on(asked).map_err(Refused::Aws)
        });
        match read {
            Ok(document) => Some(judgeable(role, &document)),
            Err(Refused::Aws(error @ EcrError::Unavailable { action: GET_ROLE, .. })) => {
                Some(Err(Row::failure(NAME, &Failure::new(Exit::Unavailable, error.to_string()))))
            }
            Err(Refused::Aws(error)) => {
                refusals.push(format!("{as_whom}: {error}"));
                None
            }
            Err(Refused::Nobody(failure)) => {
                refusals.push(format!("{as_whom}: {}", failure.message));
                None
            }
        }
    };
    let by_itself = if tokens.fresh { ask("as the role", itself(role, context, handle)) } else { None };
    let read = by_itself.or_else(|| ask("with the AWS credentials that are found", Ok(WhoAsks::Ambient)));
    read.unwrap_or_else(|| Err(not_read(role, refusals)))
}

/// Why there is no policy from one of them.
enum Refused {
    Nobody(Failure),
    Aws(EcrError),
}

fn itself(role: &RoleArn, context: &Context, handle: &Handle) -> Result<WhoAsks, Failure> {
    let token = handle.block_on(ecr::tokens(context)?.request())?;
    Ok(WhoAsks::Role { arn: role.clone(), token })
}

fn judgeable(role: &RoleArn, document: &[u8]) -> Result<TrustPolicy, Row> {
    let unknown = |why: String| Row::new(NAME, Outcome::Warn, format!("{role} cannot be judged: {why}"));
    TrustPolicy::parse(document).map_err(|e| unknown(e.to_string()))
}

fn not_read(role: &RoleArn, refusals: Vec<String>) -> Row {
    let mut row =
        Row::not_checked(NAME, format!("the trust policy could not be read: that needs {GET_ROLE} on {role}"));
    row.why.extend(refusals);
    row.next([
        format!("permit {GET_ROLE} on {role} to the role itself or to whoever runs this, or read it elsewhere:"),
        format!("  aws iam get-role --role-name {} > trust.json", role.name()),
        "  sealwright doctor --aws-trust-policy trust.json".to_owned(),
    ])
}
