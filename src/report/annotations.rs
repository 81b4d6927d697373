//! Annotations of a run of GitHub Actions: workflow commands (GitHub Docs, "Workflow commands for GitHub Actions") for the worst
//! findings. GitHub shows ten errors and ten warnings a step; the rest is in the summary.

use sealwright_core::{Finding, Severity, Untrusted};

use super::judged::{Item, Judged, Standing, fixed_in, severity};

/// How many there are at most.
const MOST: usize = 10;
/// The longest title and message, in characters.
const LONGEST: usize = 300;

/// One line for each of the worst findings, without a line break: an error for what is refused, a warning for what breaks no rule
/// and is severe, exploited, of unknown severity, or a gap in what was read. What was waived is accepted, and has none.
pub fn annotations(judged: &[Judged<'_>]) -> Vec<String> {
    let items = judged.iter().flat_map(|one| one.items.iter().map(move |item| (item, one)));
    let mut wanted: Vec<_> = items.filter_map(|(item, one)| Some((command(item)?, item, one))).collect();
    wanted.sort_by_cached_key(|(_, item, _)| item.order());
    wanted.iter().take(MOST).map(|(command, item, one)| line(command, item, one)).collect()
}

/// The same as a document.
pub fn text(judged: &[Judged<'_>]) -> String {
    annotations(judged).iter().map(|line| format!("{line}\n")).collect()
}

fn command(item: &Item<'_>) -> Option<&'static str> {
    match (item.standing, item.finding) {
        (Standing::Refused(_), _) => Some("error"),
        (Standing::Waived { .. }, _) => None,
        (Standing::Reported, Finding::Observation { .. }) => Some("warning"),
        (Standing::Reported, Finding::Vulnerability(v)) => {
            let matters = v.known_exploited || v.severity.is_none_or(|severity| severity >= Severity::High);
            matters.then_some("warning")
        }
    }
}

fn line(command: &str, item: &Item<'_>, judged: &Judged<'_>) -> String {
    let (title, mut message) = match item.finding {
        Finding::Vulnerability(v) => {
            let fix = fixed_in(v).map_or_else(|| "no fix is known".to_owned(), |version| format!("fixed in {version}"));
            (
                format!("{} in {} {}", v.id, v.package.name, v.package.version),
                format!("severity {}, {fix}", severity(v)),
            )
        }
        Finding::Observation { id, place, detail } => {
            let path = place.path.as_ref().map(|path| format!(" (/{path})")).unwrap_or_default();
            (id.to_string(), format!("{detail}{path}"))
        }
    };
    if let Standing::Refused(rule) = item.standing {
        message.push_str(&format!(", refused by {}", Untrusted::from(rule)));
    }
    if let Some(platform) = judged.platform {
        message.push_str(&format!(", {platform}"));
    }
    format!("::{command} title={}::{}", property(&title), data(&message))
}

/// What stands after the second `::` (actions/toolkit, `command.ts`, `escapeData`), after whatever steers was made visible.
fn data(text: &str) -> String {
    let shown: String = Untrusted::from(text).to_string().chars().take(LONGEST).collect();
    // The runner's older form of a command, which may stand anywhere in a line (actions/runner, `ActionCommand.cs`).
    escaped(&shown.replace("##[", "## ["))
}

/// A text that is one line, as the runner takes it apart again (`escapeData`).
pub fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property (`escapeProperty`).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealwright_core::{Decision, Digest, FindingId, Place};

    use super::*;
    use crate::report::judged::Places;
    use crate::report::judged::tests::{decision, flaw};

    fn of(decision: &Decision) -> Vec<String> {
        annotations(&[Judged::new(None, Digest::of(b""), &[], Some(decision), &Places::default())])
    }

    #[test]
    fn the_worst_ten_are_annotated_and_what_was_accepted_is_not() {
        assert_eq!(
            of(&decision()),
            [
                "::error title=CVE-2030-1 in zlib 1.0::severity high, fixed in 2.0, refused by gate.fail-on",
                "::error title=denied-content::a credentials file (/root/.aws/credentials), refused by gate.contents.deny",
                "::warning title=CVE-2030-5 in curl 1.0::severity unknown, fixed in 2.0",
            ]
        );
        let many: Vec<Finding> = (0..30).map(|n| flaw(&format!("CVE-1-{n}"), "a", Some(Severity::High))).collect();
        let places = Places::default();
        let judged = |findings| Judged::new(None, Digest::of(b""), findings, None, &places);
        let worst = [flaw("CVE-2-1", "b", Some(Severity::Critical))];
        let lines = annotations(&[judged(&many), judged(&worst)]);
        assert_eq!(lines.len(), 10);
        assert!(lines[0].contains("CVE-2-1"), "{}", lines[0]);
    }

    /// What the runner makes of a line (actions/runner, `ActionCommand.cs`, `TryParseV2`): the command and its properties.
    fn parsed(line: &str) -> Option<(&str, Vec<(&str, String)>)> {
        let (head, _) = line.trim_start().strip_prefix("::")?.split_once("::")?;
        let (command, properties) = head.split_once(' ').unwrap_or((head, ""));
        let decode = |text: &str| {
            let text = text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",");
            text.replace("%25", "%")
        };
        let properties = properties.split(',').filter_map(|pair| pair.split_once('='));
        Some((command, properties.map(|(key, value)| (key, decode(value))).collect()))
    }

    proptest! {
        #[test]
        fn no_text_starts_a_second_command(
            id in "(?s).{0,40}|.*(::|##\\[|%|,|:|\r|\n)[a-z]{0,9}.*",
            name in "(?s).{0,40}|::set-output name=x::y|##\\[add-mask\\]x|\n::error::z",
            path in "(?s).{0,400}|\r\n::stop-commands::x",
        ) {
            let place = Place { layer: None, path: Some(path.into()) };
            let seen = Finding::observation(FindingId::SkippedForSize, place, name.clone());
            let decision = Decision::new(vec![], vec![], vec![flaw(&id, &name, None), seen]);
            let lines = of(&decision);
            prop_assert_eq!(lines.len(), 2);
            for line in lines {
                prop_assert!(!line.contains(['\r', '\n', '\u{85}', '\u{2028}']), "{:?}", line);
                prop_assert!(!line.contains("##["), "{:?}", line);
                let (command, properties) = parsed(&line).expect("a command");
                prop_assert_eq!(command, "warning");
                prop_assert_eq!(properties.len(), 1, "{:?}", line);
                prop_assert_eq!(properties[0].0, "title");
            }
        }
    }
}
