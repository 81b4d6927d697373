//! Matches an inventory against advisories and keeps the evidence.

mod ecosystem;
mod merge;
mod range;
mod severity;

use sealwright_advisory::{AdvisorySource, Affected, LookupError, split_ecosystem};
use sealwright_core::{Finding, FindingId, Inventory, Package, Place, Untrusted};

use crate::ecosystem::{Ecosystem, Unknown};
use crate::merge::Match;

/// What the advisories say about an inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matched {
    /// Vulnerabilities and what is not known, sorted.
    pub findings: Vec<Finding>,
    /// The ecosystems that were consulted, by OSV's names without releases.
    pub ecosystems: Vec<String>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum MatchError {
    /// The advisory data could not be read.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

/// Matches every package of `inventory`.
///
/// Silence is never health: an unknown distribution, an ecosystem or release without any record, and a version that cannot
/// be compared are findings.
///
/// # Errors
/// When the advisory data cannot be read.
pub fn match_inventory(inventory: &Inventory, source: &dyn AdvisorySource) -> Result<Matched, MatchError> {
    let mut matched = Matched { ecosystems: ecosystems_needed(inventory), ..Matched::default() };
    if let Some(Unknown { detail }) = ecosystem::unknown_distribution(inventory) {
        matched.findings.push(Finding::observation(FindingId::UnknownDistribution, Place::default(), detail));
    }
    for ecosystem in ecosystem::all(inventory) {
        if !source.snapshot().covers(&ecosystem.name, ecosystem.release.as_deref()) {
            let detail = format!("the advisory store holds no record for {}", ecosystem.full_name());
            matched.findings.push(Finding::observation(FindingId::NoAdvisoriesForRelease, Place::default(), detail));
        }
    }
    for kind in ecosystem::unmatched(inventory) {
        let detail = format!("{} packages are listed, and this version matches none of them", kind.word());
        matched.findings.push(Finding::observation(FindingId::NoAdvisoriesForRelease, Place::default(), detail));
    }
    for package in &inventory.packages {
        if let Some(ecosystem) = ecosystem::of(package, inventory) {
            match_package(package, &ecosystem, source, &mut matched.findings)?;
        }
    }
    matched.findings.sort();
    matched.findings.dedup();
    Ok(matched)
}

/// The ecosystems whose advisories an inventory needs, by OSV's names without releases, sorted.
pub fn ecosystems_needed(inventory: &Inventory) -> Vec<String> {
    let mut names: Vec<String> = ecosystem::all(inventory).into_iter().map(|e| e.name).collect();
    names.sort();
    names.dedup();
    names
}

fn match_package(
    package: &Package,
    ecosystem: &Ecosystem,
    source: &dyn AdvisorySource,
    findings: &mut Vec<Finding>,
) -> Result<(), MatchError> {
    let mut matches: Vec<Match> = Vec::new();
    for subject in ecosystem::subjects(package, ecosystem) {
        for advisory in source.advisories(&ecosystem.name, &subject.name)? {
            if advisory.withdrawn.is_some() {
                continue;
            }
            for affected in advisory.affected.iter().filter(|a| concerns(a, ecosystem, &subject.name)) {
                match range::affects(affected, ecosystem.scheme, &subject.version) {
                    Ok(None) => {}
                    Ok(Some(hit)) => {
                        matches.push(Match { advisory: advisory.clone(), affected: affected.clone(), hit })
                    }
                    Err(error) => {
                        let place =
                            Place { layer: Some(package.location.layer), path: Some(package.location.path.clone()) };
                        let detail = format!(
                            "{} {} cannot be compared with {}: {error}",
                            Untrusted::new(subject.name.as_str()),
                            Untrusted::new(subject.version.as_str()),
                            Untrusted::new(advisory.id.as_str())
                        );
                        findings.push(Finding::observation(FindingId::UncomparableVersion, place, detail));
                    }
                }
            }
        }
    }
    let exploited = |cve: &str| source.is_known_exploited(cve);
    let found = merge::vulnerabilities(package, ecosystem, &matches, &exploited);
    findings.extend(found.into_iter().map(|one| Finding::Vulnerability(Box::new(one))));
    Ok(())
}

/// Whether an entry of a record is about this package in this release.
fn concerns(affected: &Affected, ecosystem: &Ecosystem, name: &str) -> bool {
    let Some(package) = &affected.package else { return false };
    let (stated, release) = split_ecosystem(&package.ecosystem);
    let key = |name: &str| sealwright_advisory::package_key(&ecosystem.name, name);
    stated == ecosystem.name
        && key(&package.name) == key(name)
        && (release.is_none() || release == ecosystem.release.as_deref())
}
