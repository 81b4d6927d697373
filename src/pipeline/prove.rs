//! The chain of custody of one digest: what the statements that count say, put side by side. Pure: what was read and verified
//! comes in, the model of the page goes out.
//!
//! Nothing here verifies. A statement is only looked into because a [`Report`] counts it.

mod model;
mod other_tools;
mod statement;
mod today;

use jiff::Timestamp;
use sealwright_advisory::AdvisorySource;
use sealwright_bundle::predicate_type as types;
use sealwright_core::{Digest, ImageRef, Inventory, Limits, PinnedRef, Platform, Untrusted};
use sealwright_verify::{Outcome, Report, Signed, VerifiedSigner};

pub use model::*;
pub use other_tools::{Flags, shell};

use super::statements::VERSION;

/// What is known before the page is made.
pub struct Known<'a> {
    /// The image as it was named.
    pub reference: &'a ImageRef,
    /// The image by digest.
    pub image: &'a PinnedRef,
    /// What was checked, with the statements that count.
    pub report: &'a Report,
    /// Of an index: its images.
    pub images: &'a [ImageReport],
    /// What was demanded.
    pub demanded: Demanded,
    /// The digest of the trust file's rules, if there is one.
    pub rules: Option<Digest>,
    /// The advisories of today, or why there are none.
    pub advisories: Result<&'a dyn AdvisorySource, String>,
    /// How other tools are told the same.
    pub flags: Flags,
    /// The time of the run.
    pub now: Timestamp,
    /// How much may be read.
    pub limits: &'a Limits,
}

/// An image of an index and what was checked of it.
pub struct ImageReport {
    /// Its platform, as the index names it.
    pub platform: Option<Platform>,
    /// Its digest.
    pub digest: Digest,
    /// What was checked.
    pub report: Report,
    /// What came of them; not checked where no trust file demands evidence of an index's images.
    pub result: Outcome,
}

/// Puts the page together.
pub fn prove(known: Known<'_>) -> Proof {
    let statements = &known.report.signed;
    let decision = statement::decision(statements, known.rules, known.now);
    let then = statement::scan(statements, decision.as_ref());
    let build_time_findings = then.as_ref().and_then(|(_, findings)| findings.as_deref());
    let (today, difference) = today::today(&inventories(&known), build_time_findings, &known.advisories);
    let build = statement::build(statements, known.report.level);
    let mut proof = Proof {
        schema: Proof::SCHEMA,
        made: known.now,
        sealwright: VERSION,
        subject: subject(&known),
        passed: known.report.passed(),
        checks: known.report.checks.clone(),
        source: statement::source(statements, known.image.digest()),
        build,
        sboms: statements.iter().filter_map(|signed| statement::sbom(signed, known.limits)).collect(),
        scans: Scans { then: then.map(|(scan, _)| scan), today, difference },
        decision: decision.map(|(decision, _)| decision),
        signatures: signatures(statements),
        left_aside: known.report.left_aside.iter().map(|why| Untrusted::from(why.as_str())).collect(),
        missing: vec![],
        other_tools: other_tools::all(known.image, statements, &known.flags),
        demanded: known.demanded,
    };
    proof.missing = missing(&proof, statements);
    proof
}

fn subject(known: &Known<'_>) -> Subject {
    let image = |one: &ImageReport| SubjectImage {
        platform: one.platform.as_ref().map(|platform| platform.to_string().into()),
        digest: one.digest,
        result: one.result.clone(),
    };
    Subject {
        reference: known.reference.to_string(),
        image: known.image.to_string(),
        digest: *known.image.digest(),
        images: known.images.iter().map(image).collect(),
    }
}

/// The packages that are matched today. The merged SBOM of an index names no distribution where its images have several, so
/// that those of its images are taken where there are any.
fn inventories(known: &Known<'_>) -> Vec<Inventory> {
    let of = |report: &Report| report.signed.iter().find_map(|signed| statement::inventory(signed, known.limits));
    let images: Vec<Inventory> = known.images.iter().filter_map(|image| of(&image.report)).collect();
    if !images.is_empty() && images.len() == known.images.len() {
        images
    } else {
        of(known.report).into_iter().collect()
    }
}

/// In the order of a seal, so that the page reads from the packages to the signature.
fn signatures(statements: &[Signed]) -> Vec<Signature> {
    const ORDER: [&str; 7] = [
        types::CYCLONEDX,
        types::SPDX,
        types::SPDX_V2_3,
        types::VULN,
        types::VERIFICATION_SUMMARY,
        types::PROVENANCE,
        types::SIGNATURE,
    ];
    let mut all: Vec<Signature> = statements.iter().map(statement::signature).collect();
    let place = |kind: &Untrusted| ORDER.iter().position(|known| *known == kind.raw()).unwrap_or(ORDER.len());
    all.sort_by_key(|one| (place(&one.predicate_type), one.predicate_type.clone(), one.time, one.digest));
    all
}

/// What nobody shows, in sentences.
fn missing(proof: &Proof, statements: &[Signed]) -> Vec<Untrusted> {
    let mut lines: Vec<String> = Vec::new();
    for check in &proof.checks {
        if let Outcome::Failed(why) = &check.outcome {
            lines.push(format!("check {} {} does not hold: {why}", check.number, check.name));
        }
    }
    let mut say = |absent: bool, what: &str| {
        if absent {
            lines.push(what.to_owned());
        }
    };
    let has = |kinds: &[&str]| statements.iter().any(|s| kinds.contains(&s.statement.predicate_type.as_str()));
    say(!has(&[types::SIGNATURE]), "no signature: attestations alone do not say \"this is mine\"");
    say(proof.sboms.is_empty(), "no SBOM: nobody says what is in the image");
    say(proof.scans.then.is_none(), "no scan from the time of the build");
    say(proof.decision.is_none(), "no decision: nobody says that a gate let the image pass");
    say(!has(&statement::PROVENANCE), "no provenance: nobody says how the image was built");
    let proved = proof.source.as_ref().is_some_and(|source| source.proof == SourceProof::Certificate);
    say(!proved, "no certificate proves the source repository and commit");
    say(
        statements.iter().any(|s| s.time.is_none()),
        "no log and no timestamp authority says when it was signed: times are the signer's own words",
    );
    say(
        matches!(proof.scans.today, Today::NotScanned { .. }),
        "not scanned today: advisories that came after the build are not looked at",
    );
    say(proof.source.as_ref().is_some_and(|source| source.others > 0), "statements that count name other commits too");
    lines.into_iter().map(Untrusted::from).collect()
}

/// The certificate's claims, where a certificate signed.
fn claims(signed: &Signed) -> Option<&sealwright_verify::FulcioCiClaims> {
    match &signed.signer {
        VerifiedSigner::Certificate { claims, .. } => Some(claims),
        VerifiedSigner::Key { .. } => None,
    }
}
