//! Policies written for the rules: each rule has one that plants its defect and one that is right.
//!
//! `corpus/RULE/{bad,good}.yaml` and, for rules in other kinds of objects, `more/*.yaml`. A comment at the top says for which
//! version (`# kyverno: 1.18.2`), and what the kind of the object has in any case (`# besides: legacy-policy`).

#![expect(clippy::expect_used, clippy::panic, reason = "a test whose fixture is broken has nothing to go on with")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sealwright_admission::lint::{Report, Rule, Severity, Source, Version, lint};
use sealwright_core::bounded::read_file;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

struct Planted {
    name: String,
    text: String,
}

impl Planted {
    fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let text = read_file(path, 1 << 20).unwrap_or_else(|e| panic!("{name}: {e}"));
        Self { text: String::from_utf8(text).expect("text"), name }
    }

    /// What a comment at the top says.
    fn head(&self, key: &str) -> Option<&str> {
        let comments = self.text.lines().take_while(|line| line.starts_with('#'));
        comments.filter_map(|line| line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(':')).map(str::trim).next()
    }

    fn lint(&self) -> Report {
        let version = self.head("kyverno").map_or(Version::DEFAULT, |version| version.parse().expect("version"));
        lint(&[Source { name: &self.name, bytes: self.text.as_bytes() }], version)
    }

    fn expect(&self, key: &str, more: &[&str]) {
        let wanted: BTreeSet<&str> = self
            .head(key)
            .unwrap_or_default()
            .split(' ')
            .chain(more.iter().copied())
            .filter(|w| !w.is_empty())
            .collect();
        let report = self.lint();
        let found: BTreeSet<&str> = report.findings.iter().map(|found| found.rule.word()).collect();
        assert_eq!(found, wanted, "{}: {:#?}", self.name, report.findings);
    }
}

#[test]
fn every_rule_finds_its_defect_and_nothing_else_and_nothing_where_it_is_corrected() {
    for rule in Rule::ALL {
        let here = folder("corpus").join(rule.word());
        Planted::read(&here.join("bad.yaml")).expect("besides", &[rule.word()]);
        Planted::read(&here.join("good.yaml")).expect("besides", &[]);
    }
}

#[test]
fn every_folder_of_the_corpus_is_a_rules() {
    for entry in std::fs::read_dir(folder("corpus")).expect("corpus") {
        let name = entry.expect("entry").file_name().into_string().expect("name");
        assert!(Rule::ALL.iter().any(|rule| rule.word() == name), "{name}");
    }
}

#[test]
fn rules_find_the_same_in_other_kinds_of_objects() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder("more")).expect("more") {
        Planted::read(&entry.expect("entry").path()).expect("finds", &[]);
        count += 1;
    }
    assert!(count > 30, "only {count}");
}

#[test]
fn a_finding_has_its_place_and_its_object() {
    let report = Planted::read(&folder("corpus/fails-open/bad.yaml")).lint();
    let [found] = &report.findings[..] else { panic!("{:?}", report.findings) };
    assert_eq!(found.object.raw(), "ImageValidatingPolicy/verify-pods");
    assert_eq!((found.at.line, found.at.column), (6, 18));
    assert_eq!((report.judged, report.others), (2, 0));
    assert!(report.has_errors() && found.rule.severity() == Severity::Error);
}

#[test]
fn files_are_judged_together() {
    let [pods, ephemeral] = ["ephemeral-unchecked/bad.yaml", "ephemeral-unchecked/good.yaml"]
        .map(|name| Planted::read(&folder("corpus").join(name)));
    let together = [&pods, &ephemeral].map(|p| Source { name: &p.name, bytes: p.text.as_bytes() });
    assert_eq!(lint(&together, Version::DEFAULT).findings, []);
}

/// As the API server answers when it is asked for all of them.
#[test]
fn a_list_of_policies_is_judged_one_by_one() {
    let planted = Planted::read(&folder("corpus/fails-open/bad.yaml"));
    let items: Vec<serde_json::Value> =
        planted.text.split("\n---\n").map(|one| serde_saphyr::from_str(one).expect("a policy")).collect();
    let list = serde_json::json!({
        "apiVersion": "policies.kyverno.io/v1", "kind": "ImageValidatingPolicyList", "metadata": {}, "items": items,
    });
    let report = lint(&[Source { name: "list.json", bytes: list.to_string().as_bytes() }], Version::DEFAULT);
    let found: Vec<&str> = report.findings.iter().map(|found| found.rule.word()).collect();
    assert_eq!((found, report.judged, report.others), (vec!["fails-open"], 2, 0));
}

#[test]
fn many_warnings_hide_no_error_and_that_some_are_not_told_is_an_error() {
    let planted = Planted::read(&folder("corpus/unescaped-identity/bad.yaml"));
    let attestor = planted.text.split("  attestors:\n").nth(1).and_then(|rest| rest.split("  attestations:\n").next());
    let many = attestor.expect("an attestor").repeat(300);
    let text = planted.text.replacen("  attestors:\n", &format!("  attestors:\n{many}"), 1);
    let text = text.replacen("failurePolicy: Fail", "failurePolicy: Ignore", 1);
    let report = lint(&[Source { name: "many.yaml", bytes: text.as_bytes() }], Version::DEFAULT);
    let words: BTreeSet<&str> = report.findings.iter().map(|found| found.rule.word()).collect();
    assert!(words.contains("fails-open") && words.contains("unreadable"), "{words:?}");
    assert!(report.findings.len() <= 201 + 10, "{}", report.findings.len());
}
