//! A file that extends another may only tighten it. Omitted keys are inherited; anything looser is an error at its place.

use std::fmt::Display;

use sealwright_core::Severity;

use crate::document::{Document, EvidenceDocument, GateDocument};
use crate::error::Position;
use crate::reader::At;
use crate::rules::{Builder, EvidenceRules, GateRules, Policy, Word};

type Loose = (Position, &'static str, String);

/// The rules of `document` under the ceiling of `parent`.
pub(crate) fn tighten(parent: &Policy, document: &Document) -> Result<Policy, Loose> {
    check_images(parent, document)?;
    check_evidence(&parent.evidence, &document.evidence)?;
    check_gate(&parent.gate, &document.gate)?;
    let evidence = document.evidence.over(&parent.evidence);
    Ok(Policy {
        images: document.images.as_ref().map_or_else(|| parent.images.clone(), |i| i.value.clone()),
        builders: builders(parent, document)?,
        evidence,
        gate: document.gate.over(&parent.gate),
    })
}

fn loose<T>(at: Position, key: &'static str, message: impl Into<String>) -> Result<T, Loose> {
    Err((at, key, format!("this is looser than the file that it extends: {}", message.into())))
}

/// Only patterns that the ceiling has word by word: whether one pattern holds another is not decided here.
fn check_images(parent: &Policy, document: &Document) -> Result<(), Loose> {
    let Some(images) = &document.images else { return Ok(()) };
    match images.value.iter().find(|image| !parent.images.is_empty() && !parent.images.contains(image)) {
        Some(image) => loose(images.at, "images", format!("{image} is not among its images")),
        None => Ok(()),
    }
}

/// The ceiling's builders, or fewer of them: each keeps its identity, source and transparency, its evidence may grow.
fn builders(parent: &Policy, document: &Document) -> Result<Vec<Builder>, Loose> {
    let Some(builders) = &document.builders else {
        for builder in &parent.builders {
            check_evidence(&builder.evidence, &document.evidence)?;
        }
        return Ok(parent
            .builders
            .iter()
            .map(|builder| Builder { evidence: document.evidence.over(&builder.evidence), ..builder.clone() })
            .collect());
    };
    let mut kept = Vec::new();
    for stated in &builders.value {
        let at = stated.name.at;
        let Some(ceiling) = parent.builders.iter().find(|b| b.name == stated.name.value) else {
            return loose(at, "builders", format!("it has no builder named {:?}", stated.name.value));
        };
        check_evidence(&ceiling.evidence, &document.evidence)?;
        let inherited = document.evidence.over(&ceiling.evidence);
        let own = stated.effective(&inherited);
        if own.canonical_identity() != ceiling.canonical_identity() {
            let message = format!("its builder {:?} has another identity, source or transparency", ceiling.name);
            return loose(at, "builders", message);
        }
        check_evidence(&inherited, &stated.evidence)?;
        kept.push(own);
    }
    Ok(kept)
}

fn check_evidence(ceiling: &EvidenceRules, stated: &EvidenceDocument) -> Result<(), Loose> {
    kept(&stated.signature, ceiling.signature, "evidence.signature")?;
    kept(&stated.decision, ceiling.decision, "evidence.decision")?;
    if let Some(threshold) = stated.threshold.as_ref().filter(|stated| stated.value < ceiling.signers.threshold) {
        let message = format!("it demands {} signers", ceiling.signers.threshold);
        return loose(threshold.at, "evidence.signature.threshold", message);
    }
    if let Some(of) = &stated.signers_of {
        let allowed = &ceiling.signers.of;
        let more = of.value.iter().find(|name| !allowed.is_empty() && !allowed.contains(&name.value));
        if let Some(more) = more {
            return loose(more.at, "evidence.signature.of", format!("{:?} is not among its signers", more.value));
        }
    }
    subset(&stated.verifiers, &ceiling.verifiers, "evidence.decision.verifiers")?;
    subset(&stated.policies, &ceiling.policies, "evidence.decision.policies")?;
    subset(&stated.provenance_parameters, &ceiling.provenance.parameters, "evidence.provenance.parameters")?;
    kept(&stated.sbom_required, ceiling.sbom.required, "evidence.sbom.required")?;
    kept(&stated.scan_required, ceiling.scan.required, "evidence.scan.required")?;
    kept(&stated.provenance_required, ceiling.provenance.required, "evidence.provenance.required")?;
    if let Some(formats) = &stated.sbom_formats
        && let Some(missing) = ceiling.sbom.formats.iter().find(|f| !formats.value.contains(f))
    {
        return loose(formats.at, "evidence.sbom.formats", format!("it demands {}", missing.word()));
    }
    age(&stated.scan_max_age, ceiling.scan.max_age, "evidence.scan.max-age")?;
    match &stated.provenance_level {
        Some(level) if level.value < ceiling.provenance.level => {
            loose(level.at, "evidence.provenance.level", format!("it demands level {}", ceiling.provenance.level))
        }
        _ => Ok(()),
    }
}

fn check_gate(ceiling: &GateRules, stated: &GateDocument) -> Result<(), Loose> {
    if let Some(severity) = &stated.fail_on
        && ceiling.fail_on.is_some_and(|least| severity.value > least)
    {
        let least = ceiling.fail_on.map_or("", Severity::word);
        return loose(severity.at, "gate.fail-on", format!("it refuses from {least} on"));
    }
    word(&stated.unknown_severity, ceiling.unknown_severity, "gate.unknown-severity")?;
    word(&stated.known_exploited, ceiling.known_exploited, "gate.known-exploited")?;
    word(&stated.unknown_distro, ceiling.unknown_distro, "gate.unknown-distro")?;
    if let Some(only_fixed) = stated.only_fixed.as_ref().filter(|only| only.value && !ceiling.only_fixed) {
        return loose(only_fixed.at, "gate.only-fixed", "it also refuses flaws without a fix");
    }
    age(&stated.max_advisory_age, ceiling.max_advisory_age, "gate.max-advisory-age")?;
    if let Some(severities) = &stated.waivable
        && let Some(allowed) = &ceiling.waivable
        && let Some(more) = severities.value.iter().find(|s| !allowed.contains(s))
    {
        return loose(severities.at, "gate.waivable", format!("it does not let {more} be waived"));
    }
    Ok(())
}

fn kept(stated: &Option<At<bool>>, ceiling: bool, key: &'static str) -> Result<(), Loose> {
    match stated {
        Some(value) if ceiling && !value.value => loose(value.at, key, "it is required there"),
        _ => Ok(()),
    }
}

fn subset<T: PartialEq + Display>(stated: &Option<At<Vec<T>>>, ceiling: &[T], key: &'static str) -> Result<(), Loose> {
    let Some(stated) = stated else { return Ok(()) };
    match stated.value.iter().find(|one| !ceiling.contains(one)) {
        Some(more) => loose(stated.at, key, format!("{more} is not accepted there")),
        None => Ok(()),
    }
}

fn word(stated: &Option<At<Word>>, ceiling: Word, key: &'static str) -> Result<(), Loose> {
    match stated {
        Some(value) if ceiling == Word::Fail && value.value == Word::Report => loose(value.at, key, "it fails there"),
        _ => Ok(()),
    }
}

fn age(stated: &Option<At<Option<u64>>>, ceiling: Option<u64>, key: &'static str) -> Result<(), Loose> {
    match (stated, ceiling) {
        (Some(value), Some(most)) if value.value.is_none_or(|own| own > most) => {
            loose(value.at, key, "it is shorter there")
        }
        _ => Ok(()),
    }
}

impl GateDocument {
    /// `base`, with what this document says. Denied contents and waivers add up; which waivers count is the gate's to say,
    /// by the effective `waivable`.
    pub(crate) fn over(&self, base: &GateRules) -> GateRules {
        fn or<T: Clone>(stated: &Option<At<T>>, base: &T) -> T {
            stated.as_ref().map_or_else(|| base.clone(), |at| at.value.clone())
        }
        let mut rules = base.clone();
        if let Some(severity) = &self.fail_on {
            rules.fail_on = Some(severity.value);
        }
        rules.unknown_severity = or(&self.unknown_severity, &base.unknown_severity);
        rules.known_exploited = or(&self.known_exploited, &base.known_exploited);
        rules.only_fixed = or(&self.only_fixed, &base.only_fixed);
        rules.unknown_distro = or(&self.unknown_distro, &base.unknown_distro);
        rules.max_advisory_age = or(&self.max_advisory_age, &base.max_advisory_age);
        rules.contents_deny.extend(self.contents_deny.iter().flat_map(|d| d.value.clone()));
        rules.contents_deny.sort();
        rules.contents_deny.dedup();
        if let Some(severities) = &self.waivable {
            rules.waivable = Some(severities.value.clone());
        }
        rules.waivers.extend(self.waivers.iter().map(|w| w.value.clone()));
        rules
    }
}
