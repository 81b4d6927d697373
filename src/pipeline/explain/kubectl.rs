//! The user's own kubectl: its context, its plugins for logging in and its proxies are what reaches a cluster.

use std::io::{BufRead as _, BufReader, ErrorKind, Read};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use sealwright_core::Untrusted;
use sealwright_core::bounded::{ReadError, read_all};

use super::pods::MOST_BYTES;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::console::Console;

/// What of kubectl's messages is kept, in bytes.
const MOST_MESSAGES: u64 = 64 << 10;

/// Which Pods are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The context; without one that of the configuration.
    pub context: Option<&'a str>,
    /// The only namespace; without one all.
    pub namespace: Option<&'a str>,
    /// The longest that one answer of the cluster may take.
    pub timeout: Duration,
}

/// What `kubectl get pods -o json` writes. Its messages are told while it runs: it may ask for a login.
///
/// # Errors
/// [`Exit::Unavailable`] when there is no kubectl, it fails, or it writes more than may be read.
pub fn pods(asked: &Asked<'_>, console: &Console) -> Result<Vec<u8>, Failure> {
    let mut command = Command::new("kubectl");
    command.arg("get").arg("pods").arg("--output=json");
    command.arg(format!("--request-timeout={}s", asked.timeout.as_secs().max(1)));
    match asked.namespace {
        Some(namespace) => command.arg(format!("--namespace={namespace}")),
        None => command.arg("--all-namespaces"),
    };
    command.args(asked.context.map(|context| format!("--context={context}")));
    let started = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = started.map_err(|e| {
        let what = match e.kind() {
            ErrorKind::NotFound => "kubectl is not installed, or not in PATH".to_owned(),
            _ => format!("kubectl could not be started: {e}"),
        };
        unavailable(what).hint(SAVED)
    })?;
    output(child, MOST_BYTES, console)
}

const SAVED: &str =
    "where kubectl reaches the cluster, `kubectl get pods --all-namespaces -o json > pods.json`; then --pods pods.json";

fn unavailable(what: String) -> Failure {
    Failure::new(Exit::Unavailable, what)
}

fn output(mut child: Child, most: u64, console: &Console) -> Result<Vec<u8>, Failure> {
    let messages = child.stderr.take().map(|stderr| tell(stderr, console.clone()));
    let read = child.stdout.take().map(|stdout| read_all(stdout, most));
    if matches!(read, Some(Err(_))) {
        // Whoever writes too much would wait for a reader.
        let _ = child.kill();
    }
    let ended = child.wait().map_err(|e| unavailable(format!("kubectl: {e}")))?;
    let last = messages.and_then(|thread| thread.join().ok()).flatten();
    match read {
        Some(Err(ReadError::TooLarge { limit })) => Err(unavailable(format!("kubectl wrote more than {limit} bytes"))
            .hint("explain the namespaces one by one: --namespace NAME")),
        Some(Err(error)) => Err(unavailable(format!("kubectl: {error}"))),
        Some(Ok(bytes)) if ended.success() => Ok(bytes),
        _ => {
            let said = last.map(|line| format!(": {line}")).unwrap_or_default();
            Err(unavailable(format!("kubectl could not list the Pods ({ended}){said}")).hint(SAVED))
        }
    }
}

/// Tells every line, and gives the last one.
fn tell(stderr: impl Read + Send + 'static, console: Console) -> JoinHandle<Option<String>> {
    std::thread::spawn(move || {
        let mut last = None;
        let mut lines = BufReader::new(stderr.take(MOST_MESSAGES));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let text = Untrusted::new(String::from_utf8_lossy(&line).trim_end().to_owned()).to_string();
            line.clear();
            if !text.is_empty() {
                console.note(&format!("kubectl: {text}"));
                last = Some(text);
            }
        }
        // A pipe that nobody reads would stop kubectl.
        let _ = std::io::copy(&mut lines.into_inner().into_inner(), &mut std::io::sink());
        last
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, most: u64) -> Result<Vec<u8>, Failure> {
        let child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        output(child.expect("a shell"), most, &Console::silent())
    }

    #[test]
    fn at_the_limit_is_read_and_one_past_it_ends_the_child() {
        assert_eq!(run("printf 12345", 5).expect("at the limit"), b"12345");
        let failure = run("yes", 5).expect_err("too much");
        assert!(failure.message.contains("more than 5 bytes") && failure.exit == Exit::Unavailable, "{failure}");
    }

    #[test]
    fn the_last_message_says_why_and_cannot_steer_a_terminal() {
        let failure = run("echo first >&2; printf 'last\\033[31m\\n' >&2; exit 3", 5).expect_err("failed");
        assert!(failure.message.contains("last\\u{1b}[31m") && !failure.message.contains("first"), "{failure}");
        let many = "i=0; while [ $i -lt 9000 ]; do echo 0123456789 >&2; i=$((i+1)); done; printf ok";
        assert_eq!(run(many, 5).expect("messages beyond what is kept stop nothing"), b"ok");
    }
}
