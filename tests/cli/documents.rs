//! Commands and trust files in the documents are ones that this binary takes.

use clap::Parser as _;
use sealwright::cli::arguments::Arguments;
use sealwright_core::bounded::read_file;

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let guides = std::fs::read_dir(root.join("docs/guides")).expect("guides");
    let guides = guides.map(|entry| entry.expect("guide").path());
    for file in guides.chain([root.join("README.md")]) {
        let name = file.display().to_string();
        let text = String::from_utf8(read_file(&file, 1 << 20).expect(&name)).expect("text");
        let fence = format!("```{language}\n");
        for block in text.split(&fence).skip(1) {
            found.push((name.clone(), block.split("```").next().unwrap_or_default().to_owned()));
        }
    }
    found
}

#[test]
fn every_command_line_of_ours_is_one() {
    let mut count = 0;
    for (name, block) in blocks("sh") {
        for line in block.replace("\\\n", " ").lines() {
            let line = line.trim_start_matches("COSIGN_PASSWORD=secret ");
            if !line.starts_with("sealwright ") {
                continue;
            }
            // A shell takes the quotes away.
            let line = line.replace("sha256:…", &format!("sha256:{}", "0".repeat(64))).replace('\'', "");
            if let Err(error) = Arguments::try_parse_from(line.split_whitespace()) {
                panic!("{name}: {line}\n{error}");
            }
            count += 1;
        }
    }
    assert!(count >= 21, "only {count} commands were found");
}

#[test]
fn the_trust_files_are_read() {
    let mut blocks = blocks("yaml");
    blocks.retain(|(name, _)| name.ends_with("docs/guides/trust-file.md"));
    let whole = &blocks.iter().find(|(_, text)| text.contains("builders:")).expect("a trust file").1;
    let policy =
        sealwright_policy::parse(whole.as_bytes(), "guide", &|_| Err("none".into())).expect("the guide's trust file");
    assert_eq!(policy.builders.len(), 2);
    let child = &blocks.iter().find(|(_, text)| text.contains("extends:")).expect("a file that extends").1;
    let digest = sealwright_core::Digest::of(whole.as_bytes()).hex();
    let child = child.replace("9f2c0d…", &digest);
    let policy =
        sealwright_policy::parse(child.as_bytes(), "guide", &|_| Ok(whole.clone().into_bytes())).expect("tighter");
    assert_eq!(policy.gate.fail_on, Some(sealwright_core::Severity::Medium));
}
