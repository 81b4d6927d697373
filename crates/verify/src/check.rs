//! The numbered checks of an image, and the report.

use serde::Serialize;

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
    TRANSPARENCY = 3, "transparency", "Every statement that counts has a log entry and a trusted time. With `none` neither is demanded; the signature, the subject and the predicate type are still checked.";
    SOURCE = 4, "source", "Every statement that counts names the source repository, id and ref that the trust file asks for, and so does the certificate if there is one.";
    SIGNATURE = 5, "signature", "There is a signature. An attestation by the right signer is not one.";
    STATEMENT = 6, "statement", "There is a statement of the type that was asked for with `--type`.";
    DECISION = 7, "decision", "There is a gate's decision, and it says that the image passed.";
    DECISION_POLICY = 8, "decision-policy", "The decision was made by the rules that are asked for: the digest of the effective trust file is the same.";
    DECISION_INPUTS = 9, "decision-inputs", "The statements that the decision was made from are among those that were verified, and they hold the SBOM and the scan that are asked for.";
    SBOM = 10, "sbom", "There is an SBOM in every format that is asked for.";
    SCAN = 11, "scan", "There is a scan by the same rules in which nothing is refused.";
    SCAN_AGE = 12, "scan-age", "The scan is not older than `evidence.scan.max-age`.";
    PROVENANCE = 13, "provenance", "There is provenance that names its builder.";
    PROVENANCE_LEVEL = 14, "provenance-level", "The SLSA build level that the signer's certificate supports is at least the one that is asked for.";
    IMAGES = 15, "images", "Of an index: every image that runs has its own SBOM, scan and decision by the same signer.";
    LAYERS = 16, "layers", "With `--layers`: every layer has the size and digest that the manifest names, and the diff id that the configuration names.";
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

    /// The check of an index's images, which the caller makes because only it can find them.
    pub fn images(outcome: Outcome) -> Self {
        Self::new(IMAGES, outcome)
    }
}

/// What was checked and what came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The checks in their order.
    pub checks: Vec<Check>,
    /// The builder of the trust file whose evidence counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// The SLSA build level that the evidence supports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// Waivers that the decision names: `ID: reason`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<String>,
    /// Bundles that do not count, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_aside: Vec<String>,
}

impl Report {
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
