//! Which rule a finding breaks, and whether it may be waived.

use sealwright_core::{Finding, FindingId, Fix, Severity, Vulnerability};
use sealwright_policy::{GateRules, Waiver, Word};

/// The key of the trust file that refuses this finding, if one does.
pub(crate) fn broken(finding: &Finding, rules: &GateRules) -> Option<&'static str> {
    match finding {
        Finding::Vulnerability(vulnerability) => by_vulnerability(vulnerability, rules),
        Finding::Observation { id, .. } => by_observation(*id, rules),
    }
}

fn by_vulnerability(vulnerability: &Vulnerability, rules: &GateRules) -> Option<&'static str> {
    // Known exploitation does not wait for a fix.
    if vulnerability.known_exploited && rules.known_exploited == Word::Fail {
        return Some("gate.known-exploited");
    }
    if rules.only_fixed && vulnerability.fix == Fix::NoneKnown {
        return None;
    }
    match vulnerability.severity {
        None => (rules.unknown_severity == Word::Fail).then_some("gate.unknown-severity"),
        Some(severity) => rules.fail_on.is_some_and(|least| severity >= least).then_some("gate.fail-on"),
    }
}

fn by_observation(id: FindingId, rules: &GateRules) -> Option<&'static str> {
    match id {
        FindingId::UnknownDistribution | FindingId::NoAdvisoriesForRelease => {
            (rules.unknown_distro == Word::Fail).then_some("gate.unknown-distro")
        }
        FindingId::StaleAdvisories => Some("gate.max-advisory-age"),
        FindingId::DeniedContent => Some("gate.contents.deny"),
        FindingId::ExpiredWaiver => None,
        FindingId::Vulnerability
        | FindingId::UnreadableMetadata
        | FindingId::SkippedForSize
        | FindingId::HiddenByLink
        | FindingId::UncomparableVersion => Some("unreadable"),
        FindingId::ArchiveSizeConflict
        | FindingId::ArchiveDuplicatePaxKey
        | FindingId::ArchiveTrailingData
        | FindingId::ArchiveNulInName
        | FindingId::ArchiveLinkWithSize
        | FindingId::ArchiveBadChecksum
        | FindingId::ArchiveEscapingPath => Some("archive"),
    }
}

/// Whether a waiver speaks about this finding and the ceiling lets it.
pub(crate) fn is_waived_by(finding: &Finding, waiver: &Waiver, rules: &GateRules) -> bool {
    match finding {
        Finding::Vulnerability(vulnerability) => {
            vulnerability.is_named(&waiver.id)
                && waiver.package.as_ref().is_none_or(|pattern| pattern.names(&vulnerability.package.purl))
                && is_waivable(vulnerability.severity, rules)
        }
        // Flaws of an archive make tools see different images: nobody can know what would be accepted.
        Finding::Observation { id, .. } => {
            waiver.package.is_none()
                && waiver.id == id.word()
                && matches!(
                    id,
                    FindingId::DeniedContent
                        | FindingId::UnreadableMetadata
                        | FindingId::SkippedForSize
                        | FindingId::HiddenByLink
                        | FindingId::UncomparableVersion
                )
        }
    }
}

/// What nobody rated could be anything: a ceiling that does not allow all severities does not allow it.
fn is_waivable(severity: Option<Severity>, rules: &GateRules) -> bool {
    match (&rules.waivable, severity) {
        (None, _) => true,
        (Some(allowed), Some(severity)) => allowed.contains(&severity),
        (Some(allowed), None) => Severity::ALL.iter().all(|s| allowed.contains(s)),
    }
}
