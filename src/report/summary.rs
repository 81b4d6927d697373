//! What `scan`, `seal` and `verify` say as Markdown, for the summary of a run or a comment: tables, worst first, cut to a size. How
//! much was left out is said.

use sealwright_core::{Finding, Outcome, PinnedRef, Untrusted};
use sealwright_verify as verify;

use super::judged::{Item, Judged, Standing, advisory_url, fixed_in, severity};
use super::markdown::{fence, table_head, table_row, written};
use super::scan::ScanReport;
use super::span::{Line, Mark, Span, faint, marked, own, quoted};
use super::verification;
use crate::pipeline::publish::Written;

/// The most of a step's summary, in bytes. GitHub takes 1 MiB of a step (GitHub Docs, "Workflow commands", "Step isolation and
/// limits"); what is not used here is for what other commands of the step say.
pub const STEP: usize = 1_000_000;
/// The most of a comment: GitHub takes 65,536 characters, and a character has at least one byte.
pub const COMMENT: usize = 65_000;
/// What is kept free for the sentences that say what was left out.
const RESERVE: usize = 1_000;

/// A summary of `scan`.
pub fn scan(report: &ScanReport<'_>, judged: &Judged<'_>, most: usize) -> String {
    let verdict = match report.decision.map(|decision| decision.outcome) {
        Some(Outcome::Pass) => "✅ Scan passed",
        Some(Outcome::Refuse) => "❌ Scan refused",
        None => "ℹ️ Scan, without a rule",
    };
    let mut page = Page::new(verdict, most);
    page.line(&subject(report.source, &[judged]));
    let data: Vec<String> = report
        .newest
        .iter()
        .map(|one| {
            let day = one.newest.map_or_else(|| "no record".to_owned(), |time| time.strftime("%Y-%m-%d").to_string());
            format!("{} {day}", one.ecosystem)
        })
        .collect();
    let mut line = vec![own(format!("Advisories {}", report.snapshot.short()))];
    if !data.is_empty() {
        line.extend([own(", newest of "), quoted(&data.join(", ").into())]);
    }
    page.line(&line);
    findings(&mut page, &[judged]);
    page.text
}

/// What a seal came to.
#[derive(Debug)]
pub struct Sealed<'a> {
    /// The image as it was named where it came from.
    pub name: &'a str,
    /// The image by digest, once it is pushed.
    pub image: Option<&'a PinnedRef>,
    /// The statements.
    pub written: &'a [Written],
    /// What the read-back came to.
    pub verification: Option<&'a verify::Report>,
    /// The tag that names the image now.
    pub tag: Option<&'a str>,
    /// The command line that verifies it.
    pub command: Option<&'a str>,
}

/// A summary of `seal`.
pub fn seal(sealed: &Sealed<'_>, judged: &[Judged<'_>], most: usize) -> String {
    let holds = sealed.verification.is_some_and(verify::Report::passed);
    let verdict = match (sealed.image, holds) {
        (None, _) => "❌ Refused: nothing was pushed, signed or tagged",
        (Some(_), true) => "✅ Sealed",
        (Some(_), false) => "❌ What was read back does not verify: no tag was set",
    };
    let mut page = Page::new(verdict, most);
    let all: Vec<&Judged<'_>> = judged.iter().collect();
    match sealed.image {
        Some(image) => {
            let mut line = vec![quoted(&image.to_string().into())];
            if let Some(tag) = sealed.tag {
                line.extend([own(", and "), quoted(&tag.into()), own(" names it")]);
            }
            page.line(&line);
        }
        None => page.line(&subject(sealed.name, &all)),
    }
    if let (Some(command), true) = (sealed.command, holds) {
        page.shown(command);
    }
    if let Some(report) = sealed.verification {
        if holds {
            page.line(&vec![own("Read back and verified: "), quoted(&verification::summary(report).into())]);
        } else {
            checks(&mut page, report);
        }
    }
    findings(&mut page, &all);
    let rows = sealed.written.iter().map(|one| {
        let state = if one.new { own("signed") } else { faint("kept") };
        vec![vec![quoted(&one.predicate_type.as_str().into())], vec![own(one.subject.short())], vec![state]]
    });
    let rows: Vec<_> = rows.collect();
    page.folded(&format!("Statements ({})", rows.len()), &["statement", "about", ""], &rows);
    page.text
}

/// A summary of `verify`.
pub fn verification(subject: &str, report: &verify::Report, most: usize) -> String {
    let verdict = if report.passed() { "✅ Verified" } else { "❌ Not verified" };
    let mut page = Page::new(verdict, most);
    page.line(&vec![quoted(&subject.into())]);
    if report.passed() {
        page.line(&vec![quoted(&verification::summary(report).into())]);
    }
    checks(&mut page, report);
    let rows: Vec<_> = report
        .statements
        .iter()
        .map(|statement| {
            let time = statement.time.map_or_else(|| faint("self-asserted"), |time| own(time.to_string()));
            let (kind, signer) = (statement.predicate_type.as_str().into(), statement.signer.as_str().into());
            vec![vec![quoted(&kind)], vec![time], vec![quoted(&signer)]]
        })
        .collect();
    page.folded(&format!("Statements that count ({})", rows.len()), &["statement", "signed", "by"], &rows);
    let rows: Vec<_> = report.left_aside.iter().map(|why| vec![vec![quoted(&why.as_str().into())]]).collect();
    page.folded(&format!("Bundles that were left aside ({})", rows.len()), &["why"], &rows);
    page.text
}

fn subject(name: &str, judged: &[&Judged<'_>]) -> Line {
    let mut line = vec![quoted(&name.into())];
    for one in judged {
        line.push(own(match one.platform {
            Some(platform) => format!(", {platform} {}", one.digest.short()),
            None => format!(", {}", one.digest.short()),
        }));
    }
    line
}

fn checks(page: &mut Page, report: &verify::Report) {
    let rows: Vec<_> = report
        .checks
        .iter()
        .map(|check| {
            let (mark, why) = match &check.outcome {
                verify::Outcome::Passed => ("✅", None),
                verify::Outcome::Failed(why) => ("❌", Some(why)),
                verify::Outcome::NotChecked(why) => ("➖", Some(why)),
            };
            let why = why.map(|why| quoted(&why.as_str().into()));
            vec![vec![own(mark)], vec![own(format!("{} {}", check.number, check.name))], why.into_iter().collect()]
        })
        .collect();
    page.table(&["", "check", "why"], &rows);
    let waivers: Vec<_> = report.waivers.iter().map(|waiver| vec![vec![quoted(&waiver.as_str().into())]]).collect();
    page.folded(&format!("Waived ({})", waivers.len()), &["waiver"], &waivers);
}

/// What became of findings, as groups of a summary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Refused,
    Waived,
    Reported,
}

impl Group {
    fn of(standing: &Standing<'_>) -> Self {
        match standing {
            Standing::Refused(_) => Self::Refused,
            Standing::Waived { .. } => Self::Waived,
            Standing::Reported => Self::Reported,
        }
    }
}

/// The findings of all platforms in three tables: what refuses the image is not crowded out by what does not.
fn findings(page: &mut Page, judged: &[&Judged<'_>]) {
    let counts = judged.iter().map(|one| one.counts());
    let (refused, waived, reported) = counts.fold((0, 0, 0), |all, one| (all.0 + one.0, all.1 + one.1, all.2 + one.2));
    page.line(&vec![
        marked(if refused > 0 { Mark::Bad } else { Mark::Plain }, format!("{refused} refused")),
        own(format!(", {waived} waived, {reported} reported")),
    ]);
    let mut items: Vec<(&Item<'_>, &Judged<'_>)> =
        judged.iter().flat_map(|one| one.items.iter().map(|item| (item, *one))).collect();
    items.sort_by_cached_key(|(item, _)| item.order());
    let several = judged.len() > 1;
    for (group, last) in [(Group::Refused, "rule"), (Group::Waived, "why"), (Group::Reported, "")] {
        let of_group = || items.iter().filter(|(item, _)| Group::of(&item.standing) == group);
        let mut head = vec!["severity", "package", "installed", "fixed in", "id", "where"];
        head.extend(several.then_some("platform"));
        head.extend(Some(last).filter(|last| !last.is_empty()));
        let flaws: Vec<Vec<Line>> = of_group().filter_map(|(item, one)| flaw(item, one, several)).collect();
        let mut other_head = vec!["finding", "what", "where"];
        other_head.extend(several.then_some("platform"));
        other_head.extend(Some(last).filter(|last| !last.is_empty()));
        let others: Vec<Vec<Line>> = of_group().filter_map(|(item, one)| observation(item, one, several)).collect();
        match group {
            Group::Refused => {
                page.table(&head, &flaws);
                page.table(&other_head, &others);
            }
            Group::Waived => {
                page.folded(&format!("Waived flaws ({})", flaws.len()), &head, &flaws);
                page.folded(&format!("Other waived findings ({})", others.len()), &other_head, &others);
            }
            Group::Reported => {
                page.folded(&format!("Flaws that break no rule ({})", flaws.len()), &head, &flaws);
                page.folded(&format!("Other findings that break no rule ({})", others.len()), &other_head, &others);
            }
        }
    }
}

fn flaw(item: &Item<'_>, judged: &Judged<'_>, several: bool) -> Option<Vec<Line>> {
    let Finding::Vulnerability(v) = item.finding else { return None };
    let word = severity(v);
    let mark = if v.known_exploited || word == "critical" { Mark::Bad } else { Mark::Plain };
    let id = Untrusted::from(v.id.raw());
    let id = match advisory_url(v.id.raw()) {
        Some(address) => Span::Link(id, address),
        None => quoted(&id),
    };
    let fix = fixed_in(v).map_or_else(|| faint("none known"), quoted);
    let package = &v.package;
    let mut row = vec![
        vec![marked(mark, word)],
        vec![quoted(&package.name)],
        vec![quoted(&package.version)],
        vec![fix],
        vec![id],
        place(item),
    ];
    row.extend(of_item(item, judged, several));
    Some(row)
}

fn observation(item: &Item<'_>, judged: &Judged<'_>, several: bool) -> Option<Vec<Line>> {
    let Finding::Observation { id, place: seen, detail } = item.finding else { return None };
    let layer = || seen.layer.iter().map(|layer| own(format!("layer {}", layer.short()))).collect();
    let place = if item.paths.is_empty() { layer() } else { place(item) };
    let mut row = vec![vec![own(id.to_string())], vec![quoted(detail)], place];
    row.extend(of_item(item, judged, several));
    Some(row)
}

/// The last columns: the platform where there are several, then the rule or the reason.
fn of_item(item: &Item<'_>, judged: &Judged<'_>, several: bool) -> Vec<Line> {
    let platform = || judged.platform.map(|platform| own(platform.to_string())).into_iter().collect();
    let mut cells: Vec<Line> = several.then(platform).into_iter().collect();
    match item.standing {
        Standing::Refused(rule) => cells.push(vec![quoted(&rule.into())]),
        Standing::Reported => {}
        Standing::Waived { reason, owner, expires } => {
            let mut why = vec![quoted(&reason.into())];
            for (word, text) in [(", by ", owner), (", until ", expires)] {
                why.extend(text.into_iter().flat_map(|text| [own(word), quoted(&text.into())]));
            }
            cells.push(why);
        }
    }
    cells
}

/// The first path, and how many more there are.
fn place(item: &Item<'_>) -> Line {
    let Some(first) = item.paths.first() else { return vec![] };
    let mut line = vec![quoted(&format!("/{}", first.raw()).into())];
    if let Some(more @ 1..) = item.paths.len().checked_sub(1) {
        line.push(own(format!(" and {more} more")));
    }
    line
}

/// A text that does not become larger than it may.
struct Page {
    text: String,
    most: usize,
}

impl Page {
    fn new(verdict: &str, most: usize) -> Self {
        Self { text: format!("## {verdict}\n"), most }
    }

    /// Whether so many bytes more leave the reserve as it is.
    fn has_room(&self, bytes: usize) -> bool {
        self.text.len() + bytes + RESERVE <= self.most
    }

    /// A paragraph.
    fn line(&mut self, line: &Line) {
        let text = format!("\n{}\n", written(line));
        if self.has_room(text.len()) {
            self.text.push_str(&text);
        }
    }

    /// A command line, to be copied.
    fn shown(&mut self, command: &str) {
        let command = Untrusted::from(command).to_string();
        let fence = fence(&command, 3);
        let text = format!("\n{fence}sh\n{command}\n{fence}\n");
        if self.has_room(text.len()) {
            self.text.push_str(&text);
        }
    }

    /// A table, unless it has no rows.
    fn table(&mut self, head: &[&str], rows: &[Vec<Line>]) {
        if rows.is_empty() {
            return;
        }
        let start = table_head(head);
        let mut kept = 0;
        // What follows the last row that fits is left out too, also where it is shorter: the worst are kept.
        if self.has_room(start.len()) {
            self.text.push_str(&format!("\n{start}"));
            for row in rows.iter().map(|row| table_row(head.len(), row)) {
                if !self.has_room(row.len()) {
                    break;
                }
                self.text.push_str(&row);
                kept += 1;
            }
        }
        if let Some(more @ 1..) = rows.len().checked_sub(kept) {
            let line = format!("\n**{more} more are left out**, the least of them: there is no more room here.\n");
            // The reserve is for these lines.
            if self.text.len() + line.len() <= self.most {
                self.text.push_str(&line);
            }
        }
    }

    /// A table that is shown when it is asked for, unless it has no rows.
    fn folded(&mut self, title: &str, head: &[&str], rows: &[Vec<Line>]) {
        if rows.is_empty() {
            return;
        }
        self.text.push_str(&format!("\n<details><summary>{title}</summary>\n"));
        self.table(head, rows);
        self.text.push_str("\n</details>\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealwright_core::{Digest, FindingId, Platform, Severity};

    use super::*;
    use crate::report::judged::Places;
    use crate::report::judged::tests::{decision, flaw};

    fn report<'a>(findings: &'a [Finding], decision: Option<&'a sealwright_core::Decision>) -> ScanReport<'a> {
        ScanReport {
            schema: 1,
            source: "oci:image",
            digest: Digest::of(b"image"),
            scanned: "2030-01-02T03:04:05Z".parse().expect("time"),
            snapshot: Digest::of(b"advisories"),
            newest: vec![],
            findings,
            decision,
        }
    }

    fn shown(findings: &[Finding], decision: Option<&sealwright_core::Decision>, most: usize) -> String {
        let (platform, places): (Platform, _) = ("linux/amd64".parse().expect("platform"), Places::default());
        let judged = Judged::new(Some(&platform), Digest::of(b"image"), findings, decision, &places);
        scan(&report(findings, decision), &judged, most)
    }

    #[test]
    fn a_scan_in_tables() {
        let text = shown(&[], Some(&decision()), STEP);
        let expected = "## ❌ Scan refused

`oci:image`, linux/amd64 SHORT

Advisories DATA

**2 refused**, 1 waived, 2 reported

| severity | package | installed | fixed in | id | where | rule |
| --- | --- | --- | --- | --- | --- | --- |
| high | `zlib` | `1.0` | `2.0` | [`CVE-2030-1`](<https://osv.dev/vulnerability/CVE-2030-1>) |  | `gate.fail-on` |

| finding | what | where | rule |
| --- | --- | --- | --- |
| denied-content | `a credentials file` | `/root/.aws/credentials` | `gate.contents.deny` |

<details><summary>Waived flaws (1)</summary>

| severity | package | installed | fixed in | id | where | why |
| --- | --- | --- | --- | --- | --- | --- |
| **critical** | `glibc` | `1.0` | `2.0` | [`CVE-2030-3`](<https://osv.dev/vulnerability/CVE-2030-3>) |  | `not reachable`, by `ops`, until `2030-12-31` |

</details>

<details><summary>Flaws that break no rule (2)</summary>

| severity | package | installed | fixed in | id | where |
| --- | --- | --- | --- | --- | --- |
| unknown | `curl` | `1.0` | `2.0` | [`CVE-2030-5`](<https://osv.dev/vulnerability/CVE-2030-5>) |  |
| low | `bash` | `1.0` | `2.0` | [`CVE-2030-4`](<https://osv.dev/vulnerability/CVE-2030-4>) |  |

</details>
";
        let digests = [("SHORT", Digest::of(b"image")), ("DATA", Digest::of(b"advisories"))];
        let expected =
            digests.iter().fold(expected.to_owned(), |text, (word, digest)| text.replace(word, &digest.short()));
        assert_eq!(text, expected);
    }

    #[test]
    fn what_has_no_room_is_the_least_and_is_counted() {
        let mut findings: Vec<Finding> =
            (0..5000).map(|n| flaw(&format!("CVE-1-{n}"), "a", Some(Severity::Low))).collect();
        findings.push(flaw("CVE-2-1", "z", Some(Severity::Critical)));
        let text = shown(&findings, None, COMMENT);
        assert!(text.len() <= COMMENT && text.len() > COMMENT - 2 * RESERVE, "{}", text.len());
        let rows = text.lines().filter(|line| line.contains("osv.dev")).count();
        assert!(text.contains(&format!("\n**{} more are left out**", 5001 - rows)), "{rows}");
        assert!(text.lines().find(|line| line.contains("osv.dev")).is_some_and(|line| line.contains("CVE-2-1")));
        assert!(text.ends_with("\n</details>\n"));
        assert!(!shown(&findings, None, STEP).contains("left out"));
    }

    proptest! {
        #[test]
        fn hostile_text_makes_no_line_no_tag_and_no_mention(
            id in "(?s).{0,30}|.*[`|<>@#\\\\].*",
            name in "(?s).{0,30}|`+[|]</details>@team|\n\n# x|\\\\[|]",
        ) {
            let seen = Finding::observation(FindingId::SkippedForSize, Default::default(), name.clone());
            let findings = [flaw(&id, &name, None), seen];
            let text = shown(&findings, None, STEP);
            prop_assert_eq!(text.lines().count(), 23, "{}", text);
            let rows: Vec<&str> = text.lines().filter(|line| line.contains("unknown") || line.contains("skipped-for")).collect();
            prop_assert_eq!(rows.len(), 2);
            for row in rows {
                prop_assert!(row.starts_with("| ") && row.ends_with(" |"), "{}", row);
                // Outside of code spans are our own words only.
                let outside = outside_code(row);
                prop_assert!(!outside.contains(['<', '@', '#', '`']) || outside.contains("](<https://osv.dev/"), "{}", outside);
            }
        }
    }

    /// A row without its code spans (CommonMark 0.31, "Code spans": a span ends at the next run of as many backticks).
    fn outside_code(row: &str) -> String {
        let (mut rest, mut outside) = (row, String::new());
        while let Some(start) = rest.find('`') {
            outside.push_str(&rest[..start]);
            let fence = rest[start..].len() - rest[start..].trim_start_matches('`').len();
            let inner = &rest[start + fence..];
            let mut from = 0;
            let end = loop {
                let Some(next) = inner[from..].find('`').map(|next| from + next) else { break None };
                let run = inner[next..].len() - inner[next..].trim_start_matches('`').len();
                if run == fence {
                    break Some(next + run);
                }
                from = next + run;
            };
            match end {
                Some(end) => rest = &inner[end..],
                None => {
                    outside.push_str(&rest[start..]);
                    return outside;
                }
            }
        }
        outside.push_str(rest);
        outside
    }
}
