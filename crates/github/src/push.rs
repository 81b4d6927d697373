//! A bundle goes into the store of a repository.

use sealwright_bundle::Bundle;
use sealwright_core::{Limits, Untrusted};
use serde_json::Value;

use crate::http::{Asked, Sent};
use crate::{GitHubError, RepositoryName, Store, Surface, check_size};

impl Store {
    /// Puts a bundle into the store of a repository and gives the number by which GitHub knows it. The store keeps what is
    /// there twice, so the caller looks first.
    ///
    /// # Errors
    /// When there is no token, the statement is too large, or GitHub does not take it.
    pub async fn push(
        &self,
        repository: &RepositoryName,
        bundle: &[u8],
        limits: &Limits,
    ) -> Result<String, GitHubError> {
        self.needs_token()?;
        let unusable = |e: &dyn std::fmt::Display| GitHubError::NoStatement(e.to_string());
        let parsed = Bundle::parse(bundle, limits).map_err(|e| unusable(&e))?;
        let envelope = parsed.dsse_envelope.ok_or_else(|| unusable(&"it has no envelope"))?;
        check_size(&envelope.payload().map_err(|e| unusable(&e))?)?;
        let body = [b"{\"bundle\":", bundle, b"}"].concat();
        let what = format!("store an attestation of {repository}");
        let url = self.url(&format!("repos/{repository}/attestations"))?;
        let asked = Asked { surface: Surface::Attestations, what: &what };
        let answer = self.exchange(&Sent::Post(body), &url, &[], 0, asked).await?;
        let answer: Option<Value> = answer.body.and_then(|body| serde_json::from_slice(&body).ok());
        match answer.as_ref().and_then(|answer| answer.get("id")) {
            Some(Value::Number(id)) => Ok(id.to_string()),
            Some(Value::String(id)) if id.len() < 100 => Ok(Untrusted::new(id.as_str()).to_string()),
            _ => Err(GitHubError::Protocol { what, problem: "names no id".to_owned() }),
        }
    }
}
