//! What the statements have to say, by the evidence rules of a builder.

use jiff::Timestamp;
use sealwright_bundle::{predicate_type as types, vocabulary};
use sealwright_core::{Digest, Untrusted};
use sealwright_policy::{BuilderIdentity, EvidenceRules, Runner, SbomFormat, SubjectRule};
use serde_json::Value;

use crate::check::{self, Check, Outcome};
use crate::verify_bundle::{Signed, VerifiedSigner};

/// A clock may be this much behind the signer's, in seconds.
const SKEW: i64 = 300;

/// The statements that count, and what they are judged by.
pub(crate) struct Content<'a> {
    pub(crate) statements: &'a [Signed],
    pub(crate) rules: &'a EvidenceRules,
    pub(crate) policy: Digest,
    pub(crate) now: Timestamp,
    pub(crate) identity: &'a BuilderIdentity,
}

impl<'a> Content<'a> {
    fn of_type(&self, predicate_type: &'a str) -> impl Iterator<Item = &'a Signed> {
        self.statements.iter().filter(move |s| s.statement.predicate_type == predicate_type)
    }

    /// All checks of the contents. `signature` and `provenance` are those of the image that was asked for; the images of an
    /// index only need the rest.
    pub(crate) fn checks(&self, whole: bool) -> Vec<Check> {
        let mut checks = Vec::new();
        if whole {
            let signature = self.of_type(types::SIGNATURE).next().is_some();
            checks
                .push(required(self.rules.signature, check::SIGNATURE, || (signature, "there is no signature".into())));
        }
        checks.extend(self.decision_checks());
        checks.push(self.sbom());
        checks.extend(self.scan_checks());
        if whole {
            checks.extend(self.provenance_checks());
        }
        checks
    }

    fn decision_checks(&self) -> [Check; 3] {
        let rule = self.rules.decision;
        let passed: Vec<&Signed> = self.of_type(types::VERIFICATION_SUMMARY).filter(|s| is_pass(s)).collect();
        let by_policy: Vec<&&Signed> =
            passed.iter().filter(|s| text(s, "/policy/digest/sha256") == Some(&self.policy.hex())).collect();
        let inputs = by_policy.iter().map(|s| self.inputs(s)).find(|missing| missing.is_none());
        let missing = by_policy.first().and_then(|s| self.inputs(s));
        let found = passed.first().and_then(|s| text(s, "/policy/digest/sha256")).unwrap_or("none");
        let found: String = found.chars().take(12).collect();
        [
            required(rule, check::DECISION, || (!passed.is_empty(), "there is no decision that passed".into())),
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
        let holds = |kinds: &[&str]| {
            let mut inputs = listed.iter().filter_map(|hex| known(hex));
            inputs.any(|s| kinds.contains(&s.statement.predicate_type.as_str()))
        };
        let formats = self.rules.sbom.formats.iter().filter(|_| self.rules.sbom.required).map(|f| sbom_types(*f));
        let scan = self.rules.scan.required.then_some(&[types::VULN][..]);
        let missing = formats.chain(scan).find(|kinds| !holds(kinds))?;
        Some(format!("the decision was not made from a statement of type {}", missing.join(" or ")))
    }

    fn sbom(&self) -> Check {
        let rules = &self.rules.sbom;
        required(rules.required, check::SBOM, || {
            let found = |format: SbomFormat| {
                let mut statements = sbom_types(format).iter().flat_map(|kind| self.of_type(kind));
                statements.any(|s| is_sbom(s, format))
            };
            let missing = rules.formats.iter().find(|format| !found(**format));
            (missing.is_none(), format!("there is no {} document", missing.map_or("", |f| f.word())))
        })
    }

    fn scan_checks(&self) -> [Check; 2] {
        let rules = &self.rules.scan;
        let policy = self.policy.to_string();
        let clean: Vec<&Signed> = self
            .of_type(types::VULN)
            .filter(|s| text(s, "/scanner/result/outcome") == Some("pass"))
            .filter(|s| {
                s.statement.predicate.pointer("/scanner/result/counts/refused").and_then(Value::as_u64) == Some(0)
            })
            .filter(|s| text(s, "/scanner/result/policy/digest") == Some(&policy))
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

    fn provenance_checks(&self) -> [Check; 2] {
        let rules = &self.rules.provenance;
        let named: Vec<&Signed> = self
            .of_type(types::PROVENANCE)
            .filter(|s| text(s, "/runDetails/builder/id").is_some_and(|id| !id.is_empty()))
            .collect();
        let level = self.level();
        [
            required(rules.required, check::PROVENANCE, || {
                (!named.is_empty(), "there is no provenance that names its builder".into())
            }),
            required(rules.required, check::PROVENANCE_LEVEL, || {
                let why =
                    format!("the evidence supports level {}, expected {}", level.unwrap_or_default(), rules.level);
                (level.is_some_and(|level| level >= rules.level), why)
            }),
        ]
    }

    /// The best level that a provenance statement's signer supports.
    pub(crate) fn level(&self) -> Option<u8> {
        self.of_type(types::PROVENANCE).map(|s| level(s, self.identity)).max()
    }

    /// The waivers that accepted decisions name, one line each.
    pub(crate) fn waivers(&self) -> Vec<String> {
        let decisions = self.of_type(types::VERIFICATION_SUMMARY).filter(|s| is_pass(s));
        let lists = decisions.filter_map(|s| s.statement.predicate.get(vocabulary::WAIVERS)?.as_array());
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

fn is_pass(decision: &Signed) -> bool {
    let levels = decision.statement.predicate.get("verifiedLevels").and_then(Value::as_array);
    text(decision, "/verificationResult") == Some("PASSED")
        && levels.is_some_and(|levels| levels.iter().any(|level| level == vocabulary::GATE_LEVEL))
}

fn sbom_types(format: SbomFormat) -> &'static [&'static str] {
    match format {
        SbomFormat::CycloneDx => &[types::CYCLONEDX],
        SbomFormat::Spdx => &[types::SPDX, types::SPDX_V2_3],
    }
}

fn is_sbom(signed: &Signed, format: SbomFormat) -> bool {
    match format {
        SbomFormat::CycloneDx => text(signed, "/bomFormat") == Some("CycloneDX"),
        SbomFormat::Spdx => text(signed, "/spdxVersion").is_some_and(|v| v.starts_with("SPDX-")),
    }
}

/// 0 for keys and people. 2 for a CI workload whose certificate names the builder that the provenance names. 3 where that
/// is a reusable workflow that the trust file pins, called by another one on a machine of the platform: the caller cannot
/// change what it does (SLSA v1.0, Build L3, "Isolated").
fn level(provenance: &Signed, identity: &BuilderIdentity) -> u8 {
    let VerifiedSigner::Certificate { claims, .. } = &provenance.signer else { return 0 };
    let Some(signer) = claims.build_signer_uri.as_deref() else { return 0 };
    if text(provenance, "/runDetails/builder/id") != Some(signer) {
        return 0;
    }
    let pinned =
        matches!(identity, BuilderIdentity::Keyless(rule) if matches!(rule.subject, SubjectRule::Workflow { .. }));
    let reusable = claims.build_config_uri.as_deref().is_some_and(|config| config != signer);
    let hosted = claims.runner_environment.as_deref() == Some(Runner::GithubHosted.word());
    if pinned && reusable && hosted { 3 } else { 2 }
}

#[cfg(test)]
mod tests {
    use sealwright_bundle::Statement;
    use sealwright_policy::{KeyRule, KeylessRule};
    use serde_json::json;
    use sigstore_crypto::FulcioCiClaims;

    use super::*;

    const SIGNER: &str = "https://github.com/s/s/.github/workflows/seal.yml@refs/tags/v1";

    fn keyless(subject: SubjectRule) -> BuilderIdentity {
        BuilderIdentity::Keyless(KeylessRule { issuer: "i".into(), subject, runner: None })
    }

    fn pinned() -> BuilderIdentity {
        let path = "s/s/.github/workflows/seal.yml".into();
        keyless(SubjectRule::Workflow { path, tags: vec!["v1".parse().expect("tag")], commits: vec![] })
    }

    fn provenance(builder: &str, signer: VerifiedSigner) -> Signed {
        let predicate = json!({ "runDetails": { "builder": { "id": builder } } });
        let statement = Statement::new(vec![], types::PROVENANCE, predicate);
        Signed { statement, digest: Digest::of(b""), signer, time: None }
    }

    fn workload(change: impl Fn(&mut FulcioCiClaims)) -> VerifiedSigner {
        let mut claims = FulcioCiClaims::default();
        claims.build_signer_uri = Some(SIGNER.into());
        claims.build_config_uri = Some("https://github.com/acme/shop/.github/workflows/ci.yml@refs/heads/main".into());
        claims.runner_environment = Some("github-hosted".into());
        change(&mut claims);
        VerifiedSigner::Certificate { identity: SIGNER.into(), issuer: "i".into(), claims: Box::new(claims) }
    }

    #[test]
    fn level_three_is_a_pinned_reusable_workflow_on_a_hosted_runner() {
        assert_eq!(level(&provenance(SIGNER, workload(|_| {})), &pinned()), 3);
        let exact = keyless(SubjectRule::Exact(SIGNER.into()));
        assert_eq!(level(&provenance(SIGNER, workload(|_| {})), &exact), 2, "not pinned by tag or commit");
        type Change = fn(&mut FulcioCiClaims);
        let lesser: [(Change, &str); 4] = [
            (|c| c.build_config_uri = Some(SIGNER.into()), "not called by another workflow"),
            (|c| c.build_config_uri = None, "not known whether it was called"),
            (|c| c.runner_environment = Some("self-hosted".into()), "self-hosted"),
            (|c| c.runner_environment = None, "unknown machine"),
        ];
        for (change, why) in lesser {
            assert_eq!(level(&provenance(SIGNER, workload(change)), &pinned()), 2, "{why}");
        }
    }

    #[test]
    fn level_zero_is_everybody_else() {
        let key = VerifiedSigner::Key { fingerprint: Digest::of(b"key") };
        let by_key = BuilderIdentity::Key(KeyRule { file: "cosign.pub".into() });
        assert_eq!(level(&provenance(SIGNER, key), &by_key), 0);
        assert_eq!(level(&provenance(SIGNER, workload(|c| c.build_signer_uri = None)), &pinned()), 0, "a person");
        let other = "https://github.com/s/s/.github/workflows/seal.yml@refs/tags/v2";
        assert_eq!(level(&provenance(other, workload(|_| {})), &pinned()), 0, "another builder than it says");
    }

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
