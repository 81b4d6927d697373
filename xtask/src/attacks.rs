//! `docs/reference/attacks.md`: each control names tests and tiers, and they exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sealwright_core::bounded::read_file;

use crate::process::root;
use crate::tiers;

/// The names of all functions in the Rust files below a folder.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = String::from_utf8(read_file(&path, 1 << 20).expect("a source")).expect("text");
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
            found.extend(names.map(|name| name.split('<').next().unwrap_or(name).to_owned()));
        }
    }
}

/// Of each row of a table: the attack, and what stands in its last cell.
fn rows(page: &str) -> Vec<(&str, &str)> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = cells.filter_map(|line| Some((line.split(" | ").next()?, line.rsplit(" | ").next()?)));
    rows.filter(|(first, _)| !first.starts_with("---") && !first.starts_with("at")).collect()
}

/// What a row names that does not exist.
fn missing(row: &str, functions: &BTreeSet<String>) -> Vec<String> {
    let exists = |word: &str| match word.strip_prefix("tier ") {
        Some(name) => tiers::ALL.iter().any(|tier| tier.name == name.trim_matches('`')),
        None => functions.contains(word.trim_matches('`')),
    };
    row.split(", ").filter(|word| !word.is_empty() && !exists(word)).map(str::to_owned).collect()
}

#[test]
fn every_attack_has_a_test_that_exists() {
    let page = String::from_utf8(read_file(&root().join("docs/reference/attacks.md"), 1 << 20).expect("the page"))
        .expect("text");
    let mut known = BTreeSet::new();
    for folder in ["src", "crates", "tests", "xtask"] {
        functions(&root().join(folder), &mut known);
    }
    let rows = rows(&page);
    assert!(rows.len() >= 22, "{}", rows.len());
    for (attack, shown) in &rows {
        assert!(shown.contains('`'), "{attack}: nothing shows it");
        assert_eq!(missing(shown, &known), Vec::<String>::new(), "{attack}");
    }
    assert_eq!(missing("`no_such_test`, tier `none`", &known), ["`no_such_test`", "tier `none`"]);
}
