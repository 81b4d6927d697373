//! Whether a version is affected (OSV schema, "Evaluation").

use std::cmp::Ordering;

use sealwright_advisory::{Affected, Event, Range, RangeKind};
use sealwright_version::{Scheme, VersionError, compare};

/// Why a version counts as affected, and where it is fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    /// For example `[0, 1.2.3)`, or `= 1.2`.
    pub(crate) interval: String,
    /// The first fix after the version.
    pub(crate) fixed: Option<String>,
}

/// The first range, or else the enumerated version, that holds `version`.
///
/// # Errors
/// When a version of the record or of the package cannot be compared and nothing else of the record says "affected".
pub(crate) fn affects(affected: &Affected, scheme: Scheme, version: &str) -> Result<Option<Hit>, VersionError> {
    let mut failed = None;
    let mut hits: Vec<Hit> = Vec::new();
    for range in affected.ranges.iter().filter(|r| r.kind != RangeKind::Git) {
        match in_range(range, scheme, version) {
            Ok(hit) => hits.extend(hit),
            Err(error) => failed = Some(error),
        }
    }
    // Several ranges can hold one version (a recipe that names a flaw twice): the latest fix fixes all of them.
    let mut best: Option<Hit> = None;
    for hit in hits {
        let later = match (&best, &hit.fixed) {
            (None, _) | (Some(_), None) => true,
            (Some(Hit { fixed: None, .. }), Some(_)) => false,
            (Some(Hit { fixed: Some(best), .. }), Some(fixed)) => compare(scheme, fixed, best)? == Ordering::Greater,
        };
        if later {
            best = Some(hit);
        }
    }
    if best.is_none() && affected.versions.iter().any(|v| same(scheme, v, version)) {
        best = Some(Hit { interval: format!("= {version}"), fixed: None });
    }
    match (best, failed) {
        (Some(hit), _) => Ok(Some(hit)),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(None),
    }
}

fn same(scheme: Scheme, a: &str, b: &str) -> bool {
    a == b || compare(scheme, a, b) == Ok(Ordering::Equal)
}

/// Events in order: each changes what follows it. At one version, `introduced` comes before what ends a range.
fn in_range(range: &Range, scheme: Scheme, version: &str) -> Result<Option<Hit>, VersionError> {
    // The package's own version has to be comparable, also where a range has no other bound than 0.
    compare(scheme, version, version)?;
    let mut events: Vec<&Event> = range.events.iter().collect();
    let mut failed = None;
    events.sort_by(|a, b| {
        order(scheme, a, b).unwrap_or_else(|error| {
            failed = Some(error);
            Ordering::Equal
        })
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let mut affected: Option<&str> = None;
    for event in &events {
        let (at, reached) = match event {
            Event::Introduced(at) if at == "0" => (at, true),
            Event::LastAffected(at) => (at, compare(scheme, version, at)? == Ordering::Greater),
            Event::Introduced(at) | Event::Fixed(at) | Event::Limit(at) => {
                (at, compare(scheme, version, at)? != Ordering::Less)
            }
        };
        if reached {
            affected = match event {
                Event::Introduced(_) => Some(at),
                Event::Fixed(_) | Event::LastAffected(_) | Event::Limit(_) => None,
            };
        }
    }
    let Some(start) = affected else { return Ok(None) };
    // What ends the range is the first ending event after the version.
    for event in &events {
        let interval = match event {
            Event::Fixed(at) if compare(scheme, version, at)? == Ordering::Less => {
                return Ok(Some(Hit { interval: format!("[{start}, {at})"), fixed: Some(at.clone()) }));
            }
            Event::LastAffected(at) if compare(scheme, version, at)? != Ordering::Greater => format!("[{start}, {at}]"),
            Event::Limit(at) if compare(scheme, version, at)? == Ordering::Less => format!("[{start}, {at})"),
            _ => continue,
        };
        return Ok(Some(Hit { interval, fixed: None }));
    }
    Ok(Some(Hit { interval: format!("[{start}, ∞)"), fixed: None }))
}

fn order(scheme: Scheme, a: &Event, b: &Event) -> Result<Ordering, VersionError> {
    fn parts(event: &Event) -> (u8, &str) {
        match event {
            Event::Introduced(at) => (0, at),
            Event::LastAffected(at) => (1, at),
            Event::Fixed(at) | Event::Limit(at) => (2, at),
        }
    }
    let ((rank_a, at_a), (rank_b, at_b)) = (parts(a), parts(b));
    let versions = match (rank_a == 0 && at_a == "0", rank_b == 0 && at_b == "0") {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => compare(scheme, at_a, at_b)?,
    };
    Ok(versions.then(rank_a.cmp(&rank_b)))
}

#[cfg(test)]
mod tests;
