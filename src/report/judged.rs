//! What was found in the image of one platform and what became of it, in the one order in which reports for GitHub list it:
//! worst first, so that whatever is cut off is the least of it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sealwright_core::{Decision, Digest, Finding, Fix, Inventory, Platform, Purl, Severity, Untrusted, Vulnerability};

/// The paths of the files that name each package, by its package URL.
#[derive(Debug, Clone, Default)]
pub struct Places(BTreeMap<Purl, Vec<Untrusted>>);

impl Places {
    /// Of everything in an image.
    pub fn of(inventory: &Inventory) -> Self {
        let mut places = BTreeMap::<Purl, Vec<Untrusted>>::new();
        for package in inventory.packages.iter().filter(|package| !package.location.path.is_empty()) {
            let paths = places.entry(package.purl.clone()).or_default();
            if !paths.contains(&package.location.path) {
                paths.push(package.location.path.clone());
            }
        }
        Self(places)
    }

    fn paths(&self, purl: &Purl) -> &[Untrusted] {
        self.0.get(purl).map_or(&[], Vec::as_slice)
    }
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// The rule with this key refuses it.
    Refused(&'a str),
    /// It breaks no rule, or there was none.
    Reported,
    /// It was accepted.
    Waived {
        /// Why.
        reason: &'a str,
        /// By whom.
        owner: Option<&'a str>,
        /// The last day on which that holds.
        expires: Option<&'a str>,
    },
}

/// A finding, what became of it, and where it was made.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// What became of it.
    pub standing: Standing<'a>,
    /// The paths of the files that show it, inside the image; none where they are not known.
    pub paths: &'a [Untrusted],
}

/// The image of one platform.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The platform; an SBOM names none.
    pub platform: Option<&'a Platform>,
    /// The digest of the manifest, of an SBOM the digest of the document.
    pub digest: Digest,
    /// Worst first.
    pub items: Vec<Item<'a>>,
}

impl<'a> Judged<'a> {
    /// By the decision, which names every finding; without one `findings` were only reported.
    pub fn new(
        platform: Option<&'a Platform>,
        digest: Digest,
        findings: &'a [Finding],
        decision: Option<&'a Decision>,
        places: &'a Places,
    ) -> Self {
        let item = |finding: &'a Finding, standing| Item { finding, standing, paths: paths(finding, places) };
        let mut items: Vec<Item<'a>> = match decision {
            None => findings.iter().map(|finding| item(finding, Standing::Reported)).collect(),
            Some(decision) => {
                let refused = decision.refused.iter().map(|one| item(&one.finding, Standing::Refused(&one.rule)));
                let reported = decision.reported.iter().map(|finding| item(finding, Standing::Reported));
                let waived = decision.waived.iter().map(|one| {
                    let (owner, expires) = (one.owner.as_deref(), one.expires.as_deref());
                    item(&one.finding, Standing::Waived { reason: &one.reason, owner, expires })
                });
                refused.chain(reported).chain(waived).collect()
            }
        };
        items.sort_by_cached_key(|item| item.order());
        Self { platform, digest, items }
    }

    /// How many are refused, waived and reported.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |wanted: fn(&Standing<'_>) -> bool| self.items.iter().filter(|item| wanted(&item.standing)).count();
        let refused = count(|standing| matches!(standing, Standing::Refused(_)));
        let waived = count(|standing| matches!(standing, Standing::Waived { .. }));
        (refused, waived, self.items.len() - refused - waived)
    }
}

fn paths<'a>(finding: &'a Finding, places: &'a Places) -> &'a [Untrusted] {
    match finding {
        Finding::Vulnerability(vulnerability) => places.paths(&vulnerability.package.purl),
        Finding::Observation { place, .. } => place.path.as_slice(),
    }
}

impl Item<'_> {
    /// The worst has the least: what is refused, then what is exploited, then by severity, then by name.
    pub fn order(&self) -> impl Ord + use<> {
        let standing = !matches!(self.standing, Standing::Refused(_));
        match self.finding {
            Finding::Vulnerability(v) => {
                let named = (v.package.name.clone(), v.id.clone(), v.package.version.clone());
                (standing, !v.known_exploited, Reverse(rank(v.severity)), None, Some(named))
            }
            Finding::Observation { .. } => (standing, true, Reverse(rank(None)), Some(self.finding.clone()), None),
        }
    }
}

/// A flaw whose severity nobody states may be anything: it stands above what is known to be low. Observations stand there too.
fn rank(severity: Option<Severity>) -> u8 {
    match severity {
        Some(Severity::Critical) => 5,
        Some(Severity::High) => 4,
        Some(Severity::Medium) => 3,
        None => 2,
        Some(Severity::Low) => 1,
        Some(Severity::Negligible) => 0,
    }
}

/// The severity in a word, and whether the flaw is exploited.
pub fn severity(vulnerability: &Vulnerability) -> String {
    let word = vulnerability.severity.map_or("unknown", Severity::word);
    if vulnerability.known_exploited { format!("{word}, exploited") } else { word.to_owned() }
}

/// The version without the flaw, if one is known.
pub fn fixed_in(vulnerability: &Vulnerability) -> Option<&Untrusted> {
    match &vulnerability.fix {
        Fix::FixedIn(version) => Some(version),
        Fix::NoneKnown => None,
    }
}

/// Where a flaw is described: at OSV, whose records have these names. Nothing for an id that is no plain word, which would make
/// an address of its own.
pub fn advisory_url(id: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
    let is_id = id.len() <= 100 && id.starts_with(|c: char| c.is_ascii_alphanumeric()) && id.chars().all(plain);
    is_id.then(|| format!("https://osv.dev/vulnerability/{id}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use sealwright_core::{AdvisoryId, AffectedPackage, FindingId, Place, Refused, Waived};

    use super::*;

    /// A flaw in a Debian package of version 1.0, fixed in 2.0.
    pub(crate) fn flaw(id: &str, name: &str, severity: Option<Severity>) -> Finding {
        Finding::Vulnerability(Box::new(Vulnerability {
            id: AdvisoryId::new(id),
            aliases: vec![],
            package: AffectedPackage {
                name: name.into(),
                version: "1.0".into(),
                purl: Purl::new("deb", Some("debian"), name).with_version("1.0"),
            },
            severity,
            severity_source: None,
            known_exploited: false,
            fix: Fix::FixedIn("2.0".into()),
            evidence: vec![],
            summary: None,
        }))
    }

    /// A decision with one flaw of each kind, and an observation.
    pub(crate) fn decision() -> Decision {
        let refused = |finding, rule: &str| Refused { finding, rule: rule.to_owned() };
        let place = Place { layer: None, path: Some("root/.aws/credentials".into()) };
        let denied = Finding::observation(FindingId::DeniedContent, place, "a credentials file");
        let waived = Waived {
            finding: flaw("CVE-2030-3", "glibc", Some(Severity::Critical)),
            rule: "gate.fail-on".into(),
            reason: "not reachable".into(),
            owner: Some("ops".into()),
            expires: Some("2030-12-31".into()),
        };
        Decision::new(
            vec![
                refused(flaw("CVE-2030-1", "zlib", Some(Severity::High)), "gate.fail-on"),
                refused(denied, "gate.contents.deny"),
            ],
            vec![waived],
            vec![flaw("CVE-2030-4", "bash", Some(Severity::Low)), flaw("CVE-2030-5", "curl", None)],
        )
    }

    #[test]
    fn what_is_cut_off_last_is_the_worst() {
        let mut exploited = flaw("CVE-2030-9", "tar", Some(Severity::Low));
        if let Finding::Vulnerability(flaw) = &mut exploited {
            flaw.known_exploited = true;
        }
        let mut decision = decision();
        decision.reported.push(exploited);
        let places = Places::default();
        let judged = Judged::new(None, Digest::of(b""), &[], Some(&decision), &places);
        let ids: Vec<String> = judged
            .items
            .iter()
            .map(|item| match item.finding {
                Finding::Vulnerability(v) => v.id.to_string(),
                Finding::Observation { id, .. } => id.to_string(),
            })
            .collect();
        let expected = ["CVE-2030-1", "denied-content", "CVE-2030-9", "CVE-2030-3", "CVE-2030-5", "CVE-2030-4"];
        assert_eq!(ids, expected);
        assert_eq!(judged.counts(), (2, 1, 3));
    }

    #[test]
    fn an_id_that_is_no_word_has_no_address() {
        assert_eq!(advisory_url("CVE-2030-1").as_deref(), Some("https://osv.dev/vulnerability/CVE-2030-1"));
        assert!(advisory_url("ALSA-2030:1").is_some());
        for bad in ["", "a/../b", "a b", "x)](https://evil", "a?b", "é", "-a", "..", "a%2f"] {
            assert_eq!(advisory_url(bad), None, "{bad}");
        }
    }
}
