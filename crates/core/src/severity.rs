//! Severity of a flaw.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How bad a flaw is, in the words that distributions and CVSS share. "Unknown" is `None` of an `Option<Severity>`: it is
/// not a rank, and a rule has to say what it does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No practical effect (Debian and Ubuntu's word; CVSS "none").
    Negligible,
    /// CVSS 0.1–3.9.
    Low,
    /// CVSS 4.0–6.9.
    Medium,
    /// CVSS 7.0–8.9.
    High,
    /// CVSS 9.0–10.0.
    Critical,
}

impl Severity {
    /// From the least to the worst.
    pub const ALL: [Self; 5] = [Self::Negligible, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in configuration and documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The rating of a CVSS score (FIRST, CVSS v3.1 §5 and v4.0 §6, table "Qualitative severity rating scale").
    pub fn from_cvss_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s >= 0.1 => Self::Low,
            _ => Self::Negligible,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A word that is no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a severity, expected one of negligible, low, medium, high, critical")]
pub struct SeverityError {
    /// The word as written.
    pub word: String,
}

impl FromStr for Severity {
    type Err = SeverityError;

    fn from_str(word: &str) -> Result<Self, SeverityError> {
        Self::ALL
            .into_iter()
            .find(|s| s.word() == word)
            .ok_or_else(|| SeverityError { word: word.chars().take(40).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cvss_ratings_follow_the_published_scale_at_its_edges() {
        use Severity::*;
        for (score, expected) in [
            (0.0, Negligible),
            (0.1, Low),
            (3.9, Low),
            (4.0, Medium),
            (6.9, Medium),
            (7.0, High),
            (8.9, High),
            (9.0, Critical),
            (10.0, Critical),
        ] {
            assert_eq!(Severity::from_cvss_score(score), expected, "{score}");
        }
    }

    #[test]
    fn words_round_trip_and_others_are_refused() {
        for severity in Severity::ALL {
            assert_eq!(severity.word().parse(), Ok(severity));
        }
        assert!("Critical".parse::<Severity>().is_err());
        assert!(Severity::Critical > Severity::High);
    }
}
