//! stderr for messages, stdout for data; each has its one writer here.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use crate::cli::arguments::LogFormat;
use crate::exit::Exit;
use crate::failure::Failure;

/// Where messages go and how they look.
#[derive(Debug, Clone)]
pub struct Console {
    quiet: bool,
    json: bool,
    stderr_terminal: bool,
    stdout_color: bool,
    interactive: bool,
    one_stream: bool,
}

impl Console {
    /// The console of this process. Color only on a terminal and without `NO_COLOR`.
    pub fn of_process(quiet: bool, format: LogFormat, no_color: bool) -> Self {
        Self {
            quiet,
            json: format == LogFormat::Json,
            stderr_terminal: io::stderr().is_terminal(),
            stdout_color: io::stdout().is_terminal() && !no_color,
            interactive: io::stdin().is_terminal() && io::stderr().is_terminal() && format == LogFormat::Text,
            one_stream: false,
        }
    }

    /// The same with messages on stdout too: in one log they stay in order with documents.
    #[must_use]
    pub fn on_stdout(self) -> Self {
        Self { one_stream: true, ..self }
    }

    /// A console for tests: nothing is printed but results and errors.
    pub fn silent() -> Self {
        Self {
            quiet: true,
            json: false,
            stderr_terminal: false,
            stdout_color: false,
            interactive: false,
            one_stream: false,
        }
    }

    /// Whether progress bars make sense.
    pub fn shows_progress(&self) -> bool {
        self.stderr_terminal && !self.quiet && !self.json
    }

    /// Whether somebody can be asked to do something: stdin and stderr are a terminal's.
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// What somebody is asked to do, without which the run does not go on. `--quiet` keeps it.
    pub fn ask(&self, message: &str) {
        self.line(message);
    }

    /// How text on stdout is marked.
    pub fn style(&self) -> Style {
        Style { color: self.stdout_color }
    }

    /// A note about what is going on. `--quiet` drops it.
    pub fn note(&self, message: &str) {
        if !self.quiet {
            self.message("note", message);
        }
    }

    /// Something a person should look at although the run goes on. `--quiet` keeps it.
    pub fn warn(&self, message: &str) {
        self.message("warning", message);
    }

    /// The end of a run that failed.
    pub fn fail(&self, failure: &Failure) {
        if self.json {
            let mut line =
                serde_json::json!({ "level": "error", "message": failure.message, "exit": failure.exit.code() });
            if let (Some(hint), Some(object)) = (&failure.hint, line.as_object_mut()) {
                object.insert("hint".into(), hint.clone().into());
            }
            self.line(&line.to_string());
        } else {
            self.line(&failure.to_string());
        }
    }

    fn message(&self, level: &str, message: &str) {
        if self.json {
            self.line(&serde_json::json!({ "level": level, "message": message }).to_string());
        } else {
            self.line(&format!("{level}: {message}"));
        }
    }

    fn line(&self, text: &str) {
        // Nothing is left to tell where the stream itself is closed.
        let _ = if self.one_stream {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{text}").and_then(|()| stdout.flush())
        } else {
            writeln!(io::stderr().lock(), "{text}")
        };
    }
}

/// Marks for terminals; without color every mark is nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    color: bool,
}

impl Style {
    /// What is bad.
    pub fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// What is good.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What deserves a look.
    pub fn remarkable(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// What heads something.
    pub fn heading(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What is less important.
    pub fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Writes a document to a file, through a sibling that is renamed, or to stdout.
///
/// # Errors
/// When it cannot be written; a reader that went away (a closed pipe) is no error.
pub fn write_document(bytes: &[u8], file: Option<&Path>) -> Result<(), Failure> {
    match file {
        Some(path) => write_file(path, bytes)
            .map_err(|e| Failure::new(Exit::Usage, format!("{} could not be written: {e}", path.display()))),
        None => {
            let mut stdout = io::stdout().lock();
            match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
                Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                    Err(Failure::new(Exit::Internal, format!("stdout could not be written: {e}")))
                }
                _ => Ok(()),
            }
        }
    }
}

/// A half-written document would look like a whole one to the next step.
fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A device or pipe (/dev/stdout, a process substitution) cannot be replaced by a rename.
    if path.exists() && !path.is_file() {
        return std::fs::write(path, bytes);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
