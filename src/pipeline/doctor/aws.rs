//! The AWS role: its trust policy against the job's claims, and whether AWS gives it.

use std::path::Path;

use sealwright_core::bounded::read_file;
use sealwright_ecr::{AUDIENCE, Host, RoleArn};
use sealwright_workload::aws::{Evaluation, Judged, Outcome as Decision, TrustPolicy, Verdict};
use sealwright_workload::{Difference, Weight};
use tokio::runtime::Handle;

use super::iam;
use super::registry::Place;
use super::row::{Outcome, Row};
use super::token::Tokens;
use crate::cli::arguments::Doctor;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// Where a trust policy is from.
enum Source<'a> {
    File(&'a Path),
    Iam(&'a RoleArn),
}

/// The trust policy: that in a file, else that of the role as IAM has it.
pub(super) fn trust_policy(
    arguments: &Doctor,
    place: Option<&Result<Place, Failure>>,
    tokens: &Tokens<'_>,
    context: &Context,
    handle: &Handle,
) -> Row {
    const NAME: &str = iam::NAME;
    let role = arguments.plan.ecr.role.as_ref();
    let source = match (&arguments.aws_trust_policy, role) {
        (Some(file), _) => Source::File(file),
        (None, Some(role)) => Source::Iam(role),
        (None, None) => {
            return Row::not_checked(NAME, "neither --aws-trust-policy names a file nor --aws-role a role");
        }
    };
    let claims = match tokens.for_audience(AUDIENCE) {
        Ok(Some(claims)) => claims,
        Ok(None) => return Row::not_checked(NAME, "there is no token to compare it with"),
        Err(failure) => return Row::failure(NAME, &failure),
    };
    let policy = match source {
        Source::File(file) => read(file, context).map_err(|failure| Row::failure(NAME, &failure)),
        Source::Iam(role) => {
            let near = place.and_then(|place| Host::of(place.as_ref().ok()?.repository().registry()));
            iam::trust_policy(role, near.as_ref(), tokens, context, handle)
        }
    };
    match policy {
        Ok(policy) => judged(NAME, &policy.evaluate(&claims, role.map(RoleArn::account))),
        Err(row) => row,
    }
}

fn read(file: &Path, context: &Context) -> Result<TrustPolicy, Failure> {
    let fail = |why: String| Failure::usage(format!("{}: {why}", file.display()));
    let bytes = read_file(file, context.limits.configuration).map_err(|e| fail(e.to_string()))?;
    TrustPolicy::parse(&bytes).map_err(|e| fail(e.to_string()))
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
            if row.outcome == Outcome::Fail(Exit::Unavailable) {
                return row;
            }
            row.next([format!(
                "AWS does not say which claim differs; {} does, where the trust policy can be read",
                iam::NAME
            )])
        }
    }
}
