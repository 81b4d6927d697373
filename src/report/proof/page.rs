//! What stands on the page, in which order, and how much of it: lists are cut, so that it stays one sheet. All of it is in the
//! JSON.

use jiff::Timestamp;
use sealwright_bundle::predicate_type as types;
use sealwright_core::Untrusted;
use sealwright_verify::{Check, LogEntry, Outcome, TimeSource};

use crate::pipeline::prove::{
    Build, Counts, Decision, Difference, Flaw, OtherTool, Proof, Sbom, Scans, Signature, Signer, Source, SourceProof,
    Today, Waiver,
};
use crate::report::span::{Line, Mark, Span, cut, faint, marked, own, quoted};

/// Flaws that are named of each kind of change.
const MOST_FLAWS: usize = 6;
/// Rows of a table, lines of a list.
const MOST_LINES: usize = 8;

/// A part of the page.
#[derive(Debug)]
pub(super) enum Block {
    /// Names and values.
    Facts(Vec<(&'static str, Line)>),
    /// A table.
    Table { head: Vec<&'static str>, rows: Vec<Vec<Line>> },
    /// Numbered checks.
    Checks(Vec<Check>),
    /// Lines.
    List(Vec<Line>),
    /// Commands of other tools.
    Commands(Vec<OtherTool>),
}

/// A heading and what stands below it.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) heading: &'static str,
    pub(super) blocks: Vec<Block>,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) subject: String,
    pub(super) passed: bool,
    pub(super) verdict: String,
    pub(super) sections: Vec<Section>,
    pub(super) footer: String,
}

fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A time as a statement writes it, in the form of all the others if it is one.
fn stated_time(text: &Untrusted) -> Span {
    text.raw().parse().map_or_else(|_| quoted(text), |stated| own(time(stated)))
}

fn stated_day(text: &Untrusted) -> Span {
    let day = |stated: Timestamp| own(stated.strftime("%Y-%m-%d").to_string());
    text.raw().parse().map_or_else(|_| quoted(text), day)
}

/// The page of a proof.
pub(super) fn page(proof: &Proof) -> Page {
    let sections = vec![
        Section { heading: "Subject", blocks: subject(proof) },
        Section { heading: "Checks", blocks: vec![Block::Checks(proof.checks.clone())] },
        Section { heading: "Source", blocks: vec![source(proof.source.as_ref())] },
        Section { heading: "Build", blocks: vec![build(proof.build.as_ref())] },
        Section { heading: "SBOM", blocks: vec![sboms(&proof.sboms)] },
        Section { heading: "Decision and policy", blocks: decision(proof.decision.as_ref()) },
        Section { heading: "Scan then and now", blocks: scans(&proof.scans, proof.made) },
        Section { heading: "Signatures and log entries", blocks: signatures(&proof.signatures) },
        Section { heading: "Left aside", blocks: vec![lines(&proof.left_aside, "nothing")] },
        Section { heading: "What is missing", blocks: vec![lines(&proof.missing, "nothing")] },
        Section { heading: "The same with other tools", blocks: vec![Block::Commands(proof.other_tools.clone())] },
    ];
    let held = proof.checks.iter().filter(|check| check.outcome == Outcome::Passed).count();
    let failed = proof.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed(_))).count();
    let verdict = if proof.passed {
        format!("verified: {held} checks hold")
    } else {
        format!("NOT VERIFIED: {failed} checks do not hold")
    };
    let footer = format!(
        "sealwright {}, {}. Only statements whose signatures hold are shown.",
        proof.sealwright,
        time(proof.made)
    );
    Page { subject: proof.subject.image.clone(), passed: proof.passed, verdict, sections, footer }
}

fn subject(proof: &Proof) -> Vec<Block> {
    let demanded = &proof.demanded;
    let mut facts = vec![
        ("named", vec![quoted(&proof.subject.reference.as_str().into())]),
        ("digest", vec![own(proof.subject.digest.to_string())]),
        ("demanded by", {
            let mut line = vec![quoted(&demanded.by.as_str().into())];
            if let Some(builder) = &demanded.builder {
                line.extend([own(", builder "), quoted(&builder.as_str().into())]);
            }
            line
        }),
    ];
    if let Some(root) = &demanded.trust_root_line {
        facts.push(("trusted root", vec![quoted(&root.as_str().into())]));
    }
    let mut blocks = vec![Block::Facts(facts)];
    if !proof.subject.images.is_empty() {
        let rows = proof.subject.images.iter().map(|image| {
            let platform = image.platform.as_ref().map_or_else(|| faint("not named"), quoted);
            vec![vec![platform], vec![own(image.digest.to_string())], outcome(&image.result)]
        });
        blocks.push(table(vec!["image", "digest", "own SBOM, scan and decision"], rows.collect()));
    }
    blocks
}

fn outcome(outcome: &Outcome) -> Line {
    match outcome {
        Outcome::Passed => vec![marked(Mark::Good, "verified")],
        Outcome::Failed(why) => vec![marked(Mark::Bad, "NOT VERIFIED"), own(": "), quoted(&why.as_str().into())],
        Outcome::NotChecked(why) => vec![faint(why)],
    }
}

/// Cut, and it is said how much was.
fn table(head: Vec<&'static str>, mut rows: Vec<Vec<Line>>) -> Block {
    if let Some(more @ 1..) = rows.len().checked_sub(MOST_LINES) {
        rows.truncate(MOST_LINES);
        rows.push(vec![vec![faint(format!("and {more} more"))]]);
    }
    Block::Table { head, rows }
}

fn list(mut lines: Vec<Line>) -> Block {
    if let Some(more @ 1..) = lines.len().checked_sub(MOST_LINES) {
        lines.truncate(MOST_LINES);
        lines.push(vec![faint(format!("and {more} more"))]);
    }
    Block::List(lines)
}

fn lines(all: &[Untrusted], none: &str) -> Block {
    if all.is_empty() { nothing(none) } else { list(all.iter().map(|line| vec![quoted(line)]).collect()) }
}

fn nothing(why: &str) -> Block {
    Block::List(vec![vec![faint(why)]])
}

fn push(facts: &mut Vec<(&'static str, Line)>, name: &'static str, value: Option<&Untrusted>) {
    facts.extend(value.map(|value| (name, vec![quoted(value)])));
}

fn source(source: Option<&Source>) -> Block {
    let Some(source) = source else { return nothing("no statement names one") };
    let mut facts = Vec::new();
    push(&mut facts, "repository", source.repository.as_ref());
    if let (Some(id), Some((_, line))) = (&source.repository_id, facts.last_mut()) {
        line.extend([own(", id "), quoted(id)]);
    }
    push(&mut facts, "ref", source.reference.as_ref());
    if let Some(commit) = &source.commit {
        let link = source.link.as_ref().map(|link| Span::Link(cut(commit.raw()), link.clone()));
        facts.push(("commit", vec![link.unwrap_or_else(|| quoted(commit))]));
    }
    facts.push((
        "proved by",
        vec![match source.proof {
            SourceProof::Certificate => own("the certificate, issued to the workflow"),
            SourceProof::Signer => own("nobody: the signer's own words"),
        }],
    ));
    Block::Facts(facts)
}

fn build(build: Option<&Build>) -> Block {
    let Some(build) = build else { return nothing("no provenance counts") };
    let mut facts = Vec::new();
    push(&mut facts, "workflow", build.workflow.as_ref());
    if let Some(run) = &build.run {
        let link = build.run_link.as_ref().map(|link| Span::Link(cut(run.raw()), link.clone()));
        facts.push(("run", vec![link.unwrap_or_else(|| quoted(run))]));
    }
    push(&mut facts, "trigger", build.trigger.as_ref());
    push(&mut facts, "runner", build.runner.as_ref());
    if build.builder.is_some() && build.builder == build.workflow {
        facts.push(("builder", vec![own("the workflow itself")]));
    } else {
        push(&mut facts, "builder", build.builder.as_ref());
    }
    push(&mut facts, "build type", build.build_type.as_ref());
    let level = build.level.map_or_else(|| faint("judged by a trust file only"), |level| own(level.to_string()));
    facts.push(("SLSA level", vec![level]));
    Block::Facts(facts)
}

fn sboms(sboms: &[Sbom]) -> Block {
    if sboms.is_empty() {
        return nothing("no SBOM counts");
    }
    let row = |sbom: &Sbom| {
        let kinds: Vec<String> = sbom.packages.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let packages = match &sbom.problem {
            Some(why) => vec![marked(Mark::Bad, "cannot be read"), own(": "), quoted(why)],
            None if kinds.is_empty() => vec![own("none")],
            None => vec![own(kinds.join(", "))],
        };
        let system = sbom.distribution.as_ref().map_or_else(|| faint("not named"), quoted);
        vec![vec![quoted(&sbom.format)], packages, vec![system], vec![own(sbom.statement.short())]]
    };
    table(vec!["format", "packages", "system", "statement"], sboms.iter().map(row).collect())
}

fn counts(counts: &Counts) -> Line {
    let of = [
        (counts.critical, "critical"),
        (counts.high, "high"),
        (counts.medium, "medium"),
        (counts.low, "low"),
        (counts.negligible, "negligible"),
        (counts.unknown, "of unknown severity"),
    ];
    let words: Vec<String> = of.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    if words.is_empty() {
        return vec![marked(Mark::Good, "no flaw")];
    }
    let mut line = vec![if counts.critical > 0 { marked(Mark::Bad, words.join(", ")) } else { own(words.join(", ")) }];
    if counts.exploited > 0 {
        line.extend([own("; "), marked(Mark::Bad, format!("{} known to be exploited", counts.exploited))]);
    }
    line
}

fn scans(scans: &Scans, made: Timestamp) -> Vec<Block> {
    let mut rows = Vec::new();
    match &scans.then {
        Some(then) => {
            let found =
                then.flaws.as_ref().map_or_else(|| vec![faint("in the scanner's own form, not counted")], counts);
            let when = then.finished.as_ref().map_or_else(|| faint("not stated"), stated_time);
            let mut data = vec![quoted(&then.scanner)];
            if let Some(newest) = &then.newest {
                data.extend([own(", newest advisory "), stated_day(newest)]);
            }
            rows.push(vec![vec![own("at build time")], found, vec![when], data]);
        }
        None => rows.push(vec![vec![own("at build time")], vec![faint("no scan counts")], vec![], vec![]]),
    }
    let today = |cells: [Line; 3]| [vec![vec![own("today")]], cells.to_vec()].concat();
    match &scans.today {
        Today::Scanned { snapshot, newest, flaws, .. } => {
            let ages: Vec<String> = newest
                .iter()
                .map(|(ecosystem, newest)| {
                    let day = newest.map_or_else(|| "no record".to_owned(), |t| t.strftime("%Y-%m-%d").to_string());
                    format!("{ecosystem} {day}")
                })
                .collect();
            let data = format!("advisories {}, newest of {}", snapshot.short(), ages.join(", "));
            rows.push(today([counts(flaws), vec![own(time(made))], vec![quoted(&data.into())]]));
        }
        Today::NotScanned { why } => {
            rows.push(today([vec![marked(Mark::Bad, "not scanned today")], vec![], vec![quoted(why)]]));
        }
    }
    let mut blocks = vec![Block::Table { head: vec!["", "found", "when", "with"], rows }];
    if let Today::Scanned { unknown, .. } = &scans.today
        && !unknown.is_empty()
    {
        blocks.push(lines(unknown, ""));
    }
    blocks.extend(scans.difference.as_ref().map(difference));
    blocks
}

fn difference(difference: &Difference) -> Block {
    let mut list = Vec::new();
    for (what, flaws) in [("new since the build", &difference.new), ("no longer reported", &difference.gone)] {
        list.extend(flaws.iter().take(MOST_FLAWS).map(|one| flaw(what, one)));
        if let Some(more @ 1..) = flaws.len().checked_sub(MOST_FLAWS) {
            list.push(vec![faint(format!("{what}: {more} more"))]);
        }
    }
    if list.is_empty() {
        list.push(vec![own("the same flaws as at build time")]);
    }
    Block::List(list)
}

fn flaw(what: &str, flaw: &Flaw) -> Line {
    let severity = flaw.severity.map_or("unknown severity", |severity| severity.word());
    let mark = if flaw.known_exploited || severity == "critical" { Mark::Bad } else { Mark::Plain };
    let exploited = if flaw.known_exploited { ", exploited" } else { "" };
    let mut line = vec![
        own(format!("{what}: ")),
        quoted(&flaw.id),
        own(" in "),
        quoted(&flaw.package),
        own(" "),
        quoted(&flaw.version),
        own(" ("),
        marked(mark, format!("{severity}{exploited}")),
        own(")"),
    ];
    if let Some(version) = &flaw.fixed_in {
        line.extend([own(", fixed in "), quoted(version)]);
    }
    line
}

fn decision(decision: Option<&Decision>) -> Vec<Block> {
    let Some(decision) = decision else { return vec![nothing("no decision counts")] };
    let mark = if decision.result.raw() == "PASSED" { Mark::Good } else { Mark::Bad };
    let mut result = vec![marked(mark, cut(decision.result.raw()).to_string())];
    for level in &decision.levels {
        result.extend([own(" "), quoted(level)]);
    }
    let mut facts = vec![("result", result), ("decided by", vec![quoted(&decision.verifier)])];
    facts.extend(decision.time.as_ref().map(|time| ("at", vec![stated_time(time)])));
    let mut rules = vec![quoted(&decision.policy)];
    if let Some(digest) = &decision.policy_digest {
        rules.extend([own(", sha256 "), Span::Quoted(digest.raw().chars().take(12).collect::<String>().into())]);
    }
    rules.push(match decision.same_rules {
        Some(true) => marked(Mark::Good, " = the trust file's"),
        Some(false) => marked(Mark::Bad, " ≠ the trust file's"),
        None => faint(" (no trust file was given to compare with)"),
    });
    facts.push(("rules", rules));
    if decision.waivers.is_empty() {
        facts.push(("waivers", vec![own("none")]));
    }
    let mut blocks = vec![Block::Facts(facts)];
    if !decision.waivers.is_empty() {
        blocks.push(list(decision.waivers.iter().map(waiver).collect()));
    }
    blocks
}

/// `ID in PACKAGE: reason (owner, until DATE)`; what is not stated is left out.
fn waiver(waiver: &Waiver) -> Line {
    let mut line = vec![own("waived: "), quoted(&waiver.id)];
    if let Some(package) = &waiver.package {
        line.extend([own(" in "), quoted(package)]);
    }
    line.extend([own(": "), quoted(&waiver.reason)]);
    if let Some(owner) = &waiver.owner {
        line.extend([own(", by "), quoted(owner)]);
    }
    if let Some(day) = &waiver.expires {
        line.extend([own(", until "), quoted(day)]);
    }
    if waiver.expired {
        line.extend([own(", "), marked(Mark::Bad, "expired since")]);
    }
    line
}

fn signatures(signatures: &[Signature]) -> Vec<Block> {
    if signatures.is_empty() {
        return vec![nothing("no statement counts")];
    }
    // One signer for all is the normal case, and is said once.
    let signers: Vec<&Signer> = signatures.iter().map(|one| &one.signer).collect();
    let same = signers.windows(2).all(|pair| pair.first() == pair.last());
    let mut blocks = Vec::new();
    if let (true, Some(first)) = (same, signatures.first()) {
        let mut facts = vec![("signer", signer(&first.signer))];
        if let Signer::Certificate { issuer, .. } = &first.signer {
            facts.push(("issuer", vec![quoted(issuer)]));
        }
        let logs: Vec<&LogEntry> = signatures.iter().flat_map(|one| &one.log_entries).collect();
        if let Some(entry) = logs.first().filter(|first| logs.iter().all(|entry| entry.log_id == first.log_id)) {
            facts.push(("log", log(entry)));
        }
        blocks.push(Block::Facts(facts));
    }
    let mut head =
        vec!["statement", "digest", "signed", "by the word of", "log index", "certificate holds", "stored as"];
    if !same {
        head.push("signer");
    }
    let rows = signatures.iter().map(|one| {
        let mut row = signature(one);
        if !same {
            row.push(signer(&one.signer));
        }
        row
    });
    blocks.push(table(head, rows.collect()));
    blocks
}

fn log(entry: &LogEntry) -> Line {
    let Some(id) = &entry.log_id else { return vec![own("one that the trusted root names")] };
    let mut line = vec![own("id "), quoted(&id.as_str().into())];
    if let Some(address) = &entry.log {
        line.extend([own(", "), quoted(&address.as_str().into())]);
    }
    line
}

fn signer(signer: &Signer) -> Line {
    match signer {
        Signer::Key { fingerprint } => vec![own(format!("key {fingerprint}"))],
        Signer::Certificate { identity, .. } => vec![quoted(identity)],
    }
}

fn signature(one: &Signature) -> Vec<Line> {
    let kind = match one.predicate_type.raw() {
        types::SIGNATURE => own("signature"),
        types::CYCLONEDX => own("SBOM (CycloneDX)"),
        types::SPDX | types::SPDX_V2_3 => own("SBOM (SPDX)"),
        types::VULN => own("scan"),
        types::VERIFICATION_SUMMARY => own("decision"),
        types::PROVENANCE => own("provenance"),
        _ => quoted(&one.predicate_type),
    };
    let source = match one.time_source {
        Some(TimeSource::Log) => own("the log"),
        Some(TimeSource::TimestampAuthority) => own("a timestamp authority"),
        None => faint("nobody"),
    };
    let indexes: Vec<String> = one.log_entries.iter().map(|entry| entry.index.to_string()).collect();
    let index = if indexes.is_empty() { faint("none") } else { own(indexes.join(", ")) };
    let validity = match (one.valid_from, one.valid_until) {
        (Some(from), Some(until)) => own(format!("{}–{}", from.strftime("%H:%M:%S"), until.strftime("%H:%M:%S"))),
        _ => faint("key"),
    };
    let stored = one.media_type.raw();
    let stored = match stored.strip_prefix("application/vnd.dev.sigstore.bundle") {
        Some("+json;version=0.1") => own("older cosign tag"),
        Some(".v0.3+json" | "+json;version=0.3") => own("bundle v0.3"),
        Some("+json;version=0.2") => own("bundle v0.2"),
        _ => quoted(&one.media_type),
    };
    let when = one.time.map_or_else(|| faint("not known"), |t| own(time(t)));
    [kind, own(one.digest.short()), when, source, index, validity, stored].into_iter().map(|span| vec![span]).collect()
}
