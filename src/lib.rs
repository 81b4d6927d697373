//! Sealwright: is what runs in production exactly what was built from this commit, untampered, and free of critical
//! vulnerabilities that were not accepted?
//!
//! This crate is the product's surface: command line, pipeline and reports. What it is made of lies in `crates/`;
//! `ARCHITECTURE.md` follows one package through all of it.

pub mod action;
pub mod cli;
pub mod commands;
pub mod context;
pub mod exit;
pub mod failure;
pub mod pipeline;
pub mod reference;
pub mod report;

use cli::arguments::{Arguments, Command};
use context::Context;
use exit::Exit;
use failure::Failure;
use sealwright_core::tell_secrets_to;
use tokio::runtime::Handle;

/// Runs one command line to its end.
pub fn run(arguments: &Arguments) -> Exit {
    if let Command::Action = arguments.command {
        // Before anything is read that could be a secret.
        tell_secrets_to(action::commands::mask);
    }
    let context = Context::of_process(&arguments.global);
    match dispatch(&arguments.command, &context) {
        Ok(exit) => exit,
        Err(failure) => {
            context.console.fail(&failure);
            failure.exit
        }
    }
}

fn dispatch(command: &Command, context: &Context) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Internal, format!("no runtime for network work: {e}")))?;
    let exit = run_command(command, context, runtime.handle());
    // A connection that hangs must not keep a finished command alive.
    runtime.shutdown_background();
    exit
}

fn run_command(command: &Command, context: &Context, handle: &Handle) -> Result<Exit, Failure> {
    match command {
        Command::Action => Ok(action::run(context, handle, run_command)),
        Command::Demo => commands::demo::run(context, handle).map(|()| Exit::Passed),
        Command::Seal(arguments) => commands::seal::run(arguments, context, handle),
        Command::Sbom(arguments) => commands::sbom::run(arguments, context, handle).map(|()| Exit::Passed),
        Command::Scan(arguments) => commands::scan::run(arguments, context, handle),
        Command::Verify(arguments) => commands::verify::run(arguments, context, handle),
        Command::Prove(arguments) => commands::prove::run(arguments, context, handle),
        Command::Sign(arguments) => commands::sign::run(arguments, context, handle).map(|()| Exit::Passed),
        Command::Attest(arguments) => commands::attest::run(arguments, context, handle).map(|()| Exit::Passed),
        Command::GenerateKeyPair(arguments) => {
            commands::generate_key_pair::run(arguments, context).map(|()| Exit::Passed)
        }
        Command::PublicKey(arguments) => commands::public_key::run(arguments, context, handle).map(|()| Exit::Passed),
        Command::Tree(arguments) => commands::tree::run(arguments, context, handle).map(|()| Exit::Passed),
        Command::Download(wanted) => commands::download::run(wanted, context, handle).map(|()| Exit::Passed),
        Command::Copy(arguments) => commands::copy::run(arguments, context, handle).map(|()| Exit::Passed),
        Command::Login(arguments) => commands::login::run(arguments, context, handle).map(|()| Exit::Passed),
        Command::Report(arguments) => commands::report::run(arguments, context, handle).map(|()| Exit::Passed),
        Command::Trust(arguments) => commands::trust::run(arguments, context, handle).map(|()| Exit::Passed),
        Command::Policy(arguments) => commands::policy::run(arguments, context, handle),
        Command::Doctor(arguments) => commands::doctor::run(arguments, context, handle),
        Command::Db(arguments) => commands::db::run(arguments, context, handle).map(|()| Exit::Passed),
    }
}
