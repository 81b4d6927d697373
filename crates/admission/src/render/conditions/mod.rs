//! What a statement has to say, in CEL on its payload: what `sealwright verify` asks too, as far as a payload shows it.
//!
//! The engine compares signature, subject and type. Which source a statement names it does not look at, nor at the extensions of
//! a certificate, and a public reusable workflow signs for every caller: the source is compared here, in every statement.
//!
//! Each condition stands here twice, side by side: as the expression that Kyverno evaluates, and as the function by which
//! `policy explain` foretells it.

mod decision;
mod provenance;
mod seen;

use std::fmt;

use sealwright_bundle::vocabulary::{
    SOURCE_COMMIT, SOURCE_OWNER_ID, SOURCE_REF, SOURCE_REPOSITORY, SOURCE_REPOSITORY_ID,
};
use sealwright_policy::{Builder, SbomFormat, SourceRule};

use super::cel;
use seen::{annotation, expression, text};

pub(super) use decision::{accepted, decision, scan, scan_age};
pub(super) use provenance::provenance;
pub(crate) use seen::Seen;

/// The function that says whether a condition holds.
type Met = Box<dyn Fn(&Seen<'_>) -> bool + Send + Sync>;

/// What has to hold, and what is wrong where it does not.
pub(crate) struct Condition {
    /// CEL; it knows `statement`, and `digest`, the hex digits of the image's.
    pub(crate) holds: String,
    /// For a person, without the builder's name.
    pub(crate) otherwise: String,
    /// The same as `holds`.
    met: Met,
}

impl Condition {
    fn new(
        holds: impl Into<String>,
        otherwise: impl Into<String>,
        met: impl Fn(&Seen<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { holds: holds.into(), otherwise: otherwise.into(), met: Box::new(met) }
    }

    /// Whether it holds of a payload.
    pub(crate) fn met(&self, seen: &Seen<'_>) -> bool {
        (self.met)(seen)
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition")
            .field("holds", &self.holds)
            .field("otherwise", &self.otherwise)
            .finish_non_exhaustive()
    }
}

/// A commit: SHA-1 or SHA-256 in hex digits.
const COMMIT: &str = "^[0-9a-f]{40}([0-9a-f]{24})?$";

/// The source that the trust file asks for. A name, a number and a ref without a commit are no source either.
///
/// Where none is asked for, the subject is still compared. The engine has done so; but a payload that nobody reads after its
/// signature was verified, because the answer came from the cache, would be taken for the next builder's.
pub(super) fn source(builder: &Builder) -> Result<Condition, String> {
    let about = "s.?digest.?sha256.orValue('') == digest";
    let Some(rule) = &builder.source else {
        let holds = format!("statement.subject.exists(s, {about})");
        return Ok(Condition::new(holds, "is about another image", |seen| seen.subject(|_| true)));
    };
    let stated = |key: &str| format!("s.?annotations[?{}].orValue('')", cel::string(key));
    let mut equal: Vec<(&'static str, String)> = Vec::new();
    equal.extend(rule.repository.clone().map(|name| (SOURCE_REPOSITORY, name)));
    equal.extend(rule.repository_id.map(|id| (SOURCE_REPOSITORY_ID, id.to_string())));
    equal.extend(rule.owner_id.map(|id| (SOURCE_OWNER_ID, id.to_string())));
    let mut fitting: Vec<(&'static str, String)> = Vec::new();
    if !rule.refs.is_empty() {
        let mut refs: Vec<String> = rule.refs.iter().map(|one| cel::pattern(one, cel::REF)).collect();
        refs.sort();
        fitting.push((SOURCE_REF, format!("^{}$", cel::any_of(&refs))));
    }
    fitting.push((SOURCE_COMMIT, COMMIT.to_owned()));
    let mut parts = vec![about.to_owned()];
    parts.extend(equal.iter().map(|(key, value)| format!("{} == {}", stated(key), cel::string(value))));
    parts.extend(fitting.iter().map(|(key, text)| format!("{}.matches({})", stated(key), cel::string(text))));
    let compiled = fitting.into_iter().map(|(key, text)| Ok((key, expression(&text)?)));
    let fitting = compiled.collect::<Result<Vec<_>, String>>()?;
    Ok(Condition::new(
        format!("statement.subject.exists(s, {})", parts.join(" && ")),
        format!("names another source than {}", told(rule)),
        move |seen| {
            seen.subject(|subject| {
                equal.iter().all(|(key, value)| annotation(subject, key) == Some(value))
                    && fitting
                        .iter()
                        .all(|(key, one)| annotation(subject, key).is_some_and(|found| one.is_match(found)))
            })
        },
    ))
}

fn told(rule: &SourceRule) -> String {
    let mut parts: Vec<String> = rule.repository.iter().cloned().collect();
    parts.extend(rule.repository_id.map(|id| format!("repository id {id}")));
    parts.extend(rule.owner_id.map(|id| format!("owner id {id}")));
    if !rule.refs.is_empty() {
        parts.push(rule.refs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "));
    }
    parts.join(", ")
}

/// A document of this format.
pub(super) fn sbom(format: SbomFormat) -> Condition {
    let otherwise = format!("is no {} document", format.word());
    match format {
        SbomFormat::CycloneDx => {
            Condition::new("statement.?predicate.?bomFormat.orValue('') == 'CycloneDX'", otherwise, |seen| {
                text(seen.at("/bomFormat")) == Some("CycloneDX")
            })
        }
        SbomFormat::Spdx => {
            Condition::new("statement.?predicate.?spdxVersion.orValue('').startsWith('SPDX-')", otherwise, |seen| {
                text(seen.at("/spdxVersion")).is_some_and(|version| version.starts_with("SPDX-"))
            })
        }
    }
}
