//! What is known of an image, and what the policies say of it.

use sealwright_core::Digest;
use serde_json::Value;

use crate::render::Stage;

/// Where a Pod has an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `containers` and `initContainers`, which are asked the same.
    Container,
    /// `ephemeralContainers`: a request and policies of its own.
    EphemeralContainer,
    /// `volumes[].image`.
    Volume,
}

impl Place {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::EphemeralContainer => "ephemeral container",
            Self::Volume => "image volume",
        }
    }
}

/// An image as a Pod has it.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// As the Pod names it, without anything added.
    pub reference: &'a str,
    /// Where.
    pub place: Place,
    /// The digest that is judged: the one in the reference, or the one that its tag stands for. None where nobody knows.
    pub digest: Option<Digest>,
    /// What is stored with that digest.
    pub known: Known<'a>,
}

/// What is stored with an image.
#[derive(Debug, Clone, Copy)]
pub enum Known<'a> {
    /// The statements that a builder of the trust file signed about the digest, in the order in which the registry lists them.
    Statements(&'a [Stated]),
    /// It could not be read, for this reason.
    Nothing(&'a str),
}

/// A statement about the image whose signature holds at admission.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    /// The name of the builder that signed it.
    pub builder: String,
    /// Its predicate type.
    pub predicate_type: String,
    /// sha256 over the statement's bytes.
    pub statement: Digest,
    /// The whole statement.
    pub payload: Value,
    /// The manifest by which the registry lists it.
    pub referrer: Option<Digest>,
}

/// What every policy says of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgment {
    /// The reference that the policies see: with the digest that the mutating webhook adds.
    pub admitted_as: String,
    /// In the order in which they are rendered; those that are asked about another request are left out.
    pub policies: Vec<PolicyVerdict>,
    /// What hangs on the order of the registry's list.
    pub ambiguities: Vec<Ambiguity>,
}

impl Judgment {
    /// One word for all policies that deny: one that certainly refuses counts before one that could not be asked.
    pub fn verdict(&self) -> Verdict {
        let deny = || self.policies.iter().filter(|one| one.stage == Stage::Deny);
        if deny().any(|one| matches!(one.outcome, Outcome::Refused { .. })) {
            Verdict::Denied
        } else if deny().any(|one| matches!(one.outcome, Outcome::Unknown { .. })) {
            Verdict::Unknown
        } else {
            Verdict::Admitted
        }
    }
}

/// What becomes of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is refused.
    Denied,
    /// It could not be judged, which admission answers with a refusal.
    Unknown,
    /// It runs.
    Admitted,
}

impl Verdict {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Unknown => "unknown",
            Self::Admitted => "admitted",
        }
    }
}

/// What one policy says of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVerdict {
    /// Its name.
    pub policy: &'static str,
    /// Whether what it refuses is denied or only reported.
    pub stage: Stage,
    /// What it says.
    pub outcome: Outcome,
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing against it.
    Passed,
    /// It is not about this image.
    NotAsked,
    /// It refuses the image.
    Refused {
        /// What is missing or wrong, as the message of the policy says it.
        why: Vec<String>,
        /// What to do.
        next: String,
    },
    /// It would have to read what could not be read, and refuses as long as that is so.
    Unknown {
        /// What could not be read.
        why: String,
        /// What to do.
        next: String,
    },
}

/// Several statements of one type by one builder: the engine shows the last one that the registry lists and cannot count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguity {
    /// Who made them.
    pub builder: String,
    /// What they are called.
    pub what: &'static str,
    /// Their predicate type.
    pub predicate_type: &'static str,
    /// How many different ones there are.
    pub count: usize,
    /// How many of them alone would be refused.
    pub refused: usize,
    /// The manifest of the one that counts now.
    pub counts: Option<Digest>,
    /// The manifests of the others.
    pub others: Vec<Digest>,
}

impl Ambiguity {
    /// For a person.
    pub fn told(&self) -> String {
        let Self { builder, what, count, refused, .. } = self;
        let verdict = match refused {
            0 => "none of them would be refused".to_owned(),
            refused => {
                format!("{refused} of them would be refused, so that the verdict hangs on the order of the registry")
            }
        };
        format!(
            "{count} statements of the type {what} by {builder}: the last one that the registry lists counts; {verdict}"
        )
    }

    /// What to do.
    pub fn next(&self) -> String {
        let others: Vec<String> = self.others.iter().map(ToString::to_string).collect();
        let remove = match others.as_slice() {
            [] => "remove all but one of them from the registry".to_owned(),
            others => format!("remove the others from the registry ({})", others.join(", ")),
        };
        format!("{remove}, or build and seal it again: a seal of a new digest has one statement of each type")
    }
}
