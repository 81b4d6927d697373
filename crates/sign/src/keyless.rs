//! Keyless: a new key for each statement, a certificate for it from Fulcio by an OpenID Connect token, an entry in Rekor and
//! a timestamp, at the endpoints that the signing config names. One that names no log gets none (`timestamped.rs`).

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use sealwright_core::Redacted;
use sigstore_oidc::IdentityToken;
use sigstore_sign::{Signer, SigningContext, SigningServices};
use sigstore_trust_root::SigningConfig;
use sigstore_types::Bundle;

use crate::ambient::JobTokens;
use crate::timestamped::Timestamped;
use crate::tokens::Tokens;
use crate::upstream::{client, persist};
use crate::{SignError, UnverifiedClaims};

/// A keyless signer.
pub struct KeylessSigner {
    services: Services,
    tokens: Tokens,
    enters_envelopes: bool,
}

enum Services {
    /// With a log.
    Logged(Box<SigningContext>),
    /// With a timestamp authority alone.
    Timestamped(Timestamped),
}

impl fmt::Debug for KeylessSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeylessSigner({:?})", self.claims())
    }
}

impl KeylessSigner {
    /// Nothing is asked yet; token and configuration are checked as far as that can be done here. `endpoint` gives another
    /// token where this one comes to its end; `timeout` is for each request.
    ///
    /// # Errors
    /// When one of the two cannot be used.
    pub fn new(
        signing_config: &[u8],
        token: &Redacted<String>,
        endpoint: Option<JobTokens>,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<Self, SignError> {
        let tokens = Tokens::new(token, endpoint, now)?;
        let text = std::str::from_utf8(signing_config).map_err(|_| SignError::SigningConfig("it is no text".into()))?;
        let config = SigningConfig::from_json(text).map_err(|e| SignError::SigningConfig(e.to_string()))?;
        let used = [config.fulcio_url(), config.rekor_url(None), config.rekor_url(Some(1)), config.tsa_url()];
        let http = client(used.into_iter().flatten().map(|service| service.url.as_str()), timeout)?;
        if let Some(timestamped) = Timestamped::of(&config, &http)? {
            return Ok(Self { services: Services::Timestamped(timestamped), tokens, enters_envelopes: false });
        }
        let enters_envelopes =
            config.tsa_url().is_none() || config.rekor_url(None).is_none_or(|r| r.major_api_version == 1);
        let context = SigningContext::new(logged(&config)?).with_http_client(http);
        Ok(Self { services: Services::Logged(Box::new(context)), tokens, enters_envelopes })
    }

    /// Whether what it signs is entered into a log.
    pub fn is_logged(&self) -> bool {
        matches!(self.services, Services::Logged(_))
    }

    /// What the token says about itself.
    pub fn claims(&self) -> &UnverifiedClaims {
        self.tokens.claims()
    }

    pub(crate) fn enters_envelopes(&self) -> bool {
        self.enters_envelopes
    }

    pub(crate) async fn sign(&self, statement: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.services {
            Services::Logged(context) => {
                self.with_certificate(context, async |signer| signer.sign_raw_statement(statement).await).await
            }
            Services::Timestamped(services) => services.sign(statement, &self.tokens.current().await?).await,
        }
    }

    pub(crate) async fn sign_message(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.services {
            Services::Logged(context) => {
                self.with_certificate(context, async |signer| signer.sign(message).await).await
            }
            Services::Timestamped(services) => services.sign_message(message, &self.tokens.current().await?).await,
        }
    }

    async fn with_certificate(
        &self,
        context: &SigningContext,
        sign: impl AsyncFn(Signer) -> Result<Bundle, sigstore_sign::Error>,
    ) -> Result<Vec<u8>, SignError> {
        let token = self.tokens.current().await?;
        let bundle = persist(async || {
            let token = IdentityToken::from_jwt(token.expose())?;
            sign(context.signer(token)).await
        });
        let json = bundle.await?.to_json().map_err(|_| SignError::Failed)?;
        Ok(json.into_bytes())
    }
}

/// A signing config without a timestamp authority serves a Rekor v1, whose entries carry a time of their own.
fn logged(config: &SigningConfig) -> Result<SigningServices, SignError> {
    if config.tsa_url().is_some() {
        return SigningServices::from_signing_config(config).map_err(|e| SignError::SigningConfig(e.to_string()));
    }
    let missing = |what: &str| SignError::SigningConfig(format!("it names no usable {what}"));
    let fulcio = config.fulcio_url().ok_or_else(|| missing("Fulcio"))?;
    let rekor = config.rekor_url(Some(1)).ok_or_else(|| missing("timestamp authority, and no Rekor v1"))?;
    Ok(SigningServices::new(fulcio.url.clone(), rekor.url.clone()))
}
