//! Several statements of one type by one builder, of which the registry's order says which one counts.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::evidence::{Asked, of, unmet};
use super::model::{Ambiguity, Stated};
use crate::render::image_policy::ImagePolicy;
use crate::render::object::Stage;

/// One for each builder and type that a policy asks for and that there are several of.
pub(super) fn ambiguities<'a>(
    policies: impl Iterator<Item = &'a (ImagePolicy, Vec<Asked<'a>>)>,
    stated: &[Stated],
    image: &str,
    now: Timestamp,
) -> Vec<Ambiguity> {
    let mut found: Vec<Ambiguity> = Vec::new();
    let mut refused: Vec<BTreeSet<usize>> = Vec::new();
    for (policy, asked) in policies {
        for demand in asked.iter().flat_map(|one| &one.demands) {
            let all: Vec<&Stated> = different(of(demand, stated).collect());
            let Some((last, others)) = all.split_last().filter(|(_, others)| !others.is_empty()) else { continue };
            let known = |one: &Ambiguity| one.builder == demand.builder.name && one.predicate_type == demand.kind;
            let place = found.iter().position(known).unwrap_or_else(|| {
                found.push(Ambiguity {
                    builder: demand.builder.name.clone(),
                    what: demand.what,
                    predicate_type: demand.kind,
                    count: all.len(),
                    refused: 0,
                    counts: last.referrer,
                    others: others.iter().filter_map(|one| one.referrer).collect(),
                });
                refused.push(BTreeSet::new());
                found.len() - 1
            });
            if let (Stage::Deny, Some(refused)) = (policy.stage, refused.get_mut(place)) {
                let wrong = all.iter().enumerate().filter(|(_, one)| unmet(demand, one, image, now).is_some());
                refused.extend(wrong.map(|(number, _)| number));
            }
        }
    }
    found.iter_mut().zip(refused).for_each(|(one, refused)| one.refused = refused.len());
    found
}

/// The same bytes under two signatures say one thing. The last of them is kept, because that is the one that counts.
fn different(mut all: Vec<&Stated>) -> Vec<&Stated> {
    let mut seen = BTreeSet::new();
    all.reverse();
    all.retain(|one| seen.insert(one.statement));
    all.reverse();
    all
}
