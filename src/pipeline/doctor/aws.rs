//! The AWS role: its trust policy against the job's claims, and whether AWS gives it.

use std::path::Path;

use sealwright_core::bounded::read_file;
use sealwright_ecr::{AUDIENCE, Host, RoleArn};
use sealwright_workload::aws::{Evaluation, Judged, Outcome as Decision, TrustPolicy, Verdict};
use sealwright_workload::{Difference, Weight};
use tokio::runtime::Handle;

use super::registry::Place;
use super::row::{Outcome, Row};
use super::token::Tokens;
use crate::cli::arguments::Doctor;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// The trust policy in a file.
pub(super) fn trust_policy(arguments: &Doctor, tokens: &Tokens<'_>, context: &Context) -> Row {
    const NAME: &str = "aws-trust-policy";
    let Some(file) = &arguments.aws_trust_policy else {
        return Row::not_checked(NAME, "no --aws-trust-policy names a file");
    };
    let claims = match tokens.for_audience(AUDIENCE) {
        Ok(Some(claims)) => claims,
        Ok(None) => return Row::not_checked(NAME, "there is no token to compare it with"),
        Err(failure) => return Row::failure(NAME, &failure),
    };
    let policy = match read(file, context) {
        Ok(policy) => policy,
        Err(failure) => return Row::failure(NAME, &failure),
    };
    let account = arguments.plan.ecr.role.as_ref().map(account);
    judged(NAME, &policy.evaluate(&claims, account.as_deref()))
}

fn read(file: &Path, context: &Context) -> Result<TrustPolicy, Failure> {
    let fail = |why: String| Failure::usage(format!("{}: {why}", file.display()));
    let bytes = read_file(file, context.limits.configuration).map_err(|e| fail(e.to_string()))?;
    TrustPolicy::parse(&bytes).map_err(|e| fail(e.to_string()))
}

fn account(role: &RoleArn) -> String {
    role.to_string().split(':').nth(4).unwrap_or_default().to_owned()
}

fn judged(name: &'static str, evaluation: &Evaluation) -> Row {
    let labels = |allows: bool| {
        let meant = |judged: &&Judged| judged.allows == allows && judged.verdict == Verdict::Applies;
        evaluation.statements.iter().filter(meant).map(|judged| judged.label.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut row = match evaluation.outcome {
        Decision::Allowed => Row::ok(name, format!("{} lets the job in", labels(true))),
        Decision::Denied => Row::fail(name, format!("{} denies it", labels(false))),
        Decision::NotAllowed => nearest(name, evaluation),
        Decision::NotKnown => {
            let mut row = Row::new(name, Outcome::Warn, "it depends on more than the token");
            for judged in &evaluation.statements {
                if let Verdict::Depends(conditions) = &judged.verdict {
                    row.why.push(format!("{}: {}", judged.label, conditions.join(", ")));
                }
            }
            row
        }
    };
    for (label, danger) in evaluation.dangers() {
        row.why.push(format!("{label}: {danger}"));
        row.outcome = match (row.outcome, danger.weight) {
            (Outcome::Fail(exit), _) => Outcome::Fail(exit),
            (_, Weight::Severe) => Outcome::Fail(Exit::Usage),
            (_, Weight::Remarkable) => Outcome::Warn,
        };
    }
    row
}

/// The statements that lack the least; the others were meant for somebody else.
fn nearest(name: &'static str, evaluation: &Evaluation) -> Row {
    let differing = |judged: &&Judged| judged.allows;
    let allowing: Vec<(&Judged, &Vec<Difference>)> = evaluation
        .statements
        .iter()
        .filter(differing)
        .filter_map(|judged| match &judged.verdict {
            Verdict::Differs(differences) => Some((judged, differences)),
            Verdict::Applies | Verdict::Depends(_) => None,
        })
        .collect();
    let least = allowing.iter().map(|(_, differences)| differences.len()).min();
    let mut row = Row::fail(name, "no statement lets the job in");
    for (judged, differences) in allowing.into_iter().filter(|(_, d)| Some(d.len()) == least) {
        told(&mut row, &judged.label, differences);
    }
    row
}

/// Differences as lines of a row, and what to do about them.
pub(super) fn told(row: &mut Row, place: &str, differences: &[Difference]) {
    for difference in differences {
        row.why.push(format!("{place}: {difference}"));
        if let Some(next) = difference.next.as_ref().filter(|next| !row.next.contains(next)) {
            row.next.push(next.clone());
        }
    }
}

/// Whether AWS gives the role, by asking for it.
pub(super) fn role(
    arguments: &Doctor,
    place: Option<&Result<Place, Failure>>,
    tokens: &Tokens<'_>,
    handle: &Handle,
) -> Row {
    const NAME: &str = "aws-role";
    let Some(role) = &arguments.plan.ecr.role else { return Row::not_checked(NAME, "no --aws-role names one") };
    if !tokens.fresh {
        return Row::not_checked(NAME, "only a job with an identity token can assume it");
    }
    let place = match place {
        Some(Ok(place)) => place,
        Some(Err(failure)) => return Row::failure(NAME, failure),
        None => {
            return Row::not_checked(
                NAME,
                "no --push names a registry of Amazon ECR, and its region is where AWS is asked",
            );
        }
    };
    let Some(host) = Host::of(place.repository().registry()) else {
        return Row::not_checked(NAME, format!("{} is no registry of Amazon ECR", place.repository().registry()));
    };
    match handle.block_on(place.ecr().open_session(&host, place.repository())) {
        Ok(()) => Row::ok(NAME, format!("the job assumes {role}")),
        Err(failure) => {
            let row = Row::failure(NAME, &failure);
            if row.outcome == Outcome::Fail(Exit::Unavailable) || arguments.aws_trust_policy.is_some() {
                return row;
            }
            let name = role.to_string().rsplit('/').next().unwrap_or_default().to_owned();
            row.next([
                "AWS does not say which claim differs; with the trust policy it is said here:".to_owned(),
                format!("  aws iam get-role --role-name {name} > trust.json"),
                "  sealwright doctor --aws-trust-policy trust.json".to_owned(),
            ])
        }
    }
}
