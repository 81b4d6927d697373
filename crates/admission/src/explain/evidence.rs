//! Evidence by the demands of a policy: the counterpart of the expressions in `render/judgment.rs`.

use jiff::Timestamp;
use sealwright_policy::Policy;

use super::model::{Outcome, Stated};
use crate::render::conditions::{Condition, Seen};
use crate::render::image_policy::{Evidence, demands, threshold};
use crate::render::judgment::{Demand, NOBODY};

/// One kind of evidence that a policy asks for.
pub(super) struct Asked<'a> {
    evidence: Evidence,
    /// So many builders have to have stated it.
    pub(super) threshold: usize,
    pub(super) demands: Vec<Demand<'a>>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(evidence: Evidence, policy: &'a Policy) -> Result<Self, String> {
        Ok(Self { evidence, threshold: threshold(evidence, policy), demands: demands(evidence, policy)? })
    }
}

/// What is missing of one builder.
enum Missing {
    /// It stated nothing of the kind.
    Statement(String),
    /// Its last statement says something else.
    Condition(String),
}

impl Missing {
    fn told(&self) -> String {
        let (Self::Statement(text) | Self::Condition(text)) = self;
        text.clone()
    }
}

/// What a policy says of the statements of an image.
pub(super) fn outcome(asked: &[Asked<'_>], stated: &[Stated], image: &str, now: Timestamp) -> Outcome {
    let (mut why, mut next) = (Vec::new(), Vec::new());
    for one in asked {
        let missing: Vec<Missing> =
            one.demands.iter().filter_map(|demand| missing(demand, stated, image, now)).collect();
        let met = one.demands.len() - missing.len();
        // A threshold of one is met by the first builder of whom nothing is missing.
        if met >= one.threshold.max(1) {
            continue;
        }
        if one.demands.is_empty() {
            why.push(NOBODY.to_owned());
        }
        if one.threshold > 1 {
            why.push(format!("{} builders have to have signed, {met} of {} have", one.threshold, one.demands.len()));
        }
        why.extend(missing.iter().map(Missing::told));
        let stated = missing.iter().any(|one| matches!(one, Missing::Condition(_)));
        let what = if stated { next_for_another(one.evidence) } else { NEXT_WITHOUT };
        if !next.contains(&what) {
            next.push(what);
        }
    }
    if why.is_empty() { Outcome::Passed } else { Outcome::Refused { why, next: next.join("; ") } }
}

/// What is missing of one builder; nothing if all is there.
fn missing(demand: &Demand<'_>, stated: &[Stated], image: &str, now: Timestamp) -> Option<Missing> {
    // The engine shows the last one that it verified, in the order of the registry's list.
    let Some(last) = of(demand, stated).last() else { return Some(Missing::Statement(demand.missing())) };
    unmet(demand, last, image, now).map(|condition| Missing::Condition(demand.otherwise(condition)))
}

/// The statements that a demand is about.
pub(super) fn of<'s>(demand: &Demand<'_>, stated: &'s [Stated]) -> impl Iterator<Item = &'s Stated> {
    let (builder, kind) = (demand.builder.name.clone(), demand.kind);
    stated.iter().filter(move |one| one.builder == builder && one.predicate_type == kind)
}

/// The first condition that does not hold of a statement.
pub(super) fn unmet<'d>(demand: &'d Demand<'_>, stated: &Stated, image: &str, now: Timestamp) -> Option<&'d Condition> {
    // As the expression takes it: what stands behind the sign.
    let digest = image.rsplit_once("@sha256:").map_or("", |(_, hex)| hex);
    let seen = Seen { statement: &stated.payload, digest, now };
    demand.conditions.iter().find(|condition| !condition.met(&seen))
}

const NEXT_WITHOUT: &str =
    "seal it: `sealwright seal IMAGE@DIGEST --push REPOSITORY` where it lies, or a build in a pipeline that seals";

fn next_for_another(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Decision | Evidence::Scan => {
            "seal it by this trust file; what was sealed by one that it replaces counts when `evidence.decision.policies` lists that one's digest"
        }
        Evidence::ScanAge => "build and seal it again, and what runs long at regular times",
        Evidence::Signature | Evidence::Sbom(_) | Evidence::Provenance => {
            "build and seal it again from the source that the trust file names"
        }
    }
}
