//! The store from an OSV export over HTTP: only the ecosystems that were asked for.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use sealwright_core::{Digest, Limits};

use crate::commit::NewData;
use crate::download::{client, fetch};
use crate::import::{ImportReport, finish, read_into};
use crate::{Backwards, FeedError};

/// The public OSV export (OSV, "Data sources"). Not tried live; see the README.
pub const PUBLIC_OSV_EXPORT: &str = "https://osv-vulnerabilities.storage.googleapis.com";
/// CISA's catalog of known exploited vulnerabilities. Not tried live; see the README.
pub const PUBLIC_KEV_CATALOG: &str =
    "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";

/// What to fetch.
#[derive(Debug, Clone)]
pub struct UpdateOptions {
    /// The export: `BASE/ECOSYSTEM/all.zip`.
    pub base_url: String,
    /// The ecosystems, by OSV's names without releases.
    pub ecosystems: Vec<String>,
    /// The catalog of known exploited vulnerabilities.
    pub kev_url: Option<String>,
    /// How long a server may be silent.
    pub timeout: Duration,
    /// What to do with older data.
    pub backwards: Backwards,
}

/// Fetches, checks and switches over. What was fetched before a failure is continued by the next call.
///
/// # Errors
/// When something cannot be fetched or used. The store is as before then.
pub async fn update(
    options: &UpdateOptions,
    directory: &Path,
    limits: &Limits,
    now: Timestamp,
) -> Result<ImportReport, FeedError> {
    let partial = directory.join("partial");
    std::fs::create_dir_all(&partial).map_err(|e| FeedError::write(&partial, e))?;
    let client = client(options.timeout)?;
    let base = options.base_url.trim_end_matches('/');
    let mut files = Vec::new();
    for ecosystem in &options.ecosystems {
        let url = format!("{base}/{}/all.zip", encode(ecosystem));
        // The folder's name tells the importer which ecosystem is meant.
        let folder = partial.join(Digest::of(url.as_bytes()).short()).join(ecosystem.replace(['/', '\\'], "_"));
        std::fs::create_dir_all(&folder).map_err(|e| FeedError::write(&folder, e))?;
        let path = folder.join("all.zip");
        fetch(&client, &url, &path, limits.advisory_archive).await?;
        files.push((path, url));
    }
    if let Some(url) = &options.kev_url {
        let path = partial.join(format!("{}.json", Digest::of(url.as_bytes()).short()));
        fetch(&client, url, &path, limits.advisory).await?;
        files.push((path, url.clone()));
    }
    let mut data = NewData::default();
    for (path, url) in &files {
        let read = read_into(&mut data, path, url, limits);
        if let Err(error) = read {
            // Broken data must not be continued by the next call.
            let _ = std::fs::remove_file(path);
            return Err(match error {
                FeedError::Broken { message, .. } => FeedError::broken(url, message),
                other => other,
            });
        }
    }
    let report = finish(data, directory, limits, now, options.backwards);
    let _ = std::fs::remove_dir_all(&partial);
    report
}

/// Everything but unreserved characters (RFC 3986 §2.3): ecosystems have spaces in their names.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
