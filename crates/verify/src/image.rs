//! All evidence of an image against a trust file, or against one signer.

use jiff::Timestamp;
use sealwright_bundle::predicate_type;
use sealwright_core::{Digest, Limits, Untrusted};
use sealwright_policy::{Builder, Policy};

use crate::builder_anchor::BuilderAnchor;
use crate::check::{self, Check, CountedStatement, Outcome, Report};
use crate::content::Content;
use crate::instance::Proof;
use crate::verify_bundle::{Anchor, Refusal, Signed, Verified, verify_bundle, verify_file, verify_simple_signing};
use crate::{provenance, signers, source};

/// At most this many bundles of one image are looked at: a registry may hold any number.
pub const MOST_BUNDLES: usize = 1_000;

/// What is stored with an image.
#[derive(Debug, Clone)]
pub struct ImageEvidence {
    /// The digest that was asked for.
    pub subject: Digest,
    /// As it was read.
    pub stored: Vec<EvidenceItem>,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvidenceItem {
    /// A bundle about the image.
    Bundle(Vec<u8>),
    /// A bundle about a file that is at hand.
    File {
        /// The bundle.
        bundle: Vec<u8>,
        /// The file.
        content: Vec<u8>,
    },
    /// What cosign up to 2.x calls a signature: a payload about the image, and the signature over it as a bundle.
    SimpleSigning {
        /// What was signed.
        payload: Vec<u8>,
        /// The signature.
        bundle: Vec<u8>,
    },
}

impl EvidenceItem {
    /// Verifies it alone.
    ///
    /// # Errors
    /// As [`verify_bundle`].
    pub fn verify(&self, subject: &Digest, anchor: &Anchor, limits: &Limits) -> Result<Verified<Signed>, Refusal> {
        match self {
            Self::Bundle(bundle) => verify_bundle(bundle, subject, anchor, limits),
            Self::File { bundle, content } if Digest::of(content) == *subject => {
                verify_file(bundle, content, anchor, limits)
            }
            Self::File { .. } => Err(Refusal::OtherSubject { subject: *subject }),
            Self::SimpleSigning { payload, bundle } => verify_simple_signing(payload, bundle, subject, anchor, limits),
        }
    }
}

/// What is demanded.
#[derive(Debug)]
pub enum Requirement<'a> {
    /// A statement of one type, signed by one signer.
    Plain {
        /// The signer.
        anchor: &'a Anchor,
        /// The type; a signature by default.
        predicate_type: &'a str,
    },
    /// Everything that the trust file asks for, by one of its builders.
    Policy {
        /// The trust file.
        policy: &'a Policy,
        /// Its builders.
        builders: &'a [BuilderAnchor],
    },
    /// The same of an image that was sealed just now: other signers may sign it afterwards.
    Sealed {
        /// The trust file.
        policy: &'a Policy,
        /// Its builders.
        builders: &'a [BuilderAnchor],
    },
    /// What the trust file asks for of an image below an index: decision, SBOM and scan. Signature and provenance are the
    /// index's. Ask for the one builder whose evidence counts for the index.
    Child {
        /// The trust file.
        policy: &'a Policy,
        /// Its builders.
        builders: &'a [BuilderAnchor],
    },
}

/// Makes every check. With several builders the report is of the first whose checks all hold, else of the first with the most.
pub fn verify_image(
    evidence: &ImageEvidence,
    requirement: &Requirement<'_>,
    now: Timestamp,
    limits: &Limits,
) -> Report {
    match requirement {
        Requirement::Plain { anchor, predicate_type } => plain(evidence, anchor, predicate_type, limits),
        Requirement::Policy { policy, builders } => best(evidence, policy, builders, Scope::Whole, now, limits),
        Requirement::Sealed { policy, builders } => best(evidence, policy, builders, Scope::Sealed, now, limits),
        Requirement::Child { policy, builders } => best(evidence, policy, builders, Scope::Child, now, limits),
    }
}

/// How much of the rules is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Whole,
    Sealed,
    Child,
}

fn plain(evidence: &ImageEvidence, anchor: &Anchor, wanted: &str, limits: &Limits) -> Report {
    let Accepted { mut statements, left_aside, mut checks } = accepted(evidence, anchor, limits);
    let found = statements.iter().any(|s| predicate_type::is_same(&s.statement.predicate_type, wanted));
    checks.push(if wanted == predicate_type::SIGNATURE {
        Check::when(check::SIGNATURE, found, "there is no signature")
    } else {
        Check::when(check::STATEMENT, found, format!("there is no statement of type {}", Untrusted::from(wanted)))
    });
    let counted = CountedStatement::all(&mut statements);
    Report { statements: counted, signed: statements, left_aside, ..Report::new(evidence.subject, checks) }
}

fn best(
    evidence: &ImageEvidence,
    policy: &Policy,
    builders: &[BuilderAnchor],
    scope: Scope,
    now: Timestamp,
    limits: &Limits,
) -> Report {
    let mut failed = Vec::new();
    for builder in builders {
        let report = by_builder(evidence, policy, (builder, builders), scope, now, limits);
        if report.passed() {
            return report;
        }
        failed.push(report);
    }
    // Of equals `max_by_key` takes the last.
    failed.into_iter().rev().max_by_key(Report::passes).unwrap_or_else(|| {
        let none = Outcome::Failed("the trust file names no builder".into());
        Report::new(evidence.subject, vec![Check::new(check::SIGNER, none)])
    })
}

fn by_builder(
    evidence: &ImageEvidence,
    policy: &Policy,
    (anchored, all): (&BuilderAnchor, &[BuilderAnchor]),
    scope: Scope,
    now: Timestamp,
    limits: &Limits,
) -> Report {
    let builder = anchored.builder();
    let Accepted { mut statements, mut left_aside, mut checks } = accepted(evidence, anchored.anchor(), limits);
    checks.push(match &builder.source {
        None => Check::new(check::SOURCE, Outcome::NotChecked("the builder has no source".into())),
        Some(_) => {
            let others = from_source(&mut statements, &evidence.subject, builder);
            let why = others.first().cloned().unwrap_or_else(|| "there is no statement".into());
            left_aside.extend(others);
            Check::when(check::SOURCE, !statements.is_empty(), why)
        }
    });
    let content = Content { statements: &statements, rules: &builder.evidence, policy: policy.digest(), now };
    checks.extend(content.checks());
    let rules = provenance::Rules {
        rule: &builder.evidence.provenance,
        source: builder.source.as_ref(),
        identity: &builder.identity,
    };
    let (of_provenance, level) = provenance::checks(statements.iter(), &rules);
    if scope != Scope::Child {
        checks.push(content.signature());
        checks.extend(of_provenance);
        checks.push(match scope {
            Scope::Sealed => Check::new(check::SIGNERS, Outcome::NotChecked("others sign once it is sealed".into())),
            Scope::Whole | Scope::Child => signers::check(evidence, &builder.evidence, all, limits),
        });
    }
    checks.sort_by_key(|check| check.number);
    let (waivers, sboms) = (content.waivers(), content.sboms());
    Report {
        statements: CountedStatement::all(&mut statements),
        signed: statements,
        builder: Some(builder.name.clone()),
        level: level.as_ref().map(|level| level.value),
        level_reason: level.map(|level| level.why),
        waivers,
        sboms,
        left_aside,
        ..Report::new(evidence.subject, checks)
    }
}

/// Takes away what is about another source, and says why: it is somebody else's, also if the same signer made it.
pub(crate) fn from_source(statements: &mut Vec<Signed>, subject: &Digest, builder: &Builder) -> Vec<String> {
    let Some(rule) = &builder.source else { return vec![] };
    let mut others = Vec::new();
    statements.retain(|signed| {
        let other = source::mismatch(signed, subject, rule);
        let fits = other.is_none();
        others.extend(other);
        fits
    });
    others
}

pub(crate) struct Accepted {
    pub(crate) statements: Vec<Signed>,
    left_aside: Vec<String>,
    checks: Vec<Check>,
}

/// The statements of one signer, and the checks that they exist. Noise beside them changes nothing: anybody who may push
/// could otherwise block an image.
pub(crate) fn accepted(evidence: &ImageEvidence, anchor: &Anchor, limits: &Limits) -> Accepted {
    let (mut statements, mut left_aside) = (Vec::new(), Vec::new());
    for stored in evidence.stored.iter().take(MOST_BUNDLES) {
        match stored.verify(&evidence.subject, anchor, limits) {
            Ok(verified) => statements.push(verified.into_inner()),
            Err(refusal) => left_aside.push(Untrusted::from(refusal.to_string()).to_string()),
        }
    }
    let count = evidence.stored.len();
    if let Some(more @ 1..) = count.checked_sub(MOST_BUNDLES) {
        left_aside.push(format!("{more} more bundles were not looked at: {MOST_BUNDLES} are the most"));
    }
    let signer = match (statements.is_empty(), left_aside.first()) {
        (false, _) => Outcome::Passed,
        (true, Some(why)) => Outcome::Failed(why.clone()),
        (true, None) => Outcome::Failed("there is no bundle".into()),
    };
    let transparency = match anchor.proof() {
        None => Outcome::NotChecked(
            "no log entry and no trusted time were demanded; signature, subject and predicate type are still checked"
                .into(),
        ),
        // Statements without them were refused above.
        Some(_) if statements.is_empty() => Outcome::Failed("there is no statement".into()),
        Some(Proof::LogEntry) => Outcome::Passed,
        Some(Proof::Timestamp) => Outcome::NotChecked(
            "the trusted root names no log: a timestamp of its authority was demanded instead of a log entry".into(),
        ),
    };
    let checks = vec![
        Check::when(check::EVIDENCE, count > 0, "no bundle is stored with the image"),
        Check::new(check::SIGNER, signer),
        Check::new(check::TRANSPARENCY, transparency),
    ];
    Accepted { statements, left_aside, checks }
}
