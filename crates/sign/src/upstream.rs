//! Authorities and logs on the network: asking again, and what is said when they fail.

use std::time::Duration;

use sigstore_sign::Error;

use crate::SignError;

/// A service that does not answer is asked this often.
const ATTEMPTS: u32 = 3;

/// An HTTP client that gives up after `timeout` and follows nobody elsewhere.
pub(crate) fn builder(timeout: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none())
}

pub(crate) fn client(timeout: Duration) -> Result<reqwest::Client, SignError> {
    builder(timeout).build().map_err(|e| SignError::SigningConfig(e.to_string()))
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

/// Carries out `request`, again after a pause where a failure may pass.
pub(crate) async fn again<T>(request: impl AsyncFn() -> Result<T, Passing>) -> Result<T, SignError> {
    let mut attempt = 1;
    loop {
        match request().await {
            Ok(answer) => return Ok(answer),
            Err(Passing::Transient(_)) if attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(250) * 4_u32.pow(attempt)).await;
                attempt += 1;
            }
            Err(Passing::Transient(error) | Passing::Final(error)) => return Err(error),
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

/// One line, not too long, without control characters: the text is the server's.
pub(crate) fn clip(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}
