//! The claims of an identity token (RFC 7519; GitHub, "OpenID Connect reference"). Nobody checked its signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealwright_bundle::parse_strict;
use sealwright_core::Redacted;
use serde_json::{Map, Value};

/// The issuer of the tokens of GitHub's jobs.
pub const GITHUB_ISSUER: &str = "https://token.actions.githubusercontent.com";

/// A token is at most this long, in bytes: headers of servers allow no more.
const LONGEST_TOKEN: usize = 16 << 10;

/// What is shown of a token, in this order. `jti` is left out: it names one token and helps nobody.
const SHOWN: [&str; 31] = [
    "iss",
    "aud",
    "sub",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "ref",
    "ref_type",
    "sha",
    "event_name",
    "head_ref",
    "base_ref",
    "environment",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "job_workflow_ref",
    "job_workflow_sha",
    "runner_environment",
    "actor",
    "actor_id",
    "enterprise",
    "enterprise_id",
    "run_id",
    "run_attempt",
    "check_run_id",
    "iat",
    "nbf",
    "exp",
];

/// The claims of one token.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

/// Why a text is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the identity token {0}")]
pub struct ClaimsError(&'static str);

impl Claims {
    /// Reads what a token says. Its signature is not looked at and not kept.
    ///
    /// # Errors
    /// When it is no JSON web token, or names a claim twice.
    pub fn of_token(token: &Redacted<String>) -> Result<Self, ClaimsError> {
        let text = token.expose().trim();
        if text.len() > LONGEST_TOKEN {
            return Err(ClaimsError("is longer than any token"));
        }
        let mut parts = text.split('.');
        let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(ClaimsError("is no JSON web token, expected three parts with dots between them"));
        };
        let payload = URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| ClaimsError("is no JSON web token: its payload is not base64"))?;
        Self::of_json(&payload)
    }

    /// Reads the payload of a token.
    ///
    /// # Errors
    /// When it is no object, or names a claim twice.
    pub fn of_json(payload: &[u8]) -> Result<Self, ClaimsError> {
        parse_strict(payload, "identity token", LONGEST_TOKEN as u64)
            .map(Self)
            .map_err(|_| ClaimsError("is no JSON web token: its payload is no JSON object"))
    }

    /// The same claims for another audience: whoever gives a job's tokens writes into them the audience that is asked for.
    #[must_use]
    pub fn for_audience(&self, audience: &str) -> Self {
        let mut claims = self.0.clone();
        claims.insert("aud".to_owned(), audience.into());
        Self(claims)
    }

    /// A claim as it stands there.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A claim as a text; numbers and truths become their words, lists and objects are none.
    pub fn text(&self, name: &str) -> Option<String> {
        word(self.value(name)?)
    }

    /// A claim that is a text or a list of such.
    pub fn texts(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            Some(Value::Array(several)) => several.iter().filter_map(word).collect(),
            Some(one) => word(one).into_iter().collect(),
            None => vec![],
        }
    }

    /// A claim that is a time, in seconds since 1970.
    pub fn time(&self, name: &str) -> Option<i64> {
        self.value(name)?.as_i64()
    }

    /// The claims that matter, in a fixed order.
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let shown = |name: &'static str| {
            let texts = self.texts(name);
            (!texts.is_empty()).then(|| (name, texts.join(", ")))
        };
        SHOWN.into_iter().filter_map(shown).collect()
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> Redacted<String> {
        Redacted::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload)))
    }

    #[test]
    fn claims_are_read_and_shown_in_one_order_without_the_rest_of_the_token() {
        let claims = Claims::of_token(&token(r#"{"sub":"s","aud":["b","a"],"iss":"i","iat":7,"jti":"J","x":{"y":1}}"#));
        let claims = claims.expect("claims");
        let shown = [("iss", "i"), ("aud", "b, a"), ("sub", "s"), ("iat", "7")];
        assert_eq!(claims.shown(), shown.map(|(name, text)| (name, text.to_owned())));
        assert_eq!((claims.time("iat"), claims.time("sub"), claims.text("x")), (Some(7), None, None));
        assert_eq!(claims.texts("aud"), ["b", "a"]);
    }

    #[test]
    fn what_is_no_token_is_refused_without_telling_it() {
        for (bad, why) in [
            ("a.b".to_owned(), "three parts"),
            ("a.b.c.d".to_owned(), "three parts"),
            ("a.!.c".to_owned(), "base64"),
            (token("[]").expose().clone(), "JSON object"),
            (token(r#"{"sub":"a","sub":"b"}"#).expose().clone(), "JSON object"),
            (format!("a.{}.c", "a".repeat(LONGEST_TOKEN)), "longer"),
        ] {
            let error = Claims::of_token(&Redacted::new(bad.clone())).expect_err(&bad).to_string();
            assert!(error.contains(why) && !error.contains(&bad), "{error}");
        }
    }
}
