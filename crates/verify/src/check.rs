//! The numbered checks of an image, and the report.

use jiff::Timestamp;
use sealwright_core::Digest;
use serde::Serialize;
use serde_json::Value;

use crate::verify_bundle::{Signed, VerifiedSigner};

/// A check's place in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckInfo {
    /// Its number, which does not change.
    pub number: u8,
    /// Its name, which does not change either.
    pub name: &'static str,
    /// What it demands.
    pub meaning: &'static str,
}

impl CheckInfo {
    /// Where it is documented: its heading in `docs/reference/checks.md`.
    pub fn anchor(&self) -> String {
        format!("docs/reference/checks.md#{}-{}", self.number, self.name)
    }
}

macro_rules! checks {
    ($($constant:ident = $number:literal, $name:literal, $meaning:literal;)+) => {
        $(pub(crate) const $constant: CheckInfo = CheckInfo { number: $number, name: $name, meaning: $meaning };)+
        /// All checks in their order.
        pub const CHECKS: &[CheckInfo] = &[$($constant),+];
    };
}

checks! {
    EVIDENCE = 1, "evidence", "At least one bundle is stored with the image.";
    SIGNER = 2, "signer", "At least one bundle about this digest is signed by the one that is asked for. Bundles of others are left aside; they change nothing.";
    TRANSPARENCY = 3, "transparency", "Every statement that counts has a log entry and a trusted time. With `none` neither is demanded; the signature, the subject and the predicate type are still checked. Where the trusted root names no log, as that of GitHub's own instance, a timestamp is demanded instead, and no log entry.";
    SOURCE = 4, "source", "Every statement that counts names the source repository, id and ref that the trust file asks for, and so does the certificate if there is one.";
    SIGNATURE = 5, "signature", "There is a signature. An attestation by the right signer is not one.";
    STATEMENT = 6, "statement", "There is a statement of the type that was asked for with `--type`.";
    DECISION = 7, "decision", "There is a gate's decision, and it says that the image passed. Summaries of other verifiers count where `evidence.decision.verifiers` names them.";
    DECISION_POLICY = 8, "decision-policy", "The decision was made by the rules that are asked for: the digest of the effective trust file is the same, or among `evidence.decision.policies`.";
    DECISION_INPUTS = 9, "decision-inputs", "The statements that the decision was made from are among those that were verified, and they hold the SBOM and the scan that are asked for.";
    SBOM = 10, "sbom", "There is an SBOM in every format that is asked for.";
    SCAN = 11, "scan", "There is a scan by the same rules in which nothing is refused.";
    SCAN_AGE = 12, "scan-age", "The scan is not older than `evidence.scan.max-age`.";
    PROVENANCE = 13, "provenance", "There is provenance (SLSA v1 or v0.2) that names its builder.";
    PROVENANCE_LEVEL = 14, "provenance-level", "The SLSA build level that the signer's certificate supports is at least the one that is asked for.";
    IMAGES = 15, "images", "Of an index: every image that runs has its own SBOM, scan and decision by the same signer.";
    LAYERS = 16, "layers", "With `--layers`: every layer has the size and digest that the manifest names, and the diff id that the configuration names.";
    SIGNERS = 17, "signers", "At least `evidence.signature.threshold` of the builders in `evidence.signature.of` have signed, each with a key or an identity of its own. A builder that signs twice or with two identities counts once, and so do two builders with one key.";
    PROVENANCE_SOURCE = 18, "provenance-source", "The provenance names the repository that the trust file asks for, and nothing else than the signer's certificate: repository and commit.";
    PROVENANCE_PARAMETERS = 19, "provenance-parameters", "The external parameters of the build are those that its build type is known to have, and those in `evidence.provenance.parameters`.";
    SCAN_TODAY = 20, "scan-today", "With `--db`: what the verified SBOM lists passes today's gate by the advisories of today. What only the layers show is not judged anew.";
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "why")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed(String),
    /// It was not asked for.
    NotChecked(String),
}

/// One check of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Check {
    /// Every check there is, in its order.
    pub const ALL: &'static [CheckInfo] = CHECKS;

    /// A check with its outcome.
    pub fn new(info: CheckInfo, outcome: Outcome) -> Self {
        Self { number: info.number, name: info.name, outcome }
    }

    pub(crate) fn when(info: CheckInfo, holds: bool, why: impl Into<String>) -> Self {
        Self::new(info, if holds { Outcome::Passed } else { Outcome::Failed(why.into()) })
    }

    /// The check of the layers, which the caller makes because only it can read them.
    pub fn layers(outcome: Outcome) -> Self {
        Self::new(LAYERS, outcome)
    }

    /// The check by the advisories of today, which the caller makes because only it has them.
    pub fn scan_today(outcome: Outcome) -> Self {
        Self::new(SCAN_TODAY, outcome)
    }

    /// The check of an index's images, which the caller makes because only it can find them.
    pub fn images(outcome: Outcome) -> Self {
        Self::new(IMAGES, outcome)
    }
}

/// A statement that counts: its signature is right, and it is about the digest that was asked about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CountedStatement {
    /// Its type.
    pub predicate_type: String,
    /// sha256 over its bytes.
    pub digest: Digest,
    /// The identity in the signer's certificate, or the fingerprint of its key.
    pub signer: String,
    /// When it was signed, by a log or a timestamp authority. Without one, times are the signer's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
}

impl CountedStatement {
    /// Sorted, as the statements themselves then are: in which order a registry lists them says nothing.
    pub(crate) fn all(signed: &mut [Signed]) -> Vec<Self> {
        signed.sort_by_cached_key(Self::of);
        signed.iter().map(Self::of).collect()
    }

    fn of(signed: &Signed) -> Self {
        let signer = match &signed.signer {
            VerifiedSigner::Key { fingerprint } => fingerprint.to_string(),
            VerifiedSigner::Certificate { identity, .. } => identity.clone(),
        };
        let predicate_type = signed.statement.predicate_type.clone();
        Self { predicate_type, digest: signed.digest, signer, time: signed.time }
    }
}

/// What was checked and what came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The version of this shape: [`Report::SCHEMA`].
    pub schema: u32,
    /// The digest that was asked about.
    pub subject: Digest,
    /// The checks in their order.
    pub checks: Vec<Check>,
    /// The statements that count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<CountedStatement>,
    /// The same with what they say, in the same order; not in the document.
    #[serde(skip)]
    pub signed: Vec<Signed>,
    /// The builder of the trust file whose evidence counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// The SLSA build level that the evidence supports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// Why it is that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_reason: Option<String>,
    /// The waivers that accepted decisions name, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<String>,
    /// The SBOM documents that count, of the first format that the trust file asks for.
    #[serde(skip)]
    pub sboms: Vec<Value>,
    /// What does not count, and why, one line each. Nothing of it makes a report fail: whoever may push could otherwise block
    /// an image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_aside: Vec<String>,
}

impl Report {
    /// The version of the report's shape.
    pub const SCHEMA: u32 = 1;

    pub(crate) fn new(subject: Digest, checks: Vec<Check>) -> Self {
        let schema = Self::SCHEMA;
        Self {
            schema,
            subject,
            checks,
            statements: vec![],
            signed: vec![],
            builder: None,
            level: None,
            level_reason: None,
            waivers: vec![],
            sboms: vec![],
            left_aside: vec![],
        }
    }

    /// Adds the outcome of a check in its place.
    pub fn add(&mut self, check: Check) {
        self.checks.push(check);
        self.checks.sort_by_key(|check| check.number);
    }

    /// Whether every check that was made holds, and at least one was made.
    pub fn passed(&self) -> bool {
        self.failures().count() == 0 && self.passes() > 0
    }

    /// How many checks hold.
    pub fn passes(&self) -> usize {
        self.checks.iter().filter(|check| check.outcome == Outcome::Passed).count()
    }

    /// The checks that do not hold.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed(_)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(outcomes: &[Outcome]) -> Report {
        let checks = CHECKS.iter().zip(outcomes).map(|(info, outcome)| Check::new(*info, outcome.clone())).collect();
        Report::new(Digest::of(b""), checks)
    }

    #[test]
    fn numbers_and_names_are_stable_and_stand_once() {
        let listed: Vec<(u8, &str)> = Check::ALL.iter().map(|check| (check.number, check.name)).collect();
        let expected = [
            (1, "evidence"),
            (2, "signer"),
            (3, "transparency"),
            (4, "source"),
            (5, "signature"),
            (6, "statement"),
            (7, "decision"),
            (8, "decision-policy"),
            (9, "decision-inputs"),
            (10, "sbom"),
            (11, "scan"),
            (12, "scan-age"),
            (13, "provenance"),
            (14, "provenance-level"),
            (15, "images"),
            (16, "layers"),
            (17, "signers"),
            (18, "provenance-source"),
            (19, "provenance-parameters"),
            (20, "scan-today"),
        ];
        assert_eq!(listed, expected);
        assert!(Check::ALL.iter().all(|check| check.meaning.ends_with('.')));
        assert_eq!(SCAN_AGE.anchor(), "docs/reference/checks.md#12-scan-age");
    }

    #[test]
    fn one_failure_is_enough_and_nothing_checked_is_no_pass() {
        let (failed, aside) = (Outcome::Failed("why".into()), Outcome::NotChecked("why".into()));
        assert!(report(&[Outcome::Passed, aside.clone()]).passed());
        assert!(!report(&[Outcome::Passed, failed.clone(), Outcome::Passed]).passed());
        assert!(!report(&[aside]).passed());
        assert!(!report(&[]).passed());
        let mixed = report(&[Outcome::Passed, failed, Outcome::Passed]);
        assert_eq!((mixed.passes(), mixed.failures().map(|c| c.name).collect::<Vec<_>>()), (2, vec!["signer"]));
    }

    #[test]
    fn the_callers_checks_have_their_places() {
        assert_eq!((Check::images(Outcome::Passed).number, Check::layers(Outcome::Passed).number), (15, 16));
        assert_eq!(Check::scan_today(Outcome::Passed).number, 20);
        let mut report = report(&[Outcome::Passed]);
        for check in [Check::scan_today(Outcome::Passed), Check::images(Outcome::Passed)] {
            report.add(check);
        }
        assert_eq!(report.checks.iter().map(|check| check.number).collect::<Vec<_>>(), [1, 15, 20]);
        assert_eq!(Check::layers(Outcome::Failed("x".into())).outcome, Outcome::Failed("x".into()));
    }

    #[test]
    fn the_json_says_its_version_and_why() {
        let mut report = report(&[Outcome::Passed, Outcome::Failed("no".into()), Outcome::NotChecked("off".into())]);
        report.builder = Some("release".into());
        assert_eq!(
            serde_json::to_value(&report).expect("JSON"),
            json!({
                "schema": 1,
                "subject": Digest::of(b"").to_string(),
                "checks": [
                    { "number": 1, "name": "evidence", "outcome": "passed" },
                    { "number": 2, "name": "signer", "outcome": "failed", "why": "no" },
                    { "number": 3, "name": "transparency", "outcome": "not-checked", "why": "off" },
                ],
                "builder": "release",
            })
        );
    }
}
