//! The metrics that dashboards and alerts may ask for: `metrics/admission.json` lists each with its labels and where that is
//! known from. What an expression asks for is compared with the list, and the list with what a live server exposes.
//!
//! Not here: reading PromQL (Prometheus's own parser does, tier `dashboards`) and starting servers (tier `cluster`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What an expression asks for, as `tests/peers/promql` reads it.
pub(crate) struct Asked {
    /// Each selected metric with the labels that it is selected by.
    pub(crate) metrics: Vec<(String, BTreeSet<String>)>,
    /// Labels that are grouped, matched or joined by, of whichever metric.
    pub(crate) groupings: BTreeSet<String>,
}

/// One metric of the list.
#[derive(Debug)]
pub(crate) struct Listed {
    kind: String,
    labels: BTreeSet<String>,
    /// `kyverno` or `apiserver`.
    server: String,
}

/// The list, by name.
#[derive(Debug)]
pub(crate) struct Metrics(BTreeMap<String, Listed>);

impl Metrics {
    /// Those of admission.
    pub(crate) fn of_admission() -> Self {
        let list: Vec<Value> = serde_json::from_str(include_str!("metrics/admission.json")).expect("JSON");
        let listed = list.iter().map(|metric| {
            let word = |key: &str| metric[key].as_str().unwrap_or_else(|| panic!("no {key} in {metric}")).to_owned();
            assert!(!word("source").is_empty(), "{metric}");
            let labels = metric["labels"].as_array().expect("labels").iter();
            let labels = labels.map(|label| label.as_str().expect("a label").to_owned()).collect();
            (word("name"), Listed { kind: word("kind"), labels, server: word("from") })
        });
        Self(listed.collect())
    }

    /// The labels of a series of that name; a histogram has three names, and one of them a label more.
    fn labels(&self, series: &str) -> Option<BTreeSet<String>> {
        if let Some(listed) = self.0.get(series).filter(|listed| listed.kind != "histogram") {
            return Some(listed.labels.clone());
        }
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| series.strip_suffix(suffix))?;
        let mut labels = self.0.get(name).filter(|listed| listed.kind == "histogram")?.labels.clone();
        if series.ends_with("_bucket") {
            labels.insert("le".to_owned());
        }
        Some(labels)
    }

    /// What an expression asks for that is not listed.
    pub(crate) fn unlisted(&self, asked: &Asked) -> Vec<String> {
        let mut faults = Vec::new();
        let mut known = BTreeSet::new();
        for (name, labels) in &asked.metrics {
            let Some(listed) = self.labels(name) else {
                faults.push(format!("{name} is no metric of the list"));
                continue;
            };
            faults.extend(labels.difference(&listed).map(|label| format!("{name} has no label {label}")));
            known.extend(listed);
        }
        faults.extend(asked.groupings.difference(&known).map(|label| format!("no metric here has the label {label}")));
        faults
    }

    /// What is listed of a server and not in a scrape of it, as Prometheus's text: a metric, or a label of one. A counter that
    /// nothing has counted yet is missing too; whoever scrapes knows what happened before.
    pub(crate) fn missing(&self, server: &str, scrape: &str) -> Vec<String> {
        let exposed = exposed(scrape);
        let mut faults = Vec::new();
        for (name, listed) in self.0.iter().filter(|(_, listed)| listed.server == server) {
            let series = if listed.kind == "histogram" { format!("{name}_bucket") } else { name.clone() };
            match exposed.get(&series) {
                None => faults.push(format!("{series} is not exposed")),
                Some(labels) => faults.extend(
                    self.labels(&series).unwrap_or_default().difference(labels).map(|l| format!("{series} has no {l}")),
                ),
            }
        }
        faults
    }
}

/// Each series' name of a scrape, with the labels that any of them has.
fn exposed(scrape: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in scrape.lines().filter(|line| !line.starts_with('#')) {
        let end = line.find(['{', ' ']).unwrap_or(line.len());
        let labels = found.entry(line[..end].to_owned()).or_default();
        let mut rest = line[end..].strip_prefix('{').unwrap_or_default();
        while let Some((label, value)) = rest.split_once("=\"") {
            labels.insert(label.trim_start_matches([',', ' ']).to_owned());
            rest = after_value(value);
        }
    }
    found
}

/// What follows the value of a label, behind its closing quote.
fn after_value(text: &str) -> &str {
    let mut escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.map_or("", |(place, _)| &text[place + 1..])
}

#[test]
fn a_label_is_read_whatever_its_value_holds() {
    let scrape = "# TYPE a counter\na{x=\"one\",y=\"} \\\" ,z=\\\\\"} 1\na{w=\"\"} 2\nb 3\n";
    let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let expected = BTreeMap::from([("a".to_owned(), labels(&["w", "x", "y"])), ("b".to_owned(), labels(&[]))]);
    assert_eq!(exposed(scrape), expected);
}

#[test]
fn what_a_server_does_not_expose_is_named() {
    let metrics = Metrics::of_admission();
    let missing =
        metrics.missing("kyverno", "kyverno_info{version=\"v1.19.1\"} 1\nkyverno_admission_requests_total{} 1\n");
    assert!(!missing.iter().any(|fault| fault.contains("kyverno_info") || fault.contains("apiserver")), "{missing:?}");
    for fault in [
        "kyverno_admission_requests_total has no request_allowed",
        "kyverno_admission_review_duration_seconds_bucket is not exposed",
    ] {
        assert!(missing.iter().any(|found| found == fault), "{missing:?}");
    }
}
