//! The container action: inputs of a step become a command line, and what came of it becomes outputs, a summary and annotations.
//!
//! `action.yml` declares the inputs. They are flags without their dashes, so that nothing is known here about any of them but the
//! few that only a step has. Source of the runner's contract: actions/runner, `ContainerActionHandler.cs` and
//! `FileCommandManager.cs`; GitHub, "Workflow commands for GitHub Actions".

pub mod commands;
pub mod files;
pub mod inputs;
pub mod outcome;
pub mod paths;

use std::path::{Path, PathBuf};

use clap::Parser as _;
use serde_json::Value;
use tokio::runtime::Handle;

use crate::cli::arguments::{Arguments, Command};
use crate::context::{Actions, Context};
use crate::exit::Exit;
use crate::failure::Failure;
use inputs::Inputs;
use outcome::Outcome;

/// Runs one command of the command line.
type Run = fn(&Command, &Context, &Handle) -> Result<Exit, Failure>;

/// Does what a step asks for. Why something failed is an annotation of the step.
pub fn run(context: &Context, handle: &Handle, run: Run) -> Exit {
    step(context, handle, run).unwrap_or_else(|failure| {
        commands::print(&commands::error(&failure.to_string()));
        failure.exit
    })
}

fn step(context: &Context, handle: &Handle, run: Run) -> Result<Exit, Failure> {
    let actions = &context.environment.actions;
    let inputs = Inputs::read(actions)?;
    let folder = Folder::make(actions)?;
    // Secrets were masked as they became known; now that somebody else's words are printed, no line of them is a command.
    commands::stop();
    let done = Step { inputs: &inputs, folder: &folder, handle, run }.run();
    commands::resume();
    let exit = done.as_ref().map_or_else(|failure| failure.exit, |exit| *exit);
    Outcome::read(&folder, exit).hand_on(actions, &inputs, &folder)?;
    files::give_to_owner(actions, &inputs.files(&folder))?;
    done
}

/// Where reports lie until they are handed on, and evidence afterwards.
#[derive(Debug)]
pub struct Folder {
    reports: tempfile::TempDir,
    /// The folder of the bundles, as a step names it: relative to the workspace.
    pub evidence: PathBuf,
}

impl Folder {
    fn make(actions: &Actions) -> Result<Self, Failure> {
        // An image from scratch has no /tmp, and what is spooled has to go somewhere.
        let temporary = actions.temporary.as_deref().filter(|folder| folder.is_dir());
        let temporary = temporary.map_or_else(std::env::temp_dir, Path::to_path_buf);
        // Whoever set it before meant the same.
        let _ = tempfile::env::override_temp_dir(&temporary);
        let reports = tempfile::Builder::new().prefix("sealwright-").tempdir_in(&temporary).map_err(|e| {
            Failure::new(Exit::Internal, format!("no folder could be made in {}: {e}", temporary.display()))
        })?;
        Ok(Self { reports, evidence: PathBuf::from("sealwright-evidence") })
    }

    /// The file of a report.
    pub fn report(&self, name: &str) -> PathBuf {
        self.reports.path().join(name)
    }

    /// A report that is JSON; nothing where the command wrote none.
    pub fn json(&self, limit: u64) -> Option<Value> {
        let bytes = sealwright_core::bounded::read_file(&self.report("report.json"), limit).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

struct Step<'a> {
    inputs: &'a Inputs,
    folder: &'a Folder,
    handle: &'a Handle,
    run: Run,
}

impl Step<'_> {
    fn run(&self) -> Result<Exit, Failure> {
        let parsed = |line| Arguments::try_parse_from(line).map_err(|e| inputs::refused(&e));
        // Whatever is wrong with an input is said before anything is fetched.
        let command = parsed(self.inputs.command_line(self.folder))?;
        if let Some(line) = self.inputs.advisories(&self.folder.report("advisories")) {
            self.command(&parsed(line)?)?;
        }
        self.command(&command)
    }

    fn command(&self, arguments: &Arguments) -> Result<Exit, Failure> {
        let mut context = Context::of_process(&arguments.global);
        // In a step, messages and documents are lines of one log, and their order counts.
        context.console = context.console.on_stdout();
        context.environment.prefer_github_token(self.inputs.github_token());
        (self.run)(&arguments.command, &context, self.handle)
    }
}
