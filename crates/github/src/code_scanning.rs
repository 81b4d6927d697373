//! SARIF for code scanning (GitHub REST API, "Upload an analysis as SARIF data"): sent compressed, and followed until it was read.

use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::StatusCode;
use sealwright_core::Untrusted;
use serde_json::{Value, json};

use crate::http::{Answer, Asked, Sent};
use crate::{Commit, GitHubError, RepositoryName, Store, Surface};

/// The most runs of a file, results of a run, rules of a run (GitHub Docs, "SARIF results exceed one or more limits").
const MOST: [(&str, &str, usize); 2] = [("results", "/results", 25_000), ("rules", "/tool/driver/rules", 25_000)];
const MOST_RUNS: usize = 20;
/// The largest file, compressed, in bytes.
const LARGEST: usize = 10_000_000;
/// The most that is read of the state of an upload, in bytes.
const STATE: u64 = 256 << 10;
/// The pauses between two questions: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// A SARIF file, looked at and compressed.
#[derive(Debug)]
pub struct Upload {
    packed: String,
    tool: Option<String>,
    /// How many results it has.
    pub results: usize,
    /// The categories of its runs (`automationDetails.id`), as the file names them.
    pub categories: Vec<Untrusted>,
}

/// What became of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Processing {
    /// Code scanning has the results.
    Complete,
    /// It was taken, and was not read yet when patience ended.
    Pending,
}

impl Upload {
    /// What code scanning would refuse later is refused here.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn new(sarif: &[u8]) -> Result<Self, GitHubError> {
        let unfit = |why: String| GitHubError::Unfit { what: "the SARIF file", why };
        let document: Value = serde_json::from_slice(sarif).map_err(|e| unfit(format!("it is no JSON: {e}")))?;
        if document.get("version").and_then(Value::as_str) != Some("2.1.0") {
            return Err(unfit("it is not of version 2.1.0".to_owned()));
        }
        let runs = document.get("runs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if runs.is_empty() || runs.len() > MOST_RUNS {
            return Err(unfit(format!("it has {} runs, and code scanning takes 1 to {MOST_RUNS}", runs.len())));
        }
        let count = |run: &Value, pointer: &str| run.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
        for (name, pointer, most) in MOST {
            if let Some(found) = runs.iter().map(|run| count(run, pointer)).find(|found| *found > most) {
                return Err(unfit(format!("a run has {found} {name}, and code scanning takes {most}")));
            }
        }
        let text = |run: &Value, pointer: &str| run.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let categories: Vec<String> = runs.iter().filter_map(|run| text(run, "/automationDetails/id")).collect();
        let mut sorted: Vec<(Option<String>, Option<String>)> =
            runs.iter().map(|run| (text(run, "/tool/driver/name"), text(run, "/automationDetails/id"))).collect();
        sorted.sort();
        if sorted.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(unfit(
                "two of its runs have one tool and one category, and would replace each other".to_owned(),
            ));
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(sarif).and_then(|()| encoder.finish()).map_err(|e| unfit(e.to_string()))?;
        if packed.len() > LARGEST {
            return Err(unfit(format!(
                "it has {} bytes when compressed, and code scanning takes {LARGEST}",
                packed.len()
            )));
        }
        Ok(Self {
            packed: STANDARD.encode(packed),
            tool: runs.first().and_then(|run| text(run, "/tool/driver/name")),
            results: runs.iter().map(|run| count(run, "/results")).sum(),
            categories: categories.into_iter().map(Untrusted::from).collect(),
        })
    }
}

impl Store {
    /// Sends a file and gives the id by which GitHub knows the upload. The same file sent twice counts once: its results replace
    /// those of the same category.
    ///
    /// # Errors
    /// When there is no token, or GitHub does not take it.
    pub async fn upload_sarif(
        &self,
        repository: &RepositoryName,
        commit: &Commit,
        upload: &Upload,
    ) -> Result<String, GitHubError> {
        let mut body = json!({ "commit_sha": commit.sha(), "ref": commit.reference(), "sarif": upload.packed });
        if let (Some(tool), Some(members)) = (&upload.tool, body.as_object_mut()) {
            members.insert("tool_name".to_owned(), json!(tool));
        }
        let what = format!("take SARIF for code scanning of {repository}");
        let asked = Asked { surface: Surface::CodeScanning, what: &what };
        let answer = self.post(&format!("repos/{repository}/code-scanning/sarifs"), &body, asked).await?;
        let id = answer.get("id").and_then(Value::as_str).filter(|id| is_id(id));
        id.map(str::to_owned).ok_or(GitHubError::Protocol { what, problem: "names no id".to_owned() })
    }

    /// Waits until an upload was read, but not longer than `patience`.
    ///
    /// # Errors
    /// When GitHub does not answer, or could not process it.
    pub async fn wait_for_sarif(
        &self,
        repository: &RepositoryName,
        id: &str,
        patience: Duration,
    ) -> Result<Processing, GitHubError> {
        let what = format!("say what became of the SARIF for {repository}");
        let asked = Asked { surface: Surface::CodeScanning, what: &what };
        let url = self.url(&format!("repos/{repository}/code-scanning/sarifs/{id}"))?;
        let (mut waited, mut pause) = (Duration::ZERO, PAUSES.0);
        loop {
            // It is not found for a moment after it was taken.
            let missing = [StatusCode::NOT_FOUND];
            let Answer { status, body, .. } = self.exchange(&Sent::Get, &url, &missing, STATE, asked).await?;
            if status != StatusCode::NOT_FOUND {
                let protocol = || GitHubError::Protocol { what: what.clone(), problem: "names no state".to_owned() };
                let state: Value = body.and_then(|body| serde_json::from_slice(&body).ok()).ok_or_else(protocol)?;
                match state.get("processing_status").and_then(Value::as_str) {
                    Some("complete") => return Ok(Processing::Complete),
                    Some("failed") => {
                        let what = format!("take as SARIF for {repository}");
                        return Err(GitHubError::NotProcessed { what, why: reasons(&state) });
                    }
                    Some("pending") => {}
                    _ => return Err(protocol()),
                }
            }
            if waited + pause > patience {
                return Ok(Processing::Pending);
            }
            tokio::time::sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// It stands in a path.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 100 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn reasons(state: &Value) -> Untrusted {
    let errors = state.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let errors: Vec<&str> = errors.iter().filter_map(Value::as_str).take(5).collect();
    let text = if errors.is_empty() { "it says no more".to_owned() } else { errors.join("; ") };
    Untrusted::new(text.chars().take(500).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(runs: usize, results: usize) -> Vec<u8> {
        let run = |n: usize| {
            json!({
                "tool": { "driver": { "name": "T" } }, "automationDetails": { "id": format!("c{n}/") },
                "results": vec![json!({ "message": { "text": "x" } }); results],
            })
        };
        json!({ "version": "2.1.0", "runs": (0..runs).map(run).collect::<Vec<_>>() }).to_string().into_bytes()
    }

    #[test]
    fn what_code_scanning_would_refuse_is_not_sent() {
        let upload = Upload::new(&document(20, 2)).expect("fits");
        assert_eq!((upload.results, upload.categories.len()), (40, 20));
        assert!(Upload::new(&document(1, 25_000)).is_ok());
        let twice = String::from_utf8(document(2, 0)).expect("text").replace("c1/", "c0/");
        for (bad, why) in [
            (b"x".to_vec(), "no JSON"),
            (b"{}".to_vec(), "version 2.1.0"),
            (document(0, 0), "0 runs"),
            (document(21, 0), "21 runs"),
            (document(1, 25_001), "25001 results"),
            (twice.into_bytes(), "replace each other"),
        ] {
            let error = Upload::new(&bad).expect_err(why);
            assert!(error.to_string().contains(why) && !error.is_unavailable(), "{error}");
        }
    }

    #[test]
    fn an_id_stays_in_its_place_of_the_path() {
        for bad in ["", "a/b", "..", "a?b", "a%2fb", &"a".repeat(101)] {
            assert!(!is_id(bad), "{bad}");
        }
        assert!(is_id("47177e22-5596-11eb-80a1-c1e54ef945c6"));
    }
}
