//! `docs/reference/attacks.md` and `docs/threat-model.md`: each control names tests and tiers, and they exist.

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

/// Of each row of the tables whose last column is `shown by`: the attack, and what stands there.
fn rows(page: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut shown = false;
    for line in page.lines() {
        let Some(cells) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            shown = false;
            continue;
        };
        let (Some(first), Some(last)) = (cells.split(" | ").next(), cells.rsplit(" | ").next()) else { continue };
        match last {
            "shown by" => shown = true,
            _ if shown && !first.starts_with("---") => found.push((first, last)),
            _ => {}
        }
    }
    found
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
    let mut known = BTreeSet::new();
    for folder in ["src", "crates", "tests", "xtask"] {
        functions(&root().join(folder), &mut known);
    }
    for (name, least) in [("docs/reference/attacks.md", 22), ("docs/threat-model.md", 41)] {
        let page = String::from_utf8(read_file(&root().join(name), 1 << 20).expect(name)).expect("text");
        let rows = rows(&page);
        assert!(rows.len() >= least, "{name}: {}", rows.len());
        for (attack, shown) in &rows {
            assert!(shown.contains('`'), "{name}: {attack}: nothing shows it");
            assert_eq!(missing(shown, &known), Vec::<String>::new(), "{name}: {attack}");
        }
    }
    assert_eq!(missing("`no_such_test`, tier `none`", &known), ["`no_such_test`", "tier `none`"]);
}
