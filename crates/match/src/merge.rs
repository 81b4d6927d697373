//! One finding for one flaw and package, however many records are about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sealwright_advisory::{Advisory, Affected};
use sealwright_core::{AdvisoryId, AffectedPackage, Fix, Package, Untrusted, Vulnerability};
use sealwright_version::compare;

use crate::ecosystem::Ecosystem;
use crate::range::Hit;
use crate::severity;

/// A record that says "affected".
pub(crate) struct Match {
    pub(crate) advisory: Arc<Advisory>,
    pub(crate) affected: Affected,
    pub(crate) hit: Hit,
}

/// One vulnerability for each flaw that the records name, in the order of their ids.
///
/// A record about several CVEs (a DSA) is about several flaws. A record without a CVE is about those of a record that shares
/// another name with it (PYSEC and GHSA); without one, its GHSA or else its own id names the flaw.
pub(crate) fn vulnerabilities(
    package: &Package,
    ecosystem: &Ecosystem,
    matches: &[Match],
    is_exploited: &dyn Fn(&str) -> bool,
) -> Vec<Vulnerability> {
    let mut flaws: BTreeMap<String, Vec<&Match>> = BTreeMap::new();
    for found in matches {
        for id in flaws_of(&found.advisory, matches) {
            flaws.entry(id).or_default().push(found);
        }
    }
    flaws.into_iter().map(|(id, members)| one(package, ecosystem, id, &members, is_exploited)).collect()
}

fn flaws_of(advisory: &Advisory, matches: &[Match]) -> BTreeSet<String> {
    let own = names(advisory);
    let cves =
        |names: &BTreeSet<String>| names.iter().filter(|n| n.starts_with("CVE-")).cloned().collect::<BTreeSet<_>>();
    let mut found = cves(&own);
    if found.is_empty() {
        let relatives = matches.iter().map(|m| names(&m.advisory)).filter(|others| !others.is_disjoint(&own));
        found = relatives.flat_map(|others| cves(&others)).collect();
    }
    if found.is_empty() {
        let ghsa = own.iter().find(|name| name.starts_with("GHSA-"));
        found.insert(ghsa.unwrap_or(&advisory.id).clone());
    }
    found
}

fn names(advisory: &Advisory) -> BTreeSet<String> {
    [&advisory.id].into_iter().chain(&advisory.aliases).chain(&advisory.upstream).cloned().collect()
}

fn one(
    package: &Package,
    ecosystem: &Ecosystem,
    id: String,
    members: &[&Match],
    is_exploited: &dyn Fn(&str) -> bool,
) -> Vulnerability {
    // Another CVE of a shared record is another flaw, not another name of this one.
    let mut aliases: BTreeSet<String> = members.iter().flat_map(|m| names(&m.advisory)).collect();
    aliases.retain(|name| *name != id && !(id.starts_with("CVE-") && name.starts_with("CVE-")));
    let rated =
        members.iter().filter_map(|m| severity::of(&m.advisory, &m.affected)).max_by_key(|(severity, _)| *severity);
    let mut evidence: Vec<Untrusted> =
        members.iter().map(|m| format!("{}: {}", m.advisory.id, m.hit.interval).into()).collect();
    evidence.sort();
    evidence.dedup();
    Vulnerability {
        known_exploited: is_exploited(&id) || aliases.iter().any(|name| is_exploited(name)),
        aliases: aliases.into_iter().map(AdvisoryId::new).collect(),
        id: AdvisoryId::new(id),
        package: AffectedPackage {
            name: package.name.clone(),
            version: package.version.clone(),
            purl: package.purl.clone(),
        },
        severity: rated.map(|(severity, _)| severity),
        severity_source: rated.map(|(_, source)| source.to_owned()),
        fix: fix(ecosystem, members),
        evidence,
        summary: members.iter().find_map(|m| m.advisory.summary.clone()),
    }
}

/// The highest of the records' fixes: only there all of them are fixed. One record without a fix leaves the flaw unfixed.
fn fix(ecosystem: &Ecosystem, members: &[&Match]) -> Fix {
    let mut highest: Option<&String> = None;
    for fixed in members.iter().map(|m| m.hit.fixed.as_ref()) {
        let Some(fixed) = fixed else { return Fix::NoneKnown };
        if highest.is_none_or(|h| compare(ecosystem.scheme, fixed, h).is_ok_and(std::cmp::Ordering::is_gt)) {
            highest = Some(fixed);
        }
    }
    highest.map_or(Fix::NoneKnown, |fixed| Fix::FixedIn(fixed.as_str().into()))
}
