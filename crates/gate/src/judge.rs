//! Findings + rules + waivers → a decision.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sealwright_core::{Decision, Digest, Finding, FindingId, Outcome, Place, Refused, Waived};
use sealwright_policy::{GateRules, Waiver};

use crate::cleared::Cleared;
use crate::rule::{broken, is_waived_by};

/// How old the advisories of an ecosystem are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcosystemAge {
    /// OSV's name without the release.
    pub ecosystem: String,
    /// The newest record; none where there is no record.
    pub newest: Option<Timestamp>,
}

/// What is known about one image.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// The digest of its manifest.
    pub subject: Digest,
    /// What reading and matching found.
    pub findings: Vec<Finding>,
    /// The ecosystems that were consulted.
    pub ages: &'a [EcosystemAge],
}

/// What becomes of it.
#[derive(Debug)]
pub enum Judgment {
    /// It may be sealed.
    Cleared(Cleared),
    /// It may not.
    Refused(Decision),
}

/// Judges. `now` decides which waivers have expired and which advisories are stale.
pub fn judge(evidence: Evidence<'_>, rules: &GateRules, now: Timestamp) -> Judgment {
    let Evidence { subject, mut findings, ages } = evidence;
    findings.extend(stale(ages, rules, now));
    findings.sort();
    findings.dedup();
    let (mut refused, mut waived, mut reported) = (Vec::new(), Vec::new(), Vec::new());
    for finding in findings {
        let Some(rule) = broken(&finding, rules) else {
            reported.push(finding);
            continue;
        };
        let rule = rule.to_owned();
        let matching: Vec<&Waiver> = rules.waivers.iter().filter(|w| is_waived_by(&finding, w, rules)).collect();
        match matching.iter().find(|waiver| holds(waiver, now)) {
            Some(waiver) => waived.push(Waived {
                finding,
                rule,
                reason: waiver.reason.clone(),
                owner: waiver.owner.clone(),
                expires: waiver.expires.map(|day| day.to_string()),
            }),
            None => {
                reported.extend(matching.iter().map(|waiver| expired(waiver)));
                refused.push(Refused { finding, rule });
            }
        }
    }
    reported.sort();
    reported.dedup();
    let decision = Decision::new(refused, waived, reported);
    match decision.outcome {
        Outcome::Pass => Judgment::Cleared(Cleared::new(subject, decision)),
        Outcome::Refuse => Judgment::Refused(decision),
    }
}

/// A waiver holds through its last day, in UTC.
fn holds(waiver: &Waiver, now: Timestamp) -> bool {
    waiver.expires.is_none_or(|last| now.to_zoned(TimeZone::UTC).date() <= last)
}

fn expired(waiver: &Waiver) -> Finding {
    let day = waiver.expires.map(|day| day.to_string()).unwrap_or_default();
    let detail = format!("the waiver for {} held until {day}: {}", waiver.id, waiver.reason);
    Finding::observation(FindingId::ExpiredWaiver, Place::default(), detail)
}

fn stale(ages: &[EcosystemAge], rules: &GateRules, now: Timestamp) -> Vec<Finding> {
    let Some(most) = rules.max_advisory_age else { return vec![] };
    let days = |seconds: i64| seconds / 86_400;
    let finding = |age: &EcosystemAge| {
        let detail = match age.newest {
            None => format!("there is no record of {} at all", age.ecosystem),
            Some(newest) => {
                let old = now.as_second().saturating_sub(newest.as_second());
                if u64::try_from(old.max(0)).is_ok_and(|old| old <= most) {
                    return None;
                }
                format!("the newest record of {} is {} days old", age.ecosystem, days(old))
            }
        };
        Some(Finding::observation(FindingId::StaleAdvisories, Place::default(), detail))
    };
    ages.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests;
