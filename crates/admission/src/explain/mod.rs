//! `policy explain`: what the policies that `policy render` writes would do with an image, and why.
//!
//! What was read of an image and verified comes in, a verdict for each policy goes out. It goes by the same demands, conditions and
//! checks that are written as expressions, and by what the engine does with them (Kyverno 1.19.1, read in source and executed): tags
//! of containers become digests where the signature policy is about the image, those of image volumes never; of several statements
//! of one type the last one counts. Not here: whether a signature holds, and what a registry says.

mod ambiguity;
mod evidence;
mod model;

use jiff::Timestamp;
use regex::Regex;
use sealwright_policy::{BuilderIdentity, Policy};

use crate::render::attestor::{distinct, subject};
use crate::render::image_policy::ImagePolicy;
use crate::render::object::{Rule, Stage};
use crate::render::reference_policy::{CheckKind, ReferencePolicy, is_by_digest, reference_policies};
use crate::render::{Inexpressible, Settings, cel, image_policies, somebody};

use ambiguity::ambiguities;
use evidence::Asked;
pub use model::{Ambiguity, Image, Judgment, Known, Outcome, Place, PolicyVerdict, Stated, Verdict};

/// The policies of a trust file, ready to be asked.
pub struct Rules<'a> {
    image_policies: Vec<(ImagePolicy, Vec<Asked<'a>>)>,
    reference_policies: Vec<ReferencePolicy>,
    /// Which images have to have evidence; nothing means all.
    matched: Option<Regex>,
}

impl<'a> Rules<'a> {
    /// Of the settings the instance does not count: that is for whoever verifies.
    ///
    /// # Errors
    /// When something of the trust file cannot be rendered.
    pub fn new(policy: &'a Policy, settings: &Settings) -> Result<Self, Inexpressible> {
        somebody(policy)?;
        Self::prepare(policy, settings).map_err(Inexpressible)
    }

    fn prepare(policy: &'a Policy, settings: &Settings) -> Result<Self, String> {
        for builder in &policy.builders {
            if let BuilderIdentity::Keyless(rule) = &builder.identity {
                subject(builder, &rule.subject)?;
            }
        }
        let mut prepared = Vec::new();
        for what in image_policies(policy) {
            let asked = what.evidence.iter().map(|one| Asked::new(*one, policy)).collect::<Result<Vec<_>, _>>()?;
            for one in asked.iter().filter(|one| one.threshold > 1) {
                distinct(one.demands.iter().map(|demand| demand.builder), settings)?;
            }
            prepared.push((what, asked));
        }
        let matched = match policy.images.as_slice() {
            [] => None,
            images => Some(cel::images_expression(&cel::images(images))?),
        };
        let references = reference_policies(policy, &settings.also_allowed, &settings.revoked)?;
        Ok(Self { image_policies: prepared, reference_policies: references, matched })
    }

    /// Whether an image has to have evidence, by its reference as a Pod has it. The others are judged by their reference alone.
    pub fn ask_for_evidence(&self, reference: &str) -> bool {
        self.matched.as_ref().is_none_or(|matched| matched.is_match(reference))
    }

    /// What each policy says of an image that comes now.
    pub fn judge(&self, image: &Image<'_>, now: Timestamp) -> Judgment {
        let evidence_is_asked = self.ask_for_evidence(image.reference);
        let admitted_as = admitted_as(image, evidence_is_asked);
        let rule = match image.place {
            Place::EphemeralContainer => Rule::EphemeralContainers,
            Place::Container | Place::Volume => Rule::Pods,
        };
        let mut policies = Vec::new();
        for (policy, asked) in self.image_policies.iter().filter(|(policy, _)| policy.rule == rule) {
            let outcome = match (evidence_is_asked, &image.known) {
                (false, _) => Outcome::NotAsked,
                (true, _) if !is_by_digest(&admitted_as) => unpinned(image),
                (true, Known::Nothing(why)) => unread(why),
                (true, Known::Statements(stated)) => evidence::outcome(asked, stated, &admitted_as, now),
            };
            policies.push(PolicyVerdict { policy: policy.name, stage: policy.stage, outcome });
        }
        for policy in self.reference_policies.iter().filter(|policy| policy.rule == rule) {
            let refused: Vec<_> = policy.checks.iter().filter(|check| check.refuses(&admitted_as)).collect();
            let outcome = match (refused.as_slice(), &image.known) {
                ([], _) => Outcome::Passed,
                // Its tag would become a digest, if somebody said which.
                ([only], Known::Nothing(why))
                    if only.kind == CheckKind::Digest && is_pinned(image, evidence_is_asked) =>
                {
                    unread(why)
                }
                ([first, ..], _) => Outcome::Refused {
                    why: refused.iter().map(|check| check.message.to_owned()).collect(),
                    next: next_by_reference(first.kind, image),
                },
            };
            policies.push(PolicyVerdict { policy: policy.name, stage: Stage::Deny, outcome });
        }
        let ambiguities = match &image.known {
            Known::Statements(stated) if evidence_is_asked => {
                let of_rule = self.image_policies.iter().filter(|(policy, _)| policy.rule == rule);
                ambiguities(of_rule, stated, &admitted_as, now)
            }
            _ => vec![],
        };
        Judgment { admitted_as, policies, ambiguities }
    }
}

/// The reference that the policies see: the mutating webhook, which is asked before, adds the digest that the tag names.
fn admitted_as(image: &Image<'_>, evidence_is_asked: bool) -> String {
    match image.digest {
        Some(digest) if is_pinned(image, evidence_is_asked) && !is_by_digest(image.reference) => {
            format!("{}@{digest}", image.reference)
        }
        _ => image.reference.to_owned(),
    }
}

/// Whether the mutating webhook makes a digest of its tag (Kyverno 1.19.1, `mutateDigest`: containers of every kind).
fn is_pinned(image: &Image<'_>, evidence_is_asked: bool) -> bool {
    evidence_is_asked && image.place != Place::Volume
}

/// `verifyDigest` refuses, whatever evidence there is.
fn unpinned(image: &Image<'_>) -> Outcome {
    match (&image.known, image.place) {
        (_, Place::Volume) => Outcome::Refused {
            why: vec!["the tag of an image volume does not become a digest".to_owned()],
            next: next_by_reference(CheckKind::Digest, image),
        },
        (Known::Nothing(why), _) => unread(why),
        (Known::Statements(_), _) => unread("it is not known which digest the tag names"),
    }
}

fn unread(why: &str) -> Outcome {
    let next = "explain it again when it can be read; until then it is denied".to_owned();
    Outcome::Unknown { why: why.to_owned(), next }
}

fn next_by_reference(kind: CheckKind, image: &Image<'_>) -> String {
    match (kind, image.digest) {
        (CheckKind::Digest, Some(digest)) if !is_by_digest(image.reference) => {
            format!("name it by its digest: {}@{digest}", image.reference)
        }
        (CheckKind::Digest, _) => "name it by its digest".to_owned(),
        (CheckKind::Registries, _) => {
            "copy it into a repository that the trust file names and seal it there, or render with --also-allow PATTERN if it may run without evidence".to_owned()
        }
        (CheckKind::Revoked, _) => "roll out another digest: this one was revoked on purpose".to_owned(),
    }
}
