//! What time it is at a registry (RFC 9110 §6.6.1).

use reqwest::header::DATE;
use sealwright_core::Repository;

use crate::client::{Client, text};
use crate::error::{Asked, RegistryError};
use crate::http::{Reading, Request};

/// The answer is empty, or a page for people.
const MOST: u64 = 256 << 10;

impl Client {
    /// The `Date` with which the registry answers, as it stands there; nothing where it says none.
    ///
    /// # Errors
    /// When the registry does not answer, or lets nobody in.
    pub async fn date(&self, repository: &Repository) -> Result<Option<String>, RegistryError> {
        let asked = Asked { what: "ask the time of", target: repository.to_string() };
        // "end-1" of the specification; its answer is the same for every repository.
        let mut url = self.url(repository, "")?;
        url.set_path("/v2/");
        let answer = self.fetch(&Request::get(url, repository, asked), Reading::Whole(MOST)).await?;
        Ok(text(answer.headers.get(DATE)).map(str::to_owned))
    }
}
