//! Policies that others wrote, linted where they lie in Kyverno's module: what is found is what `docs/reference/public-policies.md`
//! judges to be true, and nothing else.

use std::collections::BTreeMap;
use std::path::Path;

use sealwright_admission::lint::{Source, Version, lint};
use sealwright_core::Digest;
use sealwright_core::bounded::read_file;

use crate::peer::{peer, text_of};

/// A section of the page: a policy, the digest of its file, and the findings with why they are true.
#[derive(Default)]
struct Section {
    sha256: String,
    findings: Vec<String>,
}

fn page() -> BTreeMap<String, Section> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/public-policies.md");
    let text = text_of(&path);
    let mut sections = BTreeMap::new();
    for section in text.split("\n## ").skip(1) {
        let (title, body) = section.split_once('\n').expect("a title");
        let sha256 = body.split_once("sha256:").map(|(_, rest)| rest.chars().take(64).collect()).unwrap_or_default();
        let rows = body.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|row| {
            let (rule, why) = row.split_once("` | ")?;
            assert!(why.len() > 20, "{title}: {rule}: why is it true?");
            Some(rule.to_owned())
        });
        sections.insert(title.trim_matches('`').to_owned(), Section { sha256, findings: rows.collect() });
    }
    sections
}

#[test]
fn what_is_found_in_the_policies_of_others_is_true() {
    let module = peer("SEALWRIGHT_KYVERNO_SOURCES");
    let sections = page();
    assert!(sections.len() >= 10, "only {} policies", sections.len());
    for (path, section) in sections {
        let bytes = read_file(&module.join(&path), 1 << 20).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(Digest::of(&bytes).hex(), section.sha256, "{path}");
        let report = lint(&[Source { name: &path, bytes: &bytes }], Version::DEFAULT);
        assert!(report.judged > 0, "{path}: nothing was judged");
        let mut found: Vec<&str> = report.findings.iter().map(|found| found.rule.word()).collect();
        let mut wanted: Vec<&str> = section.findings.iter().map(String::as_str).collect();
        found.sort_unstable();
        wanted.sort_unstable();
        found.dedup();
        assert_eq!(found, wanted, "{path}: {:#?}", report.findings);
        println!("{path}: {} findings, each of them true", wanted.len());
    }
}

/// No panic and an answer for whatever else the module has.
#[test]
fn every_manifest_of_the_module_has_an_answer() {
    let module = peer("SEALWRIGHT_KYVERNO_SOURCES");
    let (mut folders, mut files, mut judged) = (vec![module.join("test")], 0, 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
                let bytes = read_file(&path, 16 << 20).expect("a manifest");
                judged += lint(&[Source { name: "manifest", bytes: &bytes }], Version::DEFAULT).judged;
                files += 1;
            }
        }
    }
    println!("{files} manifests, {judged} policies and exceptions judged");
    assert!(judged > 200, "only {judged} of {files}");
}
