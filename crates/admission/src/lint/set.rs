//! What the policies of a run have together: one closes what another leaves open.

use sealwright_policy::Position;
use sealwright_policy::yaml::Node;

use super::configuration::is_bare_demand;
use super::containers::{is_about_images, is_for_ephemeral_only, matches_ephemeral, matches_pods};
use super::judge::Judge;
use super::legacy;
use super::reference::{globs, is_everything};
use super::rule::Rule;
use super::subject::{Kind, Subject, words};
use super::version::Version;

/// Where images can be, and whether somebody looks there.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Covered {
    pub(super) ephemeral: bool,
    pub(super) volumes: bool,
    /// Images of every name.
    pub(super) everything: bool,
}

/// What is covered by some policy, and what was said already: once for a run, at the first policy that leaves it open.
#[derive(Debug, Default)]
pub(super) struct Set {
    /// By policies that deny: what only reports closes nothing that they leave open.
    denied: Covered,
    /// By any.
    seen: Covered,
    bare_demand: bool,
}

impl Set {
    pub(super) fn of(subjects: &[Subject<'_>]) -> Self {
        let mut set = Self::default();
        for subject in subjects {
            match subject.kind {
                Kind::ImageValidating | Kind::Validating => {
                    let judge = Judge::new(subject, Version::DEFAULT);
                    set.bare_demand |= is_bare_demand(&judge);
                    set.add(covered(&judge), judge.denies());
                }
                Kind::Legacy => {
                    for (covered, denies) in legacy::covered(subject) {
                        set.add(covered, denies);
                    }
                }
                _ => {}
            }
        }
        set
    }

    fn add(&mut self, more: Covered, denies: bool) {
        let sides = [Some(&mut self.seen), denies.then_some(&mut self.denied)];
        for side in sides.into_iter().flatten() {
            side.ephemeral |= more.ephemeral;
            side.volumes |= more.volumes;
            side.everything |= more.everything;
        }
    }

    /// Whether it is open for this policy and was not said yet; from now on it is said.
    fn is_open(&mut self, judge: &Judge<'_, '_>, what: fn(&mut Covered) -> &mut bool) -> bool {
        let denies = match judge.subject.kind {
            Kind::Legacy => legacy::covered(judge.subject).iter().any(|(_, denies)| *denies),
            _ => judge.denies(),
        };
        let strict = denies && !is_for_ephemeral_only(judge);
        let open = if strict { !*what(&mut self.denied) } else { !*what(&mut self.seen) };
        *what(&mut self.denied) |= open;
        *what(&mut self.seen) |= open;
        open
    }

    /// Whether a policy requires verification and verifies nothing itself.
    pub(super) fn has_bare_demand(&self) -> bool {
        self.bare_demand
    }

    /// What an image policy and all others leave open.
    pub(super) fn judge(&mut self, judge: &mut Judge<'_, '_>) {
        if !judge.is_about_json() && (judge.verifies() || is_bare_demand(judge)) {
            let at = judge.subject.place(&["matchConstraints"]);
            if matches_pods(judge) {
                self.judge_places(judge, at);
            }
            self.judge_others(judge, judge.subject.place(&["matchImageReferences"]));
        }
    }

    /// Where in a Pod images are that nobody looks at; said once for a run.
    pub(super) fn judge_places(&mut self, judge: &mut Judge<'_, '_>, at: Position) {
        if self.is_open(judge, |covered| &mut covered.ephemeral) {
            judge.find(Rule::EphemeralUnchecked, at, "");
        }
        if self.is_open(judge, |covered| &mut covered.volumes) {
            judge.find(Rule::VolumesUnchecked, at, "");
        }
    }

    /// Which images nobody is asked about; said once for a run.
    pub(super) fn judge_others(&mut self, judge: &mut Judge<'_, '_>, at: Position) {
        if self.is_open(judge, |covered| &mut covered.everything) {
            judge.find(Rule::NoCatchAll, at, "");
        }
    }
}

/// What one policy covers.
fn covered(judge: &Judge<'_, '_>) -> Covered {
    let rules = judge.subject.spec(&["matchConstraints", "resourceRules"]).map(Node::items).unwrap_or_default();
    let resources: Vec<&str> = rules.iter().flat_map(|rule| words(rule.member("resources"))).collect();
    let references = judge.subject.spec(&["matchImageReferences"]);
    Covered {
        ephemeral: matches_ephemeral(&resources) && judge.mentions("ephemeralContainers"),
        volumes: judge.mentions("volumes") && judge.mentions("reference"),
        everything: match judge.subject.kind {
            Kind::ImageValidating => {
                !is_for_ephemeral_only(judge) && (references.is_none() || is_everything(&globs(references)))
            }
            _ => is_about_images(judge) && judge.has_allow_list(),
        },
    }
}
