//! What the statements have to say, by the evidence rules of a builder.

use jiff::Timestamp;
use sealwright_bundle::{predicate_type as types, vocabulary};
use sealwright_core::{Digest, Untrusted};
use sealwright_policy::{EvidenceRules, SbomFormat};
use serde_json::Value;

use crate::check::{self, Check, Outcome};
use crate::claims::shown;
use crate::verify_bundle::Signed;

/// A clock may be this much behind the signer's, in seconds.
const SKEW: i64 = 300;

/// The statements that count, and what they are judged by.
pub(crate) struct Content<'a> {
    pub(crate) statements: &'a [Signed],
    pub(crate) rules: &'a EvidenceRules,
    pub(crate) policy: Digest,
    pub(crate) now: Timestamp,
}

impl<'a> Content<'a> {
    fn of_type(&self, predicate_type: &'a str) -> impl Iterator<Item = &'a Signed> {
        self.statements.iter().filter(move |s| s.statement.predicate_type == predicate_type)
    }

    /// What the images of an index need too: decision, SBOM and scan.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let mut checks = self.decision_checks().to_vec();
        checks.push(self.sbom());
        checks.extend(self.scan_checks());
        checks
    }

    /// A signature, which is the image's that was asked for.
    pub(crate) fn signature(&self) -> Check {
        let found = self.of_type(types::SIGNATURE).next().is_some();
        required(self.rules.signature, check::SIGNATURE, || (found, "there is no signature".into()))
    }

    /// The documents of the first format that is asked for and there.
    pub(crate) fn sboms(&self) -> Vec<Value> {
        let of = |format: &SbomFormat| -> Vec<Value> {
            let kind = sbom_type(*format);
            let statements = self.statements.iter().filter(|s| types::is_same(&s.statement.predicate_type, kind));
            statements.filter(|s| is_sbom(s, *format)).map(|s| s.statement.predicate.clone()).collect()
        };
        self.rules.sbom.formats.iter().map(of).find(|documents| !documents.is_empty()).unwrap_or_default()
    }

    fn decisions(&self) -> impl Iterator<Item = &'a Signed> {
        self.of_type(types::VERIFICATION_SUMMARY).filter(|s| is_pass(s) && self.is_accepted(verifier(s)))
    }

    /// Anybody may summarize; only the gate's own word, and that of those whom the trust file names, is a decision.
    fn is_accepted(&self, verifier: &str) -> bool {
        verifier == vocabulary::VERIFIER || self.rules.verifiers.iter().any(|accepted| accepted == verifier)
    }

    /// By these rules, or by those whose decisions the trust file takes over.
    fn is_by_policy(&self, stated: Option<&str>, spell: impl Fn(&Digest) -> String) -> bool {
        let mut accepted = [&self.policy].into_iter().chain(&self.rules.policies);
        stated.is_some_and(|stated| accepted.any(|digest| spell(digest) == stated))
    }

    fn no_decision(&self) -> String {
        let mut others = self.of_type(types::VERIFICATION_SUMMARY).map(verifier);
        match others.find(|verifier| !self.is_accepted(verifier)) {
            Some(other) => {
                format!("there is no decision that passed; the rules do not accept the verifier {}", shown(Some(other)))
            }
            None => "there is no decision that passed".to_owned(),
        }
    }

    fn decision_checks(&self) -> [Check; 3] {
        let rule = self.rules.decision;
        let passed: Vec<&Signed> = self.decisions().collect();
        let by_policy: Vec<&&Signed> =
            passed.iter().filter(|s| self.is_by_policy(text(s, "/policy/digest/sha256"), Digest::hex)).collect();
        let inputs = by_policy.iter().map(|s| self.inputs(s)).find(|missing| missing.is_none());
        let missing = by_policy.first().and_then(|s| self.inputs(s));
        let found = passed.first().and_then(|s| text(s, "/policy/digest/sha256")).unwrap_or("none");
        let found: String = found.chars().take(12).collect();
        [
            required(rule, check::DECISION, || (!passed.is_empty(), self.no_decision())),
            required(rule, check::DECISION_POLICY, || {
                let why = format!("the decision was made by the rules {found}, expected {}", self.policy.short());
                (!by_policy.is_empty(), why)
            }),
            required(rule, check::DECISION_INPUTS, || {
                (inputs.is_some(), missing.unwrap_or_else(|| "there is no decision by these rules".into()))
            }),
        ]
    }

    /// What is wrong with the inputs of a decision.
    fn inputs(&self, decision: &Signed) -> Option<String> {
        let listed: Vec<&str> = decision
            .statement
            .predicate
            .get("inputAttestations")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|input| input.pointer("/digest/sha256")?.as_str())
            .collect();
        let known = |hex: &str| self.statements.iter().find(|s| s.digest.hex() == hex);
        if let Some(unknown) = listed.iter().find(|hex| known(hex).is_none()) {
            let short: String = unknown.chars().take(12).collect();
            return Some(format!("the decision was made from statement {short}, which was not verified"));
        }
        let holds = |kind: &str| {
            let mut inputs = listed.iter().filter_map(|hex| known(hex));
            inputs.any(|s| types::is_same(&s.statement.predicate_type, kind))
        };
        let formats = self.rules.sbom.formats.iter().filter(|_| self.rules.sbom.required).map(|f| sbom_type(*f));
        let scan = self.rules.scan.required.then_some(types::VULN);
        let missing = formats.chain(scan).find(|kind| !holds(kind))?;
        Some(format!("the decision was not made from a statement of type {}", types::spellings(missing).join(" or ")))
    }

    fn sbom(&self) -> Check {
        let rules = &self.rules.sbom;
        required(rules.required, check::SBOM, || {
            let found = |format: SbomFormat| {
                let kind = sbom_type(format);
                let mut statements = self.statements.iter();
                statements.any(|s| types::is_same(&s.statement.predicate_type, kind) && is_sbom(s, format))
            };
            let missing = rules.formats.iter().find(|format| !found(**format));
            (missing.is_none(), format!("there is no {} document", missing.map_or("", |f| f.word())))
        })
    }

    fn scan_checks(&self) -> [Check; 2] {
        let rules = &self.rules.scan;
        let clean: Vec<&Signed> = self
            .of_type(types::VULN)
            .filter(|s| text(s, "/scanner/result/outcome") == Some("pass"))
            .filter(|s| {
                s.statement.predicate.pointer("/scanner/result/counts/refused").and_then(Value::as_u64) == Some(0)
            })
            .filter(|s| self.is_by_policy(text(s, "/scanner/result/policy/digest"), Digest::to_string))
            .collect();
        let scan = required(rules.required, check::SCAN, || {
            (!clean.is_empty(), "there is no scan by these rules in which nothing is refused".into())
        });
        let age = match rules.max_age.filter(|_| rules.required) {
            None => Check::new(check::SCAN_AGE, Outcome::NotChecked("the rules set no age".into())),
            Some(most) => {
                let fresh = clean.iter().any(|s| self.is_fresh(s, most));
                Check::when(check::SCAN_AGE, fresh, format!("no scan is younger than {} hours", most / 3_600))
            }
        };
        [scan, age]
    }

    fn is_fresh(&self, scan: &Signed, most: u64) -> bool {
        let Some(finished) = text(scan, "/metadata/scanFinishedOn").and_then(|t| t.parse::<Timestamp>().ok()) else {
            return false;
        };
        let age = self.now.as_second().saturating_sub(finished.as_second());
        age >= -SKEW && u64::try_from(age.max(0)).is_ok_and(|age| age <= most)
    }

    /// The waivers that accepted decisions name, one line each.
    pub(crate) fn waivers(&self) -> Vec<String> {
        let lists = self.decisions().filter_map(|s| s.statement.predicate.get(vocabulary::WAIVERS)?.as_array());
        let mut lines: Vec<String> = lists.flatten().map(|waiver| waiver_line(waiver, self.now)).collect();
        lines.sort();
        lines.dedup();
        lines
    }
}

/// `ID in PACKAGE: reason (owner, until DATE)`; what is not stated is left out.
fn waiver_line(waiver: &Value, now: Timestamp) -> String {
    let word = |key: &str| waiver.get(key).and_then(Value::as_str);
    let package = word("package").map(|package| format!(" in {package}")).unwrap_or_default();
    let until = word("expires").map(|day| {
        // The last day counts, in UTC.
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let expired = day.parse::<jiff::civil::Date>().is_ok_and(|day| day < today);
        format!("until {day}{}", if expired { ", expired since" } else { "" })
    });
    let who: Vec<String> = word("owner").map(str::to_owned).into_iter().chain(until).collect();
    let who = if who.is_empty() { String::new() } else { format!(" ({})", who.join(", ")) };
    let line = format!("{}{package}: {}{who}", word("id").unwrap_or("?"), word("reason").unwrap_or("no reason"));
    Untrusted::from(line).to_string()
}

fn required(rule: bool, info: check::CheckInfo, holds: impl FnOnce() -> (bool, String)) -> Check {
    if !rule {
        return Check::new(info, Outcome::NotChecked("the rules do not require it".into()));
    }
    let (holds, why) = holds();
    Check::when(info, holds, why)
}

fn text<'a>(signed: &'a Signed, pointer: &str) -> Option<&'a str> {
    signed.statement.predicate.pointer(pointer)?.as_str()
}

fn verifier(decision: &Signed) -> &str {
    text(decision, "/verifier/id").unwrap_or_default()
}

fn is_pass(decision: &Signed) -> bool {
    let levels = decision.statement.predicate.get("verifiedLevels").and_then(Value::as_array);
    text(decision, "/verificationResult") == Some("PASSED")
        && levels.is_some_and(|levels| levels.iter().any(|level| level == vocabulary::GATE_LEVEL))
}

fn sbom_type(format: SbomFormat) -> &'static str {
    match format {
        SbomFormat::CycloneDx => types::CYCLONEDX,
        SbomFormat::Spdx => types::SPDX,
    }
}

fn is_sbom(signed: &Signed, format: SbomFormat) -> bool {
    match format {
        SbomFormat::CycloneDx => text(signed, "/bomFormat") == Some("CycloneDX"),
        SbomFormat::Spdx => text(signed, "/spdxVersion").is_some_and(|v| v.starts_with("SPDX-")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_waiver_is_one_line_with_all_that_is_stated() {
        let now: Timestamp = "2027-01-31T23:59:59Z".parse().expect("time");
        let all =
            json!({ "id": "CVE-1", "package": "pkg:deb/a", "reason": "why", "owner": "@sec", "expires": "2027-01-31" });
        assert_eq!(waiver_line(&all, now), "CVE-1 in pkg:deb/a: why (@sec, until 2027-01-31)");
        let after = "2027-02-01T00:00:00Z".parse().expect("time");
        assert_eq!(waiver_line(&all, after), "CVE-1 in pkg:deb/a: why (@sec, until 2027-01-31, expired since)");
        assert_eq!(waiver_line(&json!({ "id": "CVE-1", "reason": "why" }), now), "CVE-1: why");
        assert_eq!(waiver_line(&json!("nonsense"), now), "?: no reason");
        let hostile = json!({ "id": "CVE-1", "reason": "a\u{1b}[2Kb" });
        assert!(!waiver_line(&hostile, now).contains('\u{1b}'));
    }
}
