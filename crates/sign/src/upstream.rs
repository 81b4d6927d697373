//! Authorities and logs on the network: asking again, and what is said when they fail.

use std::time::Duration;

use reqwest::Url;
use sealwright_core::{Untrusted, causes, is_loopback_host};
use sigstore_sign::Error;

use crate::SignError;

/// A service that does not answer is asked this often.
const ATTEMPTS: u32 = 3;

/// An HTTP client for these addresses, that gives up after `timeout` and follows nobody elsewhere. Nothing where one of them is
/// no address to which a secret may be sent.
///
/// A proxy of the environment is none on this machine: what is sent to loopback must not leave it.
pub(crate) fn builder<'a>(
    addresses: impl IntoIterator<Item = &'a str>,
    timeout: Duration,
) -> Option<reqwest::ClientBuilder> {
    let mut builder = reqwest::Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none());
    for address in addresses {
        let url = Url::parse(address).ok()?;
        match (url.scheme(), url.host_str().is_some_and(is_loopback_host)) {
            (_, true) => builder = builder.no_proxy(),
            ("https", false) => {}
            _ => return None,
        }
    }
    Some(builder)
}

/// The same for the endpoints of a signing config. The Sigstore crates read their answers whole: only `timeout` bounds them.
pub(crate) fn client<'a>(
    addresses: impl IntoIterator<Item = &'a str>,
    timeout: Duration,
) -> Result<reqwest::Client, SignError> {
    let unusable = || SignError::SigningConfig("an endpoint is no https:// address".to_owned());
    let builder = builder(addresses, timeout).ok_or_else(unusable)?;
    builder.build().map_err(|e| SignError::SigningConfig(clip(&causes(&e))))
}

/// Why a request failed, and whether it may succeed later. `unusable` is for what was wrong before it was sent. Its address may
/// hold what is secret.
pub(crate) fn lost(
    error: reqwest::Error,
    unavailable: impl FnOnce(String) -> SignError,
    unusable: impl FnOnce(String) -> SignError,
) -> Passing {
    let before = error.is_builder();
    let text = clip(&causes(&error.without_url()));
    if before { Passing::Final(unusable(text)) } else { Passing::Transient(unavailable(text)) }
}

/// The body of an answer; nothing where it is longer than `limit` bytes.
pub(crate) async fn read_within(
    answer: &mut reqwest::Response,
    limit: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// A failure, and whether it may pass.
pub(crate) enum Passing {
    Transient(SignError),
    Final(SignError),
}

/// How often something was tried.
pub(crate) struct Attempts(u32);

impl Attempts {
    /// The first one.
    pub(crate) fn first() -> Self {
        Self(1)
    }

    /// Whether there is another one; then it is time for it.
    pub(crate) async fn another(&mut self) -> bool {
        if self.0 >= ATTEMPTS {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(250) * 4_u32.pow(self.0)).await;
        self.0 += 1;
        true
    }
}

/// Carries out `request`, again after a pause where a failure may pass.
pub(crate) async fn again<T>(request: impl AsyncFn() -> Result<T, Passing>) -> Result<T, SignError> {
    let mut attempts = Attempts::first();
    loop {
        match request().await {
            Ok(answer) => return Ok(answer),
            Err(Passing::Transient(error)) => {
                if !attempts.another().await {
                    return Err(error);
                }
            }
            Err(Passing::Final(error)) => return Err(error),
        }
    }
}

/// The same for the requests of the Sigstore crates.
pub(crate) async fn persist<T>(request: impl AsyncFn() -> Result<T, Error>) -> Result<T, SignError> {
    let judge = |error: Error| match is_transient(&error) {
        true => Passing::Transient(explain(&error)),
        false => Passing::Final(explain(&error)),
    };
    again(async || request().await.map_err(judge)).await
}

fn is_transient(error: &Error) -> bool {
    let status = |status: u16| status == 429 || status >= 500;
    match error {
        Error::Fulcio(sigstore_fulcio::Error::Http(_)) | Error::Rekor(sigstore_rekor::Error::Http(_)) => true,
        Error::Fulcio(sigstore_fulcio::Error::Status { status: code, .. })
        | Error::Rekor(sigstore_rekor::Error::Status { status: code, .. }) => status(*code),
        Error::Tsa(sigstore_tsa::Error::Http(_)) => true,
        _ => false,
    }
}

fn explain(error: &Error) -> SignError {
    let upstream = |service| SignError::Upstream { service, message: clip(&error.to_string()) };
    match error {
        Error::Fulcio(_) => upstream("Fulcio"),
        Error::Rekor(_) => upstream("Rekor"),
        Error::Tsa(_) => upstream("the timestamp authority"),
        Error::Config(_) | Error::TrustRoot(_) => SignError::SigningConfig(clip(&error.to_string())),
        Error::Oidc(_) => SignError::Token("cannot be read".to_owned()),
        _ => SignError::Failed,
    }
}

/// One line, not too long, and nothing that steers a terminal: the text is the server's.
pub(crate) fn clip(text: &str) -> String {
    Untrusted::new(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect::<String>()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_to_no_plain_address() {
        let fits = |address: &str| builder([address], Duration::from_secs(1)).is_some();
        for good in ["https://a.example", "http://127.0.0.1:8200", "http://localhost:1/x", "http://[::1]:1"] {
            assert!(fits(good), "{good}");
        }
        for bad in ["http://a.example", "http://127.0.0.1.a.example", "ftp://a.example", "a.example", ""] {
            assert!(!fits(bad), "{bad}");
        }
        assert!(builder(["https://a.example", "http://b.example"], Duration::from_secs(1)).is_none());
    }

    #[test]
    fn what_a_server_says_steers_no_terminal() {
        assert_eq!(clip("a\n\u{1b}[31mb\u{202e}c"), "a  [31mb\\u{202e}c");
        assert_eq!(clip(&"x".repeat(500)).len(), 400);
    }
}
