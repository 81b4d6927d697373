//! The packages of the SBOM against the advisories of today, and what changed since the build.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sealwright_advisory::AdvisorySource;
use sealwright_core::{Finding, Inventory, Untrusted, Vulnerability};

use super::model::{Counts, Difference, Flaw, Today};
use crate::pipeline::scan::scan;
use crate::report::decision::line;

/// Scans what the SBOMs list, and compares with what was found `then`.
pub(super) fn today(
    inventories: &[Inventory],
    then: Option<&[Finding]>,
    advisories: &Result<&dyn AdvisorySource, String>,
) -> (Today, Option<Difference>) {
    let not_scanned = |why: String| (Today::NotScanned { why: why.into() }, None);
    let advisories = match advisories {
        Ok(_) if inventories.is_empty() => return not_scanned("there is no SBOM that counts and can be read".into()),
        Ok(advisories) => *advisories,
        Err(why) => return not_scanned(why.clone()),
    };
    let (mut findings, mut newest) = (Vec::new(), BTreeMap::new());
    for inventory in inventories {
        match scan(inventory, advisories) {
            Ok(scanned) => {
                findings.extend(scanned.findings);
                newest.extend(scanned.ages.into_iter().map(|age| (age.ecosystem, age.newest)));
            }
            Err(failure) => return not_scanned(failure.message),
        }
    }
    findings.sort();
    findings.dedup();
    let unknown =
        findings.iter().filter(|f| matches!(f, Finding::Observation { .. })).map(|f| Untrusted::from(line(f)));
    let today = Today::Scanned {
        snapshot: advisories.snapshot().digest(),
        newest,
        flaws: Counts::of(&findings),
        unknown: unknown.collect(),
    };
    (today, then.map(|then| difference(then, &findings)))
}

fn difference(then: &[Finding], now: &[Finding]) -> Difference {
    let (then, now) = (flaws(then), flaws(now));
    let only = |these: &[&Vulnerability], those: &[&Vulnerability]| {
        let mut only: Vec<Flaw> = these
            .iter()
            .filter(|one| !those.iter().any(|other| is_same(one, other)))
            .map(|one| Flaw::of(one))
            .collect();
        only.sort_by_key(|flaw| {
            (Reverse(flaw.known_exploited), Reverse(flaw.severity), flaw.id.clone(), flaw.package.clone())
        });
        only
    };
    Difference { new: only(&now, &then), gone: only(&then, &now) }
}

fn flaws(findings: &[Finding]) -> Vec<&Vulnerability> {
    let mut flaws = Vec::new();
    for finding in findings {
        if let Finding::Vulnerability(flaw) = finding {
            flaws.push(&**flaw);
        }
    }
    flaws
}

/// A flaw may have got its CVE since then.
fn is_same(one: &Vulnerability, other: &Vulnerability) -> bool {
    one.package.purl == other.package.purl && (one.is_named(other.id.raw()) || other.is_named(one.id.raw()))
}
