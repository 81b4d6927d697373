//! `action.yml` and the workflows that use it: each input is one that the command takes that it is given for.

use std::collections::BTreeSet;
use std::path::Path;

use clap::CommandFactory as _;
use sealwright::action::inputs::{COMMANDS, OF_THE_STEP, of_command};
use sealwright::cli::arguments::Arguments;
use sealwright_bundle::vocabulary::SEAL_INPUTS;
use sealwright_core::bounded::read_file;
use serde_json::Value;

fn yaml(path: &str) -> Value {
    let bytes = read_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path), 1 << 20).expect(path);
    serde_saphyr::from_str(&String::from_utf8(bytes).expect(path)).expect(path)
}

/// The inputs that a command takes.
fn inputs(command: &str) -> BTreeSet<String> {
    let mut root = Arguments::command();
    root.build();
    let flags = root.find_subcommand(command).map(of_command).expect("a command");
    flags.into_iter().chain(OF_THE_STEP.map(str::to_owned)).collect()
}

#[test]
fn the_commands_are_those_of_action_yml() {
    let action = yaml("action.yml");
    let sentence = action["inputs"]["command"]["description"].as_str().expect("a description");
    let list = sentence.split_once("one of ").expect("a list").1.trim_end_matches('.');
    assert_eq!(list.split(", ").collect::<Vec<_>>(), COMMANDS);
}

#[test]
fn every_input_of_the_action_is_one_of_a_command() {
    let known: BTreeSet<String> = COMMANDS.into_iter().flat_map(inputs).collect();
    let action = yaml("action.yml");
    let declared = action["inputs"].as_object().expect("inputs");
    let unknown: Vec<_> = declared.keys().filter(|name| !known.contains(*name)).collect();
    assert!(declared.len() > 40 && unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_step_gives_its_command_inputs_that_it_has() {
    let mut steps = 0;
    for folder in [".github/workflows", "workflows"] {
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("workflows") {
            let name = format!("{folder}/{}", entry.expect("an entry").file_name().display());
            let workflow = yaml(&name);
            let jobs = workflow["jobs"].as_object().expect("jobs").values();
            for step in jobs.filter_map(|job| job["steps"].as_array()).flatten() {
                let Some(command) = step["with"]["command"].as_str() else { continue };
                let known = inputs(command);
                let given = step["with"].as_object().expect("inputs").keys();
                let unknown: Vec<_> = given.filter(|name| !known.contains(*name)).collect();
                assert!(unknown.is_empty(), "{name}: {command} has no {unknown:?}");
                steps += 1;
            }
        }
    }
    assert!(steps >= 7, "{steps}");
}

#[test]
fn a_verifier_knows_the_inputs_of_the_workflow_that_builds() {
    let workflow = yaml(".github/workflows/seal.yml");
    let declared = workflow["on"]["workflow_call"]["inputs"].as_object().expect("inputs");
    let mut declared: BTreeSet<&str> = declared.keys().map(String::as_str).collect();
    // They decide what the gate knows: a trust file has to accept them by name.
    assert!(declared.remove("db-from") && declared.remove("kev-from"));
    assert_eq!(declared, BTreeSet::from(SEAL_INPUTS));
}
