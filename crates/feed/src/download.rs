//! One file over HTTP: resumed where it was cut off, retried where that can help, never larger than allowed.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, RANGE, RETRY_AFTER};
use reqwest::{Client, StatusCode};

use crate::FeedError;

/// A server that does not answer as it should is asked this often.
const ATTEMPTS: u32 = 4;
/// A server may ask for a longer pause; nobody waits longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A client for feeds. `timeout` is how long a server may be silent.
pub(crate) fn client(timeout: Duration) -> Result<Client, FeedError> {
    let redirects = reqwest::redirect::Policy::custom(|attempt| {
        let url = attempt.url();
        let safe = url.scheme() == "https" || url.host_str().is_some_and(|h| h == "127.0.0.1" || h == "localhost");
        if attempt.previous().len() > 3 || !safe { attempt.stop() } else { attempt.follow() }
    });
    Client::builder()
        .user_agent(concat!("sealwright/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeout.min(Duration::from_secs(30)))
        .read_timeout(timeout)
        .redirect(redirects)
        .build()
        .map_err(|e| FeedError::Upstream { url: String::new(), message: e.to_string() })
}

enum Attempt {
    Done,
    /// Asking again can help, after a pause.
    Again {
        message: String,
        pause: Option<Duration>,
    },
    Failed(String),
}

/// Fetches `url` into `path`. What an earlier call left there, with its ETag beside it, is continued.
pub(crate) async fn fetch(client: &Client, url: &str, path: &Path, limit: u64) -> Result<(), FeedError> {
    let upstream = |message: String| FeedError::Upstream { url: url.to_owned(), message };
    let mut attempt = 1;
    loop {
        match once(client, url, path, limit).await? {
            Attempt::Done => return Ok(()),
            Attempt::Failed(message) => return Err(upstream(message)),
            Attempt::Again { message, .. } if attempt == ATTEMPTS => return Err(upstream(message)),
            Attempt::Again { pause, .. } => {
                let backoff = Duration::from_millis(200) * 3_u32.pow(attempt);
                tokio::time::sleep(pause.unwrap_or(backoff).min(LONGEST_PAUSE)).await;
                attempt += 1;
            }
        }
    }
}

async fn once(client: &Client, url: &str, path: &Path, limit: u64) -> Result<Attempt, FeedError> {
    let tag_file = path.with_extension("etag");
    let have = path.metadata().map(|m| m.len()).unwrap_or_default();
    let tag = sealwright_core::bounded::read_file(&tag_file, 1_000).ok().and_then(|b| String::from_utf8(b).ok());
    let mut request = client.get(url);
    // Only a strong ETag says that the rest belongs to the same bytes (RFC 9110 §13.1.5).
    if let Some(tag) = tag.as_deref().filter(|tag| have > 0 && tag.starts_with('"')) {
        request = request.header(RANGE, format!("bytes={have}-")).header(IF_RANGE, tag);
    }
    let again = |message: String| Attempt::Again { message, pause: None };
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(e) => return Ok(again(reason(&e))),
    };
    let status = response.status();
    let resumed = status == StatusCode::PARTIAL_CONTENT && continues(response.headers(), have);
    if !resumed && status != StatusCode::OK {
        let message = format!("the server answers with status {}", status.as_u16());
        return Ok(if status == StatusCode::RANGE_NOT_SATISFIABLE || status == StatusCode::PARTIAL_CONTENT {
            forget(path, &tag_file)?;
            again(message)
        } else if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            Attempt::Again { message, pause: retry_after(response.headers()) }
        } else {
            Attempt::Failed(message)
        });
    }
    let mut file = open(path, resumed)?;
    let mut size = if resumed { have } else { 0 };
    if !resumed {
        let tag = response.headers().get(ETAG).map(|t| t.as_bytes().to_vec()).unwrap_or_default();
        std::fs::write(&tag_file, tag).map_err(|e| FeedError::write(&tag_file, e))?;
    }
    let expected = response.content_length().map(|length| length + size);
    loop {
        match response.chunk().await {
            Ok(None) => break,
            Ok(Some(bytes)) => {
                size += bytes.len() as u64;
                if size > limit {
                    forget(path, &tag_file)?;
                    return Ok(Attempt::Failed(format!("it has more than {limit} bytes")));
                }
                file.write_all(&bytes).map_err(|e| FeedError::write(path, e))?;
            }
            Err(e) => return Ok(again(reason(&e))),
        }
    }
    if expected.is_some_and(|expected| expected != size) {
        return Ok(again(format!("it ended after {size} bytes")));
    }
    let _ = std::fs::remove_file(&tag_file);
    Ok(Attempt::Done)
}

fn open(path: &Path, append: bool) -> Result<File, FeedError> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).append(append).truncate(!append);
    options.open(path).map_err(|e| FeedError::write(path, e))
}

fn forget(path: &Path, tag_file: &Path) -> Result<(), FeedError> {
    let _ = std::fs::remove_file(tag_file);
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(FeedError::write(path, e)),
        _ => Ok(()),
    }
}

/// Whether the part that the server sends begins where ours ends (RFC 9110 §14.4).
fn continues(headers: &HeaderMap, have: u64) -> bool {
    let range = headers.get(CONTENT_RANGE).and_then(|v| v.to_str().ok());
    range.and_then(|r| r.strip_prefix("bytes ")?.split('-').next()?.parse::<u64>().ok()) == Some(have)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// The innermost reason: the outer ones repeat the address.
fn reason(error: &reqwest::Error) -> String {
    let mut current: &dyn std::error::Error = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}
