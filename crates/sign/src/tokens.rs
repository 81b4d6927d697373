//! The token of a keyless signer, and a new one where it comes to its end while many statements are signed.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use sealwright_core::Redacted;
use tokio::sync::Mutex;

use crate::ambient::JobTokens;
use crate::{SignError, UnverifiedClaims};

/// A token with less life than this is replaced: a signature takes several requests.
const LEAST_LIFE: Duration = Duration::from_secs(60);

pub(crate) struct Tokens {
    claims: UnverifiedClaims,
    held: Mutex<Redacted<String>>,
    endpoint: Option<JobTokens>,
    /// What the clock said, and when that was.
    clock: (Timestamp, Instant),
}

impl Tokens {
    pub(crate) fn new(
        token: &Redacted<String>,
        endpoint: Option<JobTokens>,
        now: Timestamp,
    ) -> Result<Self, SignError> {
        let claims = UnverifiedClaims::of(token, now)?;
        let held = Mutex::new(Redacted::new(token.expose().trim().to_owned()));
        Ok(Self { claims, held, endpoint, clock: (now, Instant::now()) })
    }

    pub(crate) fn claims(&self) -> &UnverifiedClaims {
        &self.claims
    }

    /// A token that lives for a while yet, as far as there is one.
    pub(crate) async fn current(&self) -> Result<Redacted<String>, SignError> {
        let (then, since) = self.clock;
        let now = then.saturating_add(since.elapsed()).unwrap_or(Timestamp::MAX);
        let mut held = self.held.lock().await;
        let Some(endpoint) = &self.endpoint else {
            UnverifiedClaims::of(&held, now)?;
            return Ok(held.clone());
        };
        let soon = now.saturating_add(LEAST_LIFE).unwrap_or(Timestamp::MAX);
        if UnverifiedClaims::of(&held, soon).is_err() {
            let token = match endpoint.request().await {
                Ok(token) => token,
                // It does for this signature.
                Err(_) if UnverifiedClaims::of(&held, now).is_ok() => return Ok(held.clone()),
                Err(error) => return Err(error),
            };
            if UnverifiedClaims::of(&token, now)? != self.claims {
                return Err(SignError::Token("names another workload than the one before it".to_owned()));
            }
            *held = token;
        }
        Ok(held.clone())
    }
}
