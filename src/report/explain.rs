//! The report of `policy explain`: what enforcing would deny, for a person, for the page of a run and for programs. References, names
//! and what registries say are hostile.

use std::fmt::Write as _;

use sealwright_admission::explain::{Outcome, Place, PolicyVerdict, Verdict};
use sealwright_admission::render::Stage;
use sealwright_core::{Digest, Untrusted};
use serde_json::{Value, json};

use super::columns::columns;
use super::console::Style;
use super::markdown::{code, table_head, table_row};
use super::span::{Line, Mark, cut, marked, own, quoted};
use crate::exit::Exit;
use crate::pipeline::explain::pods::{Found, Workload};
use crate::pipeline::explain::{DigestOf, Explained, Explanation};

/// The version of the JSON document.
pub const SCHEMA: u32 = 1;
/// Workloads that are named of an image.
const MOST_USERS: usize = 5;

/// What was explained, and by what.
#[derive(Debug)]
pub struct ExplainReport<'a> {
    /// The digest of the trust file.
    pub rules: Digest,
    /// The images.
    pub explanation: &'a Explanation,
    /// Where they come from.
    pub found: &'a Found,
    /// What admission does not look at.
    pub notes: &'a [String],
}

impl ExplainReport<'_> {
    /// A row for each image, then what is missing of those that would be denied.
    pub fn table(&self, style: Style) -> String {
        let heading = ["verdict", "image", "digest", "denied by", "used by"].map(str::to_owned).to_vec();
        let rows: Vec<_> = std::iter::once(heading).chain(self.explanation.images.iter().map(row)).collect();
        let mut out = columns(&rows, style, |column, cell, padded| match (column, cell) {
            (0, "admitted") => style.good(&padded),
            (0, "denied") => style.bad(&padded),
            (0, _) => style.remarkable(&padded),
            _ => padded,
        });
        for one in self.explanation.images.iter().filter(|one| has_more(one)) {
            let digest = one.digest.map(|digest| format!("  {digest}")).unwrap_or_default();
            let _ = write!(out, "\n{}{digest}\n", style.heading(&name(one).to_string()));
            detail(one).iter().for_each(|line| line.write(&mut out, style));
        }
        let _ = write!(out, "\n{}\n", self.summary());
        if !self.notes.is_empty() {
            let _ = writeln!(out, "{}", style.faint("what `sealwright verify` checks and admission does not:"));
            self.notes.iter().for_each(|note| {
                let _ = writeln!(out, "{}", style.faint(&format!("  {}", Untrusted::from(note.as_str()))));
            });
        }
        out
    }

    /// For the page of a run.
    pub fn markdown(&self) -> String {
        let verdict = match self.explanation.exit() {
            Exit::Passed => "✅ Enforcing would deny nothing",
            Exit::Unavailable => "⚠️ Not everything could be judged",
            _ => "❌ Enforcing would deny images",
        };
        let mut text = format!("## {verdict}\n\n{}\n\n", self.summary());
        text.push_str(&table_head(&["verdict", "image", "digest", "denied by", "used by"]));
        for one in &self.explanation.images {
            let cells = row(one);
            let mut cells = cells.iter().map(String::as_str);
            let word = cells.next().unwrap_or_default();
            let mark = if word == "admitted" { Mark::Good } else { Mark::Bad };
            let line: Vec<Line> = std::iter::once(vec![marked(mark, word)])
                // Escaped once already: what stands in the span is what is printed.
                .chain(cells.map(|cell| if cell.is_empty() { vec![own("")] } else { vec![quoted(&cell.into())] }))
                .collect();
            text.push_str(&table_row(5, &line));
        }
        for one in self.explanation.images.iter().filter(|one| has_more(one)) {
            let _ = write!(text, "\n### {}\n\n", code(&name(one)));
            for Detail { about, text: what, next } in detail(one) {
                let _ = writeln!(text, "- {about}: {}", code(&what.as_str().into()));
                next.iter().for_each(|next| {
                    let _ = writeln!(text, "  - next: {}", code(&next.as_str().into()));
                });
            }
        }
        if !self.notes.is_empty() {
            text.push_str("\nWhat `sealwright verify` checks and admission does not:\n\n");
            self.notes.iter().for_each(|note| {
                let _ = writeln!(text, "- {}", code(&note.as_str().into()));
            });
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Vec<u8> {
        let count = |verdict| self.explanation.count(verdict);
        let document = json!({
            "schema": SCHEMA,
            "rules": self.rules,
            "passed": self.explanation.exit() == Exit::Passed,
            "counts": {
                "admitted": count(Verdict::Admitted), "denied": count(Verdict::Denied), "unknown": count(Verdict::Unknown),
            },
            "pods": self.found.pods,
            "skipped": self.found.skipped,
            "images": self.explanation.images.iter().map(image).collect::<Vec<_>>(),
            "notes": self.notes,
        });
        let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// One line.
    pub fn summary(&self) -> String {
        let count = |verdict| self.explanation.count(verdict);
        let all = self.explanation.images.len();
        let mut text = format!("{all} image{}: {} admitted", if all == 1 { "" } else { "s" }, count(Verdict::Admitted));
        let _ = write!(text, ", {} denied", count(Verdict::Denied));
        if count(Verdict::Unknown) > 0 {
            let _ = write!(text, ", {} not judged and denied for as long", count(Verdict::Unknown));
        }
        if !self.found.skipped.is_empty() {
            let skipped: Vec<String> =
                self.found.skipped.iter().map(|(what, pods)| format!("{what} (Pods: {pods})")).collect();
            let _ = write!(text, "; no webhook is asked about {}", skipped.join(", "));
        }
        text
    }
}

/// Cells that are safe to print.
fn row(one: &Explained) -> Vec<String> {
    let verdict = one.judgment.verdict();
    let by = match verdict {
        Verdict::Denied => denying(one).collect::<Vec<_>>().join(" "),
        Verdict::Unknown => "whoever would have to read it".to_owned(),
        Verdict::Admitted => String::new(),
    };
    let digest = one.digest.as_ref().map(Digest::short).unwrap_or_default();
    vec![verdict.word().to_owned(), name(one).to_string(), digest, by, users(one)]
}

/// The reference, and what it is where that is no container.
fn name(one: &Explained) -> Untrusted {
    let place = match one.place {
        Place::Container => String::new(),
        place => format!(" ({})", place.word()),
    };
    format!("{}{place}", cut(&one.reference).raw()).into()
}

/// Policies that certainly refuse it.
fn denying(one: &Explained) -> impl Iterator<Item = &'static str> {
    let refuses =
        |policy: &&PolicyVerdict| policy.stage == Stage::Deny && matches!(policy.outcome, Outcome::Refused { .. });
    one.judgment.policies.iter().filter(refuses).map(|policy| policy.policy)
}

fn users(one: &Explained) -> String {
    let told = |(by, _): &(Workload, usize)| Untrusted::new(workload(by)).to_string();
    let named: Vec<String> = one.used_by.iter().take(MOST_USERS).map(told).collect();
    let more = one.used_by.len().saturating_sub(MOST_USERS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

fn workload(by: &Workload) -> String {
    cut(&format!("{}/{}/{}", by.namespace, by.kind, by.name)).into_raw()
}

/// Something to say of an image.
struct Detail {
    /// In our words: a policy, `ambiguous` or `note`.
    about: String,
    /// Hostile.
    text: String,
    /// What to do. Hostile.
    next: Vec<String>,
}

impl Detail {
    fn write(&self, out: &mut String, style: Style) {
        let _ = writeln!(out, "  {:<31}  {}", self.about, Untrusted::from(self.text.as_str()));
        for next in &self.next {
            let _ = writeln!(out, "  {:<31}  {} {}", "", style.faint("->"), Untrusted::from(next.as_str()));
        }
    }
}

fn has_more(one: &Explained) -> bool {
    one.judgment.verdict() != Verdict::Admitted || !detail(one).is_empty()
}

/// Each policy that refuses, what hangs on an order, and what else to know. The same advice is given once, at its last line.
fn detail(one: &Explained) -> Vec<Detail> {
    let mut details = Vec::new();
    let mut unread: Vec<(&str, &str)> = Vec::new();
    for policy in &one.judgment.policies {
        let reported = if policy.stage == Stage::Audit { " (reported)" } else { "" };
        match &policy.outcome {
            Outcome::Passed | Outcome::NotAsked => {}
            Outcome::Refused { why, next } => {
                let (about, text) = (format!("{}{reported}", policy.policy), why.join("; "));
                details.push(Detail { about, text, next: vec![next.clone()] });
            }
            // All of them could not read the same.
            Outcome::Unknown { why, next } if !unread.contains(&(why, next)) => unread.push((why, next)),
            Outcome::Unknown { .. } => {}
        }
    }
    details.extend(unread.into_iter().map(|(why, next)| Detail {
        about: "not judged".to_owned(),
        text: why.to_owned(),
        next: vec![next.to_owned()],
    }));
    for ambiguity in &one.judgment.ambiguities {
        details.push(Detail { about: "ambiguous".to_owned(), text: ambiguity.told(), next: vec![ambiguity.next()] });
    }
    details.extend(one.notes.iter().map(|note| Detail { about: "note".to_owned(), text: note.clone(), next: vec![] }));
    let later: Vec<Vec<String>> = details.iter().skip(1).map(|detail| detail.next.clone()).chain([vec![]]).collect();
    details.iter_mut().zip(later).for_each(|(detail, later)| detail.next.retain(|next| !later.contains(next)));
    details
}

fn image(one: &Explained) -> Value {
    let policies: Vec<Value> = one.judgment.policies.iter().map(policy).collect();
    let ambiguities: Vec<Value> = one
        .judgment
        .ambiguities
        .iter()
        .map(|ambiguity| {
            json!({
                "builder": ambiguity.builder, "predicate_type": ambiguity.predicate_type, "count": ambiguity.count,
                "refused": ambiguity.refused, "counts": ambiguity.counts, "others": ambiguity.others,
                "why": ambiguity.told(), "next": ambiguity.next(),
            })
        })
        .collect();
    let users: Vec<Value> = one
        .used_by
        .iter()
        .map(|(by, pods)| json!({ "namespace": by.namespace, "kind": by.kind, "name": by.name, "pods": pods }))
        .collect();
    json!({
        "image": one.reference,
        "place": one.place.word(),
        "digest": one.digest,
        "digest_of": one.digest_of.word(),
        "runs": one.digest_of == DigestOf::Running,
        "verdict": one.judgment.verdict().word(),
        "admitted_as": one.judgment.admitted_as,
        "denied_by": denying(one).collect::<Vec<_>>(),
        "policies": policies,
        "ambiguities": ambiguities,
        "notes": one.notes,
        "used_by": users,
    })
}

fn policy(one: &PolicyVerdict) -> Value {
    let action = match one.stage {
        Stage::Deny => "deny",
        Stage::Audit => "audit",
    };
    let (outcome, why, next): (_, &[String], _) = match &one.outcome {
        Outcome::Passed => ("passed", &[], None),
        Outcome::NotAsked => ("not-asked", &[], None),
        Outcome::Refused { why, next } => ("refused", why, Some(next)),
        Outcome::Unknown { why, next } => ("unknown", std::slice::from_ref(why), Some(next)),
    };
    json!({ "policy": one.policy, "action": action, "outcome": outcome, "why": why, "next": next })
}
