//! What the gate decided about findings.

use serde::{Deserialize, Serialize};

use crate::Finding;

/// Pass or refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// No finding breaks a rule that is not waived.
    Pass,
    /// At least one does.
    Refuse,
}

/// A finding with the rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The finding.
    pub finding: Finding,
    /// The key of the trust file that refuses it, for example `gate.fail-on`.
    pub rule: String,
}

/// A finding that would refuse the image, and the waiver that lets it pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    /// The finding.
    pub finding: Finding,
    /// The rule it would break.
    pub rule: String,
    /// Why it is accepted, as the trust file says.
    pub reason: String,
    /// Who accepts it.
    pub owner: Option<String>,
    /// The last day on which the waiver holds (ISO 8601 date).
    pub expires: Option<String>,
}

/// The gate's judgment of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Pass or refuse.
    pub outcome: Outcome,
    /// What refuses the image. Empty exactly when it passes.
    pub refused: Vec<Refused>,
    /// What was waived.
    pub waived: Vec<Waived>,
    /// What breaks no rule.
    pub reported: Vec<Finding>,
}

impl Decision {
    /// The decision that follows from sorted findings: refused if any is.
    pub fn new(refused: Vec<Refused>, waived: Vec<Waived>, reported: Vec<Finding>) -> Self {
        let outcome = if refused.is_empty() { Outcome::Pass } else { Outcome::Refuse };
        Self { outcome, refused, waived, reported }
    }
}
