//! The severity of a flaw: the distribution's own word, else the record's CVSS (v4, then v3, then v2), else unknown. It is
//! never borrowed from another ecosystem's record.

use sealwright_advisory::{Advisory, Affected, Rating};
use sealwright_core::Severity;
use serde_json::Value;

/// A severity and whose word it is.
pub(crate) type Rated = (Severity, &'static str);

pub(crate) fn of(advisory: &Advisory, affected: &Affected) -> Option<Rated> {
    let own = [&affected.ecosystem_specific, &affected.database_specific, &advisory.database_specific];
    let word = own.into_iter().find_map(word).map(|severity| (severity, "distribution"));
    word.or_else(|| cvss(&affected.severity)).or_else(|| cvss(&advisory.severity))
}

/// Debian's `urgency`, everyone else's `severity`, in the words that databases use.
fn word(value: &Value) -> Option<Severity> {
    let text = ["severity", "urgency"].into_iter().find_map(|key| value.get(key)?.as_str())?;
    match text.trim_end_matches('*').to_ascii_lowercase().as_str() {
        "negligible" | "unimportant" | "none" => Some(Severity::Negligible),
        "low" | "minor" => Some(Severity::Low),
        "medium" | "moderate" => Some(Severity::Medium),
        "high" | "important" => Some(Severity::High),
        "critical" => Some(Severity::Critical),
        _ => None,
    }
}

/// The score of a vector; none where it is not one.
type Score = fn(&str) -> Option<f64>;

fn cvss(ratings: &[Rating]) -> Option<Rated> {
    let score = |kind: &str, parse: Score| {
        let scores = ratings.iter().filter(|r| r.kind == kind).filter_map(|r| parse(&r.score));
        scores.fold(None, |worst: Option<f64>, score| Some(worst.map_or(score, |w| w.max(score))))
    };
    let versions: [(&str, Score, &'static str); 3] =
        [("CVSS_V4", v4, "cvss-v4"), ("CVSS_V3", v3, "cvss-v3"), ("CVSS_V2", v2, "cvss-v2")];
    versions.into_iter().find_map(|(kind, parse, name)| Some((Severity::from_cvss_score(score(kind, parse)?), name)))
}

fn v4(vector: &str) -> Option<f64> {
    vector.parse::<cvss::v4::Vector>().ok().map(|v| v.score().value())
}

fn v3(vector: &str) -> Option<f64> {
    vector.parse::<cvss::v3::Vector>().ok().map(|v| v.score().value())
}

fn v2(vector: &str) -> Option<f64> {
    // NVD used to write vectors in parentheses.
    vector.trim_matches(['(', ')']).parse::<cvss::v2::Vector>().ok().map(|v| v.score().value())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rating(kind: &str, score: &str) -> Rating {
        Rating { kind: kind.into(), score: score.into() }
    }

    #[test]
    fn scores_follow_their_specifications() {
        // CVSS v2 guide §3.3: CVE-2002-0392 is 7.8, CVE-2003-0818 10.0, CVE-2003-0062 6.2.
        assert_eq!(v2("AV:N/AC:L/Au:N/C:N/I:N/A:C"), Some(7.8));
        assert_eq!(v2("AV:N/AC:L/Au:N/C:C/I:C/A:C"), Some(10.0));
        assert_eq!(v2("(AV:L/AC:H/Au:N/C:C/I:C/A:C)"), Some(6.2));
        assert_eq!(v2("AV:N/AC:L"), None);
        // CVSS v3.1 examples: Heartbleed is 7.5.
        assert_eq!(v3("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"), Some(7.5));
        assert!(v4("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N").is_some_and(|s| s >= 9.0));
    }

    #[test]
    fn the_newest_cvss_counts_and_of_several_the_worst() {
        let low = "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N";
        let critical = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
        assert_eq!(cvss(&[rating("CVSS_V3", low), rating("CVSS_V3", critical)]), Some((Severity::Critical, "cvss-v3")));
        assert_eq!(
            cvss(&[rating("CVSS_V2", "AV:N/AC:L/Au:N/C:C/I:C/A:C"), rating("CVSS_V3", low)]),
            Some((Severity::Low, "cvss-v3"))
        );
        assert_eq!(cvss(&[rating("Ubuntu", "high"), rating("CVSS_V3", "broken")]), None);
    }

    #[test]
    fn the_distributions_word_stands_above_a_score() {
        assert_eq!(word(&serde_json::json!({"urgency": "unimportant"})), Some(Severity::Negligible));
        assert_eq!(word(&serde_json::json!({"severity": "MODERATE"})), Some(Severity::Medium));
        for (text, expected) in [
            ("low", Severity::Low),
            ("minor", Severity::Low),
            ("medium**", Severity::Medium),
            ("important", Severity::High),
            ("critical", Severity::Critical),
        ] {
            assert_eq!(word(&serde_json::json!({ "severity": text })), Some(expected), "{text}");
        }
        assert_eq!(word(&serde_json::json!({"urgency": "not yet assigned"})), None);
        assert_eq!(word(&Value::Null), None);
    }
}
