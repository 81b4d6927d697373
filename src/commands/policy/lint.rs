//! `policy lint`: files and folders in, what is silently without effect out.

use std::fs;
use std::path::{Path, PathBuf};

use sealwright_admission::lint::{LARGEST, Source, lint};

use crate::cli::arguments::PolicyLint;
use crate::cli::output::{LintFormat, or_stdout};
use crate::commands::read_input;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::console::write_document;
use crate::report::lint::LintReport;

/// Files of a run.
const MOST_FILES: usize = 10_000;
/// Bytes of a run.
const MOST_BYTES: usize = 256 << 20;
/// Folders inside folders.
const DEEPEST: usize = 32;

/// Judges all files together and writes what was found.
///
/// # Errors
/// When a path cannot be read, there is nothing to judge, or the report cannot be written.
pub fn run(arguments: &PolicyLint, context: &Context) -> Result<Exit, Failure> {
    let mut files = Vec::new();
    for path in &arguments.paths {
        collect(path, DEEPEST, &mut files)?;
    }
    if files.is_empty() {
        let what = "there is no *.yaml or *.yml file below the paths that were given";
        return Err(Failure::usage(what).hint("name the files, or - for stdin"));
    }
    let read = read(&files)?;
    let sources: Vec<Source<'_>> = read.iter().map(|(name, bytes)| Source { name, bytes }).collect();
    let report = lint(&sources, arguments.kyverno_version);
    let exit = if report.has_errors() { Exit::Refused } else { Exit::Passed };
    let report = LintReport { report: &report, version: arguments.kyverno_version };
    for output in or_stdout(&arguments.output, LintFormat::Table).iter() {
        let bytes = match output.format {
            LintFormat::Table => report.table(context.console.style()).into_bytes(),
            LintFormat::Json => report.json(),
            LintFormat::Sarif => report.sarif(),
        };
        write_document(&bytes, output.file.as_deref())?;
    }
    Ok(exit)
}

/// A file that is named is one whatever its name; of a folder those that end as YAML does, in the order of their names. Links
/// inside a folder are not followed: they could lead out of it, or around.
fn collect(path: &Path, deeper: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let fail = |e: std::io::Error| Failure::usage(format!("{} could not be read: {e}", path.display()));
    let entries = fs::read_dir(path).map_err(fail)?.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    let mut inside: Vec<(PathBuf, fs::FileType)> = Vec::new();
    for entry in entries {
        inside.push((entry.path(), entry.file_type().map_err(fail)?));
    }
    inside.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in inside {
        if kind.is_dir() {
            let Some(deeper) = deeper.checked_sub(1) else {
                return Err(Failure::usage(format!("{} is more than {DEEPEST} folders deep", path.display())));
            };
            collect(&path, deeper, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            files.push(path);
        }
        if files.len() > MOST_FILES {
            return Err(Failure::usage(format!("more than {MOST_FILES} files")).hint("lint folders one by one"));
        }
    }
    Ok(())
}

fn read(files: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let (mut read, mut total) = (Vec::new(), 0_usize);
    for file in files {
        let bytes = read_input(file, u64::try_from(LARGEST).unwrap_or(u64::MAX))?;
        total = total.saturating_add(bytes.len());
        if total > MOST_BYTES {
            return Err(Failure::usage(format!("more than {MOST_BYTES} bytes")).hint("lint folders one by one"));
        }
        let name = if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() };
        read.push((name, bytes));
    }
    Ok(read)
}
