//! `ValidatingPolicy`: those that judge the names of images.

use super::configuration;
use super::containers::{is_about_images, judge_names};
use super::expression;
use super::judge::Judge;
use super::matching;
use super::served;
use super::set::Set;

pub(super) fn judge(judge: &mut Judge<'_, '_>, set: &mut Set) {
    if !is_about_images(judge) {
        return judge.nothing_to_say();
    }
    judge.count();
    served::judge(judge);
    matching::judge(judge);
    configuration::modes(judge);
    judge_names(judge);
    expression::judge(judge);
    if !judge.is_about_json() {
        let at = judge.subject.place(&["matchConstraints"]);
        set.judge_places(judge, at);
    }
}
