//! The table of docs/reference/admission-bypasses.md: what is tried, and what has to come of it. The tests print what came, and
//! a row that nobody tried or that nobody wrote down fails.

use std::collections::BTreeSet;
use std::path::Path;

use crate::admission::signer::Variant;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) number: String,
    pub(crate) case: String,
    variants: Vec<String>,
    /// `admitted`, or `denied: WORDS` with what the message has to say.
    expected: String,
    tiers: Vec<String>,
}

/// The table as it is written.
pub(crate) fn table() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/admission-bypasses.md");
    let page = sealwright_core::bounded::read_file(&path, 1 << 20).expect("the page");
    let page = String::from_utf8(page).expect("text");
    let lines =
        page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| #") && !line.starts_with("| -"));
    lines.map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [number, case, _, variants, expected, tiers] = cells.as_slice() else { panic!("six cells: {line}") };
    let words = |cell: &str| cell.split(", ").map(str::to_owned).collect();
    Row {
        number: (*number).to_owned(),
        case: case.trim_matches('`').to_owned(),
        variants: words(variants),
        expected: expected.replace('`', ""),
        tiers: words(tiers),
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Admitted,
    /// With the message.
    Denied(String),
}

impl Verdict {
    /// `only POLICY` is refused by that one and by no other. Of several policies that refuse the API server tells what the first one
    /// said.
    fn is(&self, expected: &str, tier: &str) -> bool {
        match (self, expected.strip_prefix("denied: ")) {
            (Self::Admitted, _) => expected == "admitted",
            (Self::Denied(message), Some("sealwright-signature" | "sealwright-registries")) if tier == "B" => {
                message.contains("Policy sealwright-")
            }
            (Self::Denied(message), Some(words)) => {
                let only = words.strip_prefix("only ");
                let alone = only.is_none_or(|_| message.matches("Policy sealwright-").count() == 1);
                alone && only.unwrap_or(words).split(" and ").all(|word| message.contains(word))
            }
            (Self::Denied(_), None) => false,
        }
    }

    /// The policies that refused.
    pub(crate) fn policies(&self) -> BTreeSet<&str> {
        let Self::Denied(message) = self else { return BTreeSet::new() };
        message.split("Policy ").skip(1).filter_map(|text| text.split(' ').next()).collect()
    }

    /// For the table: from the first of the expected words on, with short digests.
    fn told(&self, expected: &str) -> String {
        let Self::Denied(message) = self else { return "admitted".to_owned() };
        let words = expected.trim_start_matches("denied: ").trim_start_matches("only ");
        let first = words.split(" and ").next().unwrap_or_default();
        let from = message.find(first).map_or(message.as_str(), |at| message.get(at..).unwrap_or_default());
        let line = from.split_whitespace().map(short).collect::<Vec<_>>().join(" ").replace('|', "/");
        format!("denied: {}", line.chars().take(160).collect::<String>())
    }
}

/// A word without all but the first digits of a digest.
fn short(word: &str) -> String {
    match word.split_once("@sha256:") {
        Some((name, digest)) if digest.len() > 64 => format!("{name}@{}…{}", &digest[..6], &digest[64..]),
        _ => word.to_owned(),
    }
}

/// What was tried in one tier with one variant.
pub(crate) struct Results {
    tier: &'static str,
    variant: Variant,
    tried: Vec<(String, Verdict)>,
}

impl Results {
    pub(crate) fn new(tier: &'static str, variant: Variant) -> Self {
        Self { tier, variant, tried: vec![] }
    }

    pub(crate) fn record(&mut self, case: &str, verdict: Verdict) {
        self.tried.push((case.to_owned(), verdict));
    }

    /// Prints the table with what came, and fails where something else was expected, or was not tried.
    pub(crate) fn check(self) {
        let Self { tier, variant, tried } = self;
        let wanted =
            |row: &&Row| row.variants.iter().any(|v| v == variant.word()) && row.tiers.iter().any(|t| t == tier);
        let rows: Vec<Row> = table();
        let mut wrong = Vec::new();
        println!("| # | case | variant | expected | got | tier |\n| --- | --- | --- | --- | --- | --- |");
        for row in rows.iter().filter(wanted) {
            let found: Vec<&Verdict> = tried.iter().filter(|(case, _)| *case == row.case).map(|(_, v)| v).collect();
            let got = found.iter().map(|verdict| verdict.told(&row.expected)).collect::<Vec<_>>().join("; ");
            let got = if found.is_empty() { "NOT RUN".to_owned() } else { got };
            println!("| {} | {} | {} | {} | {got} | {tier} |", row.number, row.case, variant.word(), row.expected);
            if found.is_empty() || !found.iter().all(|verdict| verdict.is(&row.expected, tier)) {
                wrong.push(format!("{}: expected {}, got {got}", row.case, row.expected));
            }
        }
        let known: BTreeSet<&str> = rows.iter().filter(wanted).map(|row| row.case.as_str()).collect();
        let unknown = tried.iter().filter(|(case, _)| !known.contains(case.as_str()));
        wrong.extend(unknown.map(|(case, verdict)| format!("{case} is in no row: {verdict:?}")));
        assert!(wrong.is_empty(), "{} of tier {tier}:\n{}", variant.word(), wrong.join("\n"));
    }
}
