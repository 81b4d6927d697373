//! Which builder of the trust file the job is.

use sealwright_sign::SIGSTORE;
use sealwright_workload::{Difference, Fit, builders as compare};

use super::aws::told;
use super::row::Row;
use super::token::Tokens;
use crate::cli::arguments::Doctor;
use crate::context::Context;
use crate::pipeline::trust_file;

pub(super) fn builders(arguments: &Doctor, tokens: &Tokens<'_>, context: &Context) -> Row {
    const NAME: &str = "trust-file";
    let file = match trust_file::find(arguments.policy.as_deref(), context) {
        Ok(Some(file)) => file,
        Ok(None) => return Row::not_checked(NAME, "no --policy names one"),
        Err(failure) => return Row::failure(NAME, &failure),
    };
    if arguments.plan.signing.identity.key.is_some() {
        return Row::not_checked(NAME, "a key signs, and the job's claims are nothing to a builder with a key");
    }
    let Some(claims) = tokens.claims() else { return Row::not_checked(NAME, "there is no token to compare it with") };
    let found = compare(&file.policy, &claims.for_audience(SIGSTORE));
    if let Some(fits) = found.iter().find(|found| found.fit == Fit::Fits) {
        return Row::ok(NAME, format!("the job is builder {:?} of {}", fits.builder, file.name));
    }
    let differing: Vec<(&str, &Vec<Difference>)> = found
        .iter()
        .filter_map(|found| match &found.fit {
            Fit::Differs(differences) => Some((found.builder.as_str(), differences)),
            Fit::Fits | Fit::Key => None,
        })
        .collect();
    let mut row = Row::fail(NAME, format!("the job is no builder of {}", file.name));
    if differing.is_empty() {
        row.why.push("all of them are known by keys".to_owned());
    }
    for (builder, differences) in differing {
        told(&mut row, &format!("builder {builder:?}"), differences);
    }
    row
}
