//! What is silently wrong with an image policy of Kyverno: bytes of YAML in, findings out.
//!
//! It reads the objects as Kyverno does and names what has no effect, or another one than it looks like. It does not compile CEL,
//! ask a cluster, or say that a policy is enough.

mod attestor;
mod cel;
mod configuration;
mod containers;
mod controller;
mod exception;
mod expression;
mod identity;
mod judge;
mod legacy;
mod matching;
mod pattern;
mod reference;
mod rule;
mod schema;
mod served;
mod set;
mod subject;
mod validating;
mod verification;
mod version;

use sealwright_core::Untrusted;
use sealwright_policy::Position;
use sealwright_policy::yaml::{Node, parse_documents};
use serde::{Serialize, Serializer};

use judge::Judge;
use set::Set;
use subject::{Kind, Subject};

pub use rule::{Rule, Severity};
pub use version::{Version, Versions};

/// The largest file, in bytes: an API server takes 3 MiB for one object, and a rendered bundle has several.
pub const LARGEST: usize = 16 << 20;
/// Objects of a run; more are not judged, and that is said.
const MOST_OBJECTS: usize = 10_000;
/// Findings of an object; a hostile one could have one in every line.
const MOST_FINDINGS: usize = 200;

/// A file as it was named, and its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The name that findings give.
    pub name: &'a str,
    /// What is in it: one or several documents.
    pub bytes: &'a [u8],
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What it is.
    pub rule: Rule,
    /// The file.
    pub file: String,
    /// Where in it.
    #[serde(flatten, serialize_with = "place")]
    pub at: Position,
    /// `Kind/name` of the object; empty for a file that was not read.
    pub object: Untrusted,
    /// What stands there, or what is missing.
    pub detail: Untrusted,
}

/// What was judged, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Ordered by file and place.
    pub findings: Vec<Found>,
    /// Policies and exceptions that were judged.
    pub judged: usize,
    /// Objects of other kinds: there is nothing to say about them.
    pub others: usize,
}

impl Report {
    /// Whether one of the findings is an error.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|found| found.rule.severity() == Severity::Error)
    }
}

/// Judges files together: what one policy leaves open another one of them may close.
pub fn lint(sources: &[Source<'_>], version: Version) -> Report {
    let mut report = Report::default();
    let mut documents: Vec<(&str, Vec<Node>)> = Vec::new();
    for source in sources {
        match read(source) {
            Ok(nodes) => documents.push((source.name, nodes)),
            Err((at, why)) => report.findings.push(unreadable(source.name, at, why)),
        }
    }
    let mut subjects: Vec<Subject<'_>> =
        documents.iter().flat_map(|(name, nodes)| nodes.iter().flat_map(|node| Subject::of(name, node))).collect();
    if let Some(first) = subjects.get(MOST_OBJECTS) {
        let why = format!("more than {MOST_OBJECTS} objects: the rest was not judged");
        report.findings.push(unreadable(first.file, first.object.at, why));
        subjects.truncate(MOST_OBJECTS);
    }
    let mut set = Set::of(&subjects);
    for subject in &subjects {
        let mut judge = Judge::new(subject, version);
        match subject.kind {
            Kind::ImageValidating => judge_image_policy(&mut judge, &mut set),
            Kind::Validating => validating::judge(&mut judge, &mut set),
            Kind::Legacy => legacy::judge(&mut judge, &mut set),
            Kind::Exception => exception::judge(&mut judge),
            Kind::LegacyException => exception::judge_legacy(&mut judge),
            Kind::Controller => controller::judge(&mut judge),
            Kind::Other => judge.nothing_to_say(),
        }
        report.take(judge);
    }
    report
        .findings
        .sort_by(|a, b| (&a.file, a.at.line, a.at.column, a.rule).cmp(&(&b.file, b.at.line, b.at.column, b.rule)));
    report.findings.dedup();
    report
}

fn judge_image_policy(judge: &mut Judge<'_, '_>, set: &mut Set) {
    judge.count();
    served::judge(judge);
    matching::judge(judge);
    configuration::judge(judge, set);
    attestor::judge(judge);
    verification::judge(judge);
    reference::judge(judge);
    containers::judge(judge);
    expression::judge(judge);
    set.judge(judge);
}

impl Report {
    fn take(&mut self, judge: Judge<'_, '_>) {
        if judge.has_something_to_say() {
            self.judged += 1
        } else {
            self.others += 1
        }
        let mut findings = judge.into_findings();
        // What is wrong first, so that many small things hide nothing; and that something is hidden is wrong too.
        let order = |found: &Found| (found.rule.severity() != Severity::Error, found.at, found.rule);
        findings.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.detail.raw().cmp(b.detail.raw())));
        findings.dedup();
        if let Some(hidden) = findings.get(MOST_FINDINGS) {
            let why = format!("more than {MOST_FINDINGS} findings: the rest is not told");
            let rest = unreadable(&hidden.file, hidden.at, why);
            findings.truncate(MOST_FINDINGS);
            findings.push(rest);
        }
        self.findings.extend(findings);
    }
}

fn read(source: &Source<'_>) -> Result<Vec<Node>, (Position, String)> {
    let start = Position { line: 1, column: 1 };
    if source.bytes.len() > LARGEST {
        return Err((start, format!("larger than {LARGEST} bytes")));
    }
    let text = std::str::from_utf8(source.bytes).map_err(|_| (start, "not UTF-8".to_owned()))?;
    parse_documents(text)
}

fn unreadable(file: &str, at: Position, why: String) -> Found {
    Found { rule: Rule::Unreadable, file: file.to_owned(), at, object: Untrusted::default(), detail: why.into() }
}

fn place<S: Serializer>(at: &Position, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap as _;
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("line", &at.line)?;
    map.serialize_entry("column", &at.column)?;
    map.end()
}
