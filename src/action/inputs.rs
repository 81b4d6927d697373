//! A step's inputs as a command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::builder::ArgAction;
use clap::{Arg, CommandFactory as _};

use super::Folder;
use super::paths::HostPaths;
use crate::cli::arguments::Arguments;
use crate::context::Actions;
use crate::failure::Failure;

/// What a step can do. The other commands are for people, or need a step of their own to make sense.
pub const COMMANDS: [&str; 9] = ["seal", "sbom", "scan", "sign", "attest", "verify", "prove", "doctor", "report"];

/// Inputs that are no flags: which command, and what a step has besides.
pub const OF_THE_STEP: [&str; 5] = ["command", "db-from", "kev-from", "summary", "github-token"];

/// Positional arguments, and what their inputs are called.
const POSITIONAL: [(&str, &str); 2] = [("source", "source"), ("reference", "image")];

/// Commands that judge by advisories, and fetch them where no folder is named.
const JUDGING: [&str; 2] = ["seal", "scan"];

/// Inputs that have a value.
#[derive(Debug)]
pub struct Inputs {
    command: String,
    flags: Vec<String>,
    positional: Option<String>,
    of_the_step: BTreeMap<&'static str, String>,
    named: BTreeMap<String, Vec<String>>,
}

impl Inputs {
    /// Reads and checks them. An input that the command does not know is refused: a rule that is misspelled would not hold.
    ///
    /// # Errors
    /// When an input is unknown, is none of its kind, or `command` is missing.
    pub fn read(actions: &Actions) -> Result<Self, Failure> {
        let paths = HostPaths::of(actions);
        let mut given = actions.inputs.clone();
        given.retain(|_, value| !value.trim().is_empty());
        let command = given.remove("command").map(|word| word.trim().to_owned());
        let command = command.filter(|word| COMMANDS.contains(&word.as_str())).ok_or_else(|| {
            Failure::usage("the input command names nothing that is known")
                .hint(format!("expected one of {}", COMMANDS.join(", ")))
        })?;
        let mut inputs =
            Self { command, flags: vec![], positional: None, of_the_step: BTreeMap::new(), named: BTreeMap::new() };
        let mut known = Arguments::command();
        known.build();
        let known = known.find_subcommand(&inputs.command).cloned().unwrap_or_default();
        for (name, value) in given {
            if let Some(name) = OF_THE_STEP.iter().find(|own| **own == name) {
                inputs.of_the_step.insert(name, value.trim().to_owned());
                continue;
            }
            let argument = find(&known, &name).ok_or_else(|| unknown(&inputs.command, &known, &name))?;
            inputs.add(argument, &name, &value, &paths)?;
        }
        Ok(inputs)
    }

    fn add(&mut self, argument: &Arg, name: &str, value: &str, paths: &HostPaths) -> Result<(), Failure> {
        let lines: Vec<String> = match argument.get_action() {
            ArgAction::Append => {
                value.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| paths.inside(line)).collect()
            }
            ArgAction::SetTrue => {
                if flag(name, value)? {
                    self.flags.push(format!("--{name}"));
                }
                return Ok(());
            }
            _ => {
                let value = value.trim();
                // A JSON text may have several lines; what is none may not.
                if value.contains(['\n', '\r']) && !value.starts_with('{') {
                    return Err(Failure::usage(format!("the input {name} has several lines, expected one value")));
                }
                vec![paths.inside(value)]
            }
        };
        if argument.is_positional() {
            self.positional = lines.into_iter().next();
            return Ok(());
        }
        // In one word, so that a value that starts with a dash stays one.
        self.flags.extend(lines.iter().map(|line| format!("--{name}={line}")));
        self.named.insert(name.to_owned(), lines);
        Ok(())
    }

    /// The command.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// The command line, with the reports that a step needs.
    pub fn command_line(&self, folder: &Folder) -> Vec<String> {
        let mut line = vec!["sealwright".to_owned(), self.command.clone()];
        line.extend(self.flags.iter().cloned());
        if JUDGING.contains(&self.command.as_str()) && !self.named.contains_key("db") {
            line.push(format!("--db={}", folder.report("advisories").display()));
        }
        for (format, file) in self.reports(folder) {
            line.push(match file {
                Some(file) => format!("--output={format}={}", file.display()),
                None => format!("--output={format}"),
            });
        }
        if self.writes_evidence() && !self.named.contains_key("evidence-dir") {
            line.push(format!("--evidence-dir={}", folder.evidence.display()));
        }
        if let Some(positional) = &self.positional {
            line.extend(["--".to_owned(), positional.clone()]);
        }
        line
    }

    /// The reports besides those that the step asks for: one for the log, others for what is handed on.
    fn reports(&self, folder: &Folder) -> Vec<(&'static str, Option<PathBuf>)> {
        let json = ("json", Some(folder.report("report.json")));
        let markdown = ("markdown", Some(folder.report("summary.md")));
        let annotations = ("annotations", Some(folder.report("annotations.txt")));
        match self.command.as_str() {
            "seal" => vec![("text", None), json, markdown, annotations],
            "scan" => vec![("table", None), json, markdown, annotations],
            "verify" | "prove" | "doctor" => vec![("text", None), json, markdown],
            "sbom" => vec![("table", None)],
            _ => vec![("text", None), json],
        }
    }

    fn writes_evidence(&self) -> bool {
        ["seal", "sign", "attest"].contains(&self.command.as_str()) && !self.named.contains_key("artifact")
    }

    /// The command line that fetches advisories for what is judged, where the step names no folder with some.
    pub fn advisories(&self, folder: &Path) -> Option<Vec<String>> {
        let source = self.positional.as_ref().filter(|_| JUDGING.contains(&self.command.as_str()))?;
        if self.named.contains_key("db") {
            return None;
        }
        let mut line: Vec<String> = ["sealwright", "db", "update"].map(str::to_owned).to_vec();
        line.extend([format!("--db={}", folder.display()), format!("--for={source}")]);
        let mut more = |flag: &str, value: Option<&String>| line.extend(value.map(|value| format!("--{flag}={value}")));
        more("from", self.of_the_step.get("db-from"));
        more("kev-from", self.of_the_step.get("kev-from"));
        for shared in ["platform", "timeout"] {
            more(shared, self.named.get(shared).and_then(|values| values.first()));
        }
        Some(line)
    }

    /// Whether a summary is written.
    ///
    /// # Errors
    /// When it is neither true nor false.
    pub fn summary(&self) -> Result<bool, Failure> {
        self.of_the_step.get("summary").map_or(Ok(true), |value| flag("summary", value))
    }

    /// The token for GitHub's API.
    pub fn github_token(&self) -> Option<&str> {
        self.of_the_step.get("github-token").map(String::as_str)
    }

    /// Where the bundles lie.
    pub fn evidence(&self, folder: &Folder) -> Option<PathBuf> {
        let named = self.named.get("evidence-dir").and_then(|values| values.first()).map(PathBuf::from);
        self.writes_evidence().then(|| named.unwrap_or_else(|| folder.evidence.clone()))
    }

    /// The files and folders that the command may have written.
    pub fn files(&self, folder: &Folder) -> Vec<PathBuf> {
        let outputs = self.named.get("output").into_iter().flatten();
        let mut files: Vec<PathBuf> =
            outputs.filter_map(|output| Some(PathBuf::from(output.split_once('=')?.1))).collect();
        // `verify` reads it.
        if self.command != "verify" {
            files.extend(self.named.get("bundle").into_iter().flatten().map(PathBuf::from));
        }
        files.extend(self.evidence(folder));
        files
    }
}

/// The argument of a command that an input means. Those that a step may not choose are none.
fn find<'a>(command: &'a clap::Command, input: &str) -> Option<&'a Arg> {
    let positional = POSITIONAL.iter().find(|(_, named)| *named == input).map(|(id, _)| *id);
    command.get_arguments().find(|argument| match positional {
        Some(id) => argument.is_positional() && argument.get_id() == id,
        None => argument.get_long() == Some(input) && !["help", "version", "quiet", "log-format"].contains(&input),
    })
}

/// The inputs of a command, as `action.yml` calls them.
pub fn of_command(command: &clap::Command) -> Vec<String> {
    let named = |argument: &Arg| {
        let id = POSITIONAL.iter().find(|(id, _)| argument.is_positional() && argument.get_id() == *id);
        id.map(|(_, input)| (*input).to_owned()).or_else(|| argument.get_long().map(str::to_owned))
    };
    let known = command.get_arguments().filter_map(named);
    known.filter(|name| find(command, name).is_some()).collect()
}

fn unknown(command: &str, known: &clap::Command, name: &str) -> Failure {
    let names = of_command(known);
    Failure::usage(format!("{command} has no input {name:?}")).hint(format!("it has {}", names.join(", ")))
}

fn flag(name: &str, value: &str) -> Result<bool, Failure> {
    match value.trim() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Failure::usage(format!("the input {name} is {value:?}, expected true or false"))),
    }
}

/// What clap says about a command line, in words of inputs.
pub fn refused(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    // Behind an empty line come usage and where help is, which are of the command line.
    let said: Vec<&str> = text.split("\n\n").next().unwrap_or_default().lines().map(str::trim).collect();
    Failure::usage(said.join(" ")).hint("inputs are the flags of the command line without their dashes")
}
