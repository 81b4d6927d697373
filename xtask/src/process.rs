//! Running other programs: the command is printed before it runs, its failure is a message.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A fresh `cargo` with the toolchain that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Prints the command and runs it.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    println!("+ {}", shown(command));
    let status = command.status().map_err(|e| format!("{}: {e}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", shown(command))) }
}

/// Prints the command, runs it, and gives what it wrote; everything that a command wrote that failed is its message.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    println!("+ {}", shown(command));
    let done = command.output().map_err(|e| format!("{}: {e}", shown(command)))?;
    let [out, err] = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if done.status.success() {
        Ok(out)
    } else {
        Err(format!("{} ended with {}\n{out}{err}", shown(command), done.status))
    }
}

/// What `df` says of the folder of temporary files; nothing where there is no `df`, or another one.
pub(crate) fn free_gigabytes() -> Option<u64> {
    let mut df = Command::new("df");
    df.args(["--output=avail", "--block-size=1G"]).arg(std::env::temp_dir());
    let said = df.output().ok().filter(|said| said.status.success())?;
    String::from_utf8(said.stdout).ok()?.lines().nth(1)?.trim().parse().ok()
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Where a program is, if it is on the search path or in one of the folders that installers use.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = environment("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/go/bin", "/usr/local/sbin", "/usr/sbin", "/usr/bin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// An environment variable that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    environment(name).and_then(|v| v.into_string().ok()).filter(|v| !v.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "the one place of this program that asks the environment")]
fn environment(name: &str) -> Option<OsString> {
    env::var_os(name)
}

/// Whether a run in CI was announced: nothing that is required may be missing then.
pub(crate) fn in_ci() -> bool {
    variable("CI").is_some_and(|v| v == "true" || v == "1")
}
