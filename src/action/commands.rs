//! Workflow commands: lines of a log that the runner obeys (GitHub, "Workflow commands for GitHub Actions"; actions/runner,
//! `ActionCommand.cs` for the escaping).
//!
//! Everything goes to stdout: the runner reads both streams, and promises no order between them.

use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use crate::report::annotations::escaped;

/// Secrets that are shorter are not masked: the mask would hit every other word, and a secret of that length is none.
const SHORTEST_MASK: usize = 4;

/// What was masked, and the word that ends the silence, if there is one.
struct Log {
    masked: Vec<String>,
    stopped: Option<String>,
}

/// One for the process, as there is one log. Masks come from wherever a secret becomes known.
static LOG: Mutex<Log> = Mutex::new(Log { masked: Vec::new(), stopped: None });

fn with_log<T>(act: impl FnOnce(&mut Log) -> T) -> T {
    act(&mut LOG.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Masks a secret in the rest of the job's log; `\n` in it makes several masks, which the runner sees to.
pub fn mask(secret: &str) {
    if secret.trim().len() < SHORTEST_MASK {
        return;
    }
    with_log(|log| {
        if log.masked.iter().any(|known| known == secret) {
            return;
        }
        log.masked.push(secret.to_owned());
        let mask = format!("::add-mask::{}\n", escaped(secret));
        match &log.stopped {
            // While commands are stopped, the runner obeys only the word.
            Some(word) => write(&format!("::{word}::\n{mask}::stop-commands::{word}\n")),
            None => write(&mask),
        }
    });
}

/// Whether a text holds something that was masked: the runner drops a job's output that does.
pub fn holds_masked(text: &str) -> bool {
    with_log(|log| log.masked.iter().flat_map(|secret| secret.lines()).any(|line| is_in(line, text)))
}

fn is_in(line: &str, text: &str) -> bool {
    line.trim().len() >= SHORTEST_MASK && text.contains(line)
}

/// From now on no line is a command: what is printed may come from an image, a registry or an advisory.
pub fn stop() {
    with_log(|log| {
        let word = random_word();
        write(&format!("::stop-commands::{word}\n"));
        log.stopped = Some(word);
    });
}

/// Lines are commands again.
pub fn resume() {
    with_log(|log| {
        if let Some(word) = log.stopped.take() {
            write(&format!("::{word}::\n"));
        }
    });
}

/// Prints lines that are commands.
pub fn print(lines: &str) {
    write(lines);
}

fn write(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // Nothing is left to tell where the log itself is closed.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// An annotation of the step.
pub fn error(message: &str) -> String {
    let message = message.strip_prefix("error: ").unwrap_or(message);
    format!("::error title=sealwright::{}\n", escaped(message))
}

/// An annotation of the step that fails nothing.
pub fn warning(message: &str) -> String {
    format!("::warning title=sealwright::{}\n", escaped(message))
}

/// 128 bits that nobody could know when the image was made. The standard library seeds its hashers from the system.
pub fn random_word() -> String {
    let mut word = String::from("sealwright-");
    for _ in 0..2 {
        // Writing to a string cannot fail.
        let _ = write!(word, "{:016x}", RandomState::new().build_hasher().finish());
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_one_line_and_an_error_says_it_once() {
        assert_eq!(escaped("a%0A\r\n::x::"), "a%250A%0D%0A::x::");
        assert_eq!(error("error: a\n  hint: b"), "::error title=sealwright::a%0A  hint: b\n");
    }

    #[test]
    fn words_differ_and_are_no_command_of_the_runner() {
        let (one, other) = (random_word(), random_word());
        assert_ne!(one, other);
        assert!(one.len() == 43 && one.starts_with("sealwright-"), "{one}");
    }

    #[test]
    fn short_words_hide_nothing() {
        assert!(!is_in("abc", "abc") && is_in("abcd", "xabcdx") && !is_in("abcd", "abc d"));
    }
}
