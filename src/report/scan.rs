//! The report of `scan`.

use jiff::Timestamp;
use sealwright_advisory::Snapshot;
use sealwright_core::{Decision, Digest, Finding, Outcome};
use sealwright_gate::EcosystemAge;
use serde::Serialize;

use super::console::Style;
use super::decision;

/// Everything that a scan found out.
#[derive(Debug, Serialize)]
pub struct ScanReport<'a> {
    /// The schema of this document.
    pub schema: u32,
    /// What was scanned, as it was named.
    pub source: &'a str,
    /// The digest of its manifest, of an SBOM the digest of the document.
    pub digest: Digest,
    /// When.
    pub scanned: Timestamp,
    /// The digest of the advisory snapshot.
    pub snapshot: Digest,
    /// The newest record of every ecosystem that was consulted.
    pub newest: Vec<Newest<'a>>,
    /// What was found.
    pub findings: &'a [Finding],
    /// What a policy or a flag made of it; absent without a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<&'a Decision>,
}

/// The newest record of an ecosystem.
#[derive(Debug, Serialize)]
pub struct Newest<'a> {
    /// Its OSV name.
    pub ecosystem: &'a str,
    /// The time of its newest record.
    pub newest: Option<Timestamp>,
}

impl<'a> ScanReport<'a> {
    /// The report's version.
    pub const SCHEMA: u32 = 1;

    /// The ages as they stand in the document.
    pub fn newest(ages: &'a [EcosystemAge]) -> Vec<Newest<'a>> {
        ages.iter().map(|a| Newest { ecosystem: &a.ecosystem, newest: a.newest }).collect()
    }

    /// For a machine.
    pub fn json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// For a person.
    pub fn table(&self, style: Style) -> String {
        let mut text = decision::findings(self.findings, style);
        if text.is_empty() {
            text.push_str("nothing found\n");
        }
        text.push('\n');
        match self.decision {
            Some(judged) => text.push_str(&decision::decision(judged, style)),
            None => text.push_str("no rule was asked for: reported only\n"),
        }
        text
    }

    /// Whether a rule refuses what was scanned.
    pub fn refused(&self) -> bool {
        self.decision.is_some_and(|d| d.outcome == Outcome::Refuse)
    }
}

impl ScanReport<'_> {
    /// The advisory data in one line, for stderr.
    pub fn data_line(snapshot: &Snapshot, ages: &[EcosystemAge]) -> String {
        let newest = |a: &EcosystemAge| {
            let date = a.newest.map_or_else(|| "no record".to_owned(), |t| t.strftime("%Y-%m-%d").to_string());
            format!("{} {date}", a.ecosystem)
        };
        let ages: Vec<String> = ages.iter().map(newest).collect();
        format!("advisories {} ({})", snapshot.digest().short(), ages.join(", "))
    }
}
