//! What the policies of a run have together: one closes what another leaves open.

use sealwright_policy::Position;
use sealwright_policy::yaml::Node;

use super::configuration::is_bare_demand;
use super::containers::{is_about_images, matches_ephemeral, matches_pods};
use super::judge::Judge;
use super::legacy;
use super::reference::{globs, is_everything};
use super::rule::Rule;
use super::subject::{Kind, Subject, words};
use super::version::Version;

/// What is covered by some policy, and what was said already: once for a run, at the first policy that leaves it open.
#[derive(Debug, Default)]
pub(super) struct Set {
    ephemeral: bool,
    volumes: bool,
    everything: bool,
    bare_demand: bool,
}

impl Set {
    pub(super) fn of(subjects: &[Subject<'_>]) -> Self {
        let mut set = Self::default();
        for subject in subjects {
            match subject.kind {
                Kind::ImageValidating | Kind::Validating => set.add(&Judge::new(subject, Version::DEFAULT)),
                Kind::Legacy => {
                    let covered = legacy::covered(subject);
                    set.ephemeral |= covered.ephemeral;
                    set.volumes |= covered.volumes;
                    set.everything |= covered.everything;
                }
                _ => {}
            }
        }
        set
    }

    fn add(&mut self, judge: &Judge<'_, '_>) {
        let rules = judge.subject.spec(&["matchConstraints", "resourceRules"]).map(Node::items).unwrap_or_default();
        let resources: Vec<&str> = rules.iter().flat_map(|rule| words(rule.member("resources"))).collect();
        self.ephemeral |= matches_ephemeral(&resources) && judge.mentions("ephemeralContainers");
        self.volumes |= judge.mentions("volumes") && judge.mentions("reference");
        self.bare_demand |= is_bare_demand(judge);
        let references = judge.subject.spec(&["matchImageReferences"]);
        self.everything |= match judge.subject.kind {
            Kind::ImageValidating => references.is_none() || is_everything(&globs(references)),
            _ => is_about_images(judge) && judge.has_allow_list(),
        };
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
        if !std::mem::replace(&mut self.ephemeral, true) {
            judge.find(Rule::EphemeralUnchecked, at, "");
        }
        if !std::mem::replace(&mut self.volumes, true) {
            judge.find(Rule::VolumesUnchecked, at, "");
        }
    }

    /// Which images nobody is asked about; said once for a run.
    pub(super) fn judge_others(&mut self, judge: &mut Judge<'_, '_>, at: Position) {
        if !std::mem::replace(&mut self.everything, true) {
            judge.find(Rule::NoCatchAll, at, "");
        }
    }
}
