//! Where the client gets files: over HTTP, or from what is kept.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url, redirect};
use sealwright_core::{causes, is_loopback_host};
use sigstore_tuf::Error;
use sigstore_tuf::transport::{FetchFuture, Repository};

use crate::cache::Files;

/// A repository over HTTP.
pub(crate) struct Http {
    client: Client,
    base: Url,
}

impl Http {
    /// `timeout` is for each file, whole: a server that dawdles is given up. Nobody is followed elsewhere, and a proxy of the
    /// environment is none on this machine.
    pub(crate) fn new(base: &Url, timeout: Duration) -> Result<Self, Error> {
        let mut builder = Client::builder()
            .user_agent(concat!("sealwright/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .redirect(redirect::Policy::none());
        if base.host_str().is_some_and(is_loopback_host) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|e| Error::transport(causes(&e)))?;
        Ok(Self { client, base: base.clone() })
    }

    async fn get(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let lost = |e: reqwest::Error| Error::transport(format!("{name}: {}", causes(&e.without_url())));
        let url = self.base.join(name).map_err(|e| Error::transport(format!("{name}: {e}")))?;
        let mut answer = self.client.get(url).send().await.map_err(lost)?;
        match answer.status() {
            StatusCode::OK => {}
            // S3 and GCS say 403 where there is no file.
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => return Ok(None),
            status => return Err(Error::transport(format!("{name}: the server answers {status}"))),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if bytes.len() as u64 + chunk.len() as u64 > limit {
                return Err(Error::IntegrityMismatch(format!("{name} has more than {limit} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }
}

impl Repository for Http {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.get(name, max_length))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.get(&format!("targets/{path}"), max_length).await })
    }
}

/// What is kept, as a repository. It has no newer root: those that are kept were followed before.
pub(crate) struct Kept(pub(crate) Arc<Files>);

impl Repository for Kept {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move {
            let (version, rest) = name.split_once('.').unwrap_or_default();
            let versioned = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
            match (versioned, rest) {
                (true, "root.json") => Ok(None),
                (true, rest) => Ok(self.0.get(rest, max_length)),
                (false, _) => Ok(self.0.get(name, max_length)),
            }
        })
    }

    /// The client looks for targets among its own files first; those that are kept are there.
    fn fetch_target<'a>(&'a self, _: &'a str, _: u64) -> FetchFuture<'a> {
        Box::pin(async { Ok(None) })
    }
}
