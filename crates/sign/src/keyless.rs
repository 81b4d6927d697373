//! Keyless: a new key for each statement, a certificate for it from Fulcio by an OpenID Connect token, an entry in Rekor and
//! a timestamp, at the endpoints that the signing config names.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use sealwright_core::Redacted;
use sigstore_oidc::IdentityToken;
use sigstore_sign::{Error, SigningContext, SigningServices};
use sigstore_trust_root::SigningConfig;

use crate::{SignError, UnverifiedClaims};

/// A service that does not answer is asked this often.
const ATTEMPTS: u32 = 3;

/// A keyless signer.
pub struct KeylessSigner {
    context: SigningContext,
    token: Redacted<String>,
    claims: UnverifiedClaims,
}

impl fmt::Debug for KeylessSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeylessSigner({:?})", self.claims)
    }
}

impl KeylessSigner {
    /// Nothing is asked yet; token and configuration are checked as far as that can be done here. `timeout` is for each
    /// request.
    ///
    /// # Errors
    /// When one of the two cannot be used.
    pub fn new(
        signing_config: &[u8],
        token: Redacted<String>,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<Self, SignError> {
        let claims = UnverifiedClaims::of(&token, now)?;
        let token = Redacted::new(token.expose().trim().to_owned());
        let text = std::str::from_utf8(signing_config).map_err(|_| SignError::SigningConfig("it is no text".into()))?;
        let config = SigningConfig::from_json(text).map_err(|e| SignError::SigningConfig(e.to_string()))?;
        let services = services(&config)?;
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| SignError::SigningConfig(e.to_string()))?;
        Ok(Self { context: SigningContext::new(services).with_http_client(client), token, claims })
    }

    /// What the token says about itself.
    pub fn claims(&self) -> &UnverifiedClaims {
        &self.claims
    }

    pub(crate) async fn sign(&self, statement: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut attempt = 1;
        loop {
            let token = IdentityToken::from_jwt(self.token.expose())
                .map_err(|_| SignError::Token("cannot be read".to_owned()))?;
            match self.context.signer(token).sign_raw_statement(statement).await {
                Ok(bundle) => {
                    let json = bundle.to_json().map_err(|_| SignError::Failed)?;
                    return Ok(json.into_bytes());
                }
                Err(error) if attempt < ATTEMPTS && is_transient(&error) => {
                    tokio::time::sleep(Duration::from_millis(250) * 4_u32.pow(attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(explain(&error)),
            }
        }
    }
}

/// A signing config without a timestamp authority serves a Rekor v1, whose entries carry a time of their own.
fn services(config: &SigningConfig) -> Result<SigningServices, SignError> {
    if config.tsa_url().is_some() {
        return SigningServices::from_signing_config(config).map_err(|e| SignError::SigningConfig(e.to_string()));
    }
    let missing = |what: &str| SignError::SigningConfig(format!("it names no usable {what}"));
    let fulcio = config.fulcio_url().ok_or_else(|| missing("Fulcio"))?;
    let rekor = config.rekor_url(Some(1)).ok_or_else(|| missing("timestamp authority, and no Rekor v1"))?;
    Ok(SigningServices::new(fulcio.url.clone(), rekor.url.clone()))
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
fn clip(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}
