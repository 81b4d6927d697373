//! `action.yml` and the workflows that use it: each input is a flag of the command that it is given for.

use std::collections::BTreeSet;
use std::path::Path;

use clap::CommandFactory as _;
use sealwright::cli::arguments::Arguments;
use sealwright_core::bounded::read_file;
use serde_json::Value;

/// Inputs that are no flags: which command, and what a step has besides.
const OF_THE_STEP: [&str; 4] = ["command", "db-from", "summary", "github-token"];

fn yaml(path: &str) -> Value {
    let bytes = read_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path), 1 << 20).expect(path);
    serde_saphyr::from_str(&String::from_utf8(bytes).expect(path)).expect(path)
}

/// The commands that `action.yml` names.
fn commands() -> Vec<String> {
    let action = yaml("action.yml");
    let sentence = action["inputs"]["command"]["description"].as_str().expect("a description");
    let list = sentence.split_once("one of ").expect("a list").1.trim_end_matches('.');
    list.split(", ").map(str::to_owned).collect()
}

/// The inputs that a command takes: its long flags, and its positional argument under the action's name for it.
fn inputs(command: &str) -> BTreeSet<String> {
    let mut root = Arguments::command();
    root.build();
    let Some(command) = root.find_subcommand(command) else { return BTreeSet::new() };
    let name = |argument: &clap::Arg| match argument.get_long() {
        Some(long) => long.to_owned(),
        None if argument.get_id() == "reference" => "image".to_owned(),
        None => argument.get_id().to_string(),
    };
    command.get_arguments().map(name).chain(OF_THE_STEP.map(str::to_owned)).collect()
}

#[test]
fn every_input_of_the_action_is_a_flag_of_a_command() {
    let known: BTreeSet<String> = commands().iter().flat_map(|command| inputs(command)).collect();
    let action = yaml("action.yml");
    let declared = action["inputs"].as_object().expect("inputs");
    let unknown: Vec<_> = declared.keys().filter(|name| !known.contains(*name)).collect();
    assert!(declared.len() > 40 && unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_step_of_the_workflows_gives_its_command_inputs_that_it_has() {
    let mut steps = 0;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows");
    for entry in std::fs::read_dir(folder).expect("workflows") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        let workflow = yaml(&format!(".github/workflows/{name}"));
        let jobs = workflow["jobs"].as_object().expect("jobs").values();
        for step in jobs.filter_map(|job| job["steps"].as_array()).flatten().filter(|step| step["uses"] == "$/action") {
            let command = step["with"]["command"].as_str().expect("a command");
            let known = inputs(command);
            let unknown: Vec<_> = step["with"]
                .as_object()
                .into_iter()
                .flat_map(|with| with.keys())
                .filter(|key| !known.contains(*key))
                .collect();
            assert!(unknown.is_empty(), "{name}: {command} has no {unknown:?}");
            steps += 1;
        }
    }
    assert!(steps >= 6, "{steps}");
}
