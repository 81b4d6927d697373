//! The `Authorization` header: answers a challenge with the registry's own login and remembers the answer.
//!
//! A login is looked up by the registry that is asked and goes to that registry or, once, to the token endpoint that it
//! names. A host that a redirect or a `Location` leads to gets neither; it may hand out an anonymous token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use sealwright_core::{Redacted, Repository};
use serde::Deserialize;
use url_form::encoded;

use crate::credentials::Login;

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    Pull,
    Push,
}

impl Access {
    fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

/// Headers by origin, repository and access.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<HashMap<Key, Header>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    origin: String,
    repository: String,
    access: Access,
}

struct Header {
    value: HeaderValue,
    expires: Option<Instant>,
}

/// A token is not used in its last seconds: it could expire on its way.
const MARGIN: Duration = Duration::from_secs(10);

impl Remembered {
    /// The header for a request; one for pushing also pulls.
    pub(crate) fn header(&self, origin: &str, repository: &Repository, access: Access) -> Option<HeaderValue> {
        let headers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |access| {
            let key = Key { origin: origin.to_owned(), repository: repository.path().to_owned(), access };
            let header: &Header = headers.get(&key)?;
            header.expires.is_none_or(|expires| Instant::now() < expires).then(|| header.value.clone())
        };
        one(access).or_else(|| one(Access::Push))
    }

    pub(crate) fn remember(
        &self,
        origin: &str,
        repository: &Repository,
        access: Access,
        value: HeaderValue,
        lifetime: Option<Duration>,
    ) {
        let key = Key { origin: origin.to_owned(), repository: repository.path().to_owned(), access };
        let expires = lifetime.map(|lifetime| Instant::now() + lifetime.saturating_sub(MARGIN));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Header { value, expires });
    }

    /// A refused header is not sent again.
    pub(crate) fn forget(&self, origin: &str, repository: &Repository) {
        let mut headers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        headers.retain(|key, _| key.origin != origin || key.repository != repository.path());
    }
}

/// `Basic` for a user and a password (RFC 7617).
pub(crate) fn basic(user: &str, password: &Redacted<String>) -> Option<HeaderValue> {
    secret(&format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose()))))
}

/// `Bearer` for a token (RFC 6750).
pub(crate) fn bearer(token: &Redacted<String>) -> Option<HeaderValue> {
    secret(&format!("Bearer {}", token.expose()))
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    // Debug output of a request does not show it.
    value.set_sensitive(true);
    Some(value)
}

/// What a token request asks for (distribution's "Token Authentication Specification").
pub(crate) struct TokenRequest {
    /// `name=value&…`, for the query or a form.
    pub(crate) parameters: String,
    /// The header that goes with it.
    pub(crate) authorization: Option<HeaderValue>,
    /// A refresh token travels in a form of its own ("OAuth2 Token Authentication"), never in a URL.
    pub(crate) form: bool,
}

impl TokenRequest {
    pub(crate) fn new(
        service: Option<&str>,
        challenge_scope: Option<&str>,
        repository: &Repository,
        access: Access,
        login: Option<&Login>,
    ) -> Self {
        let ours = format!("repository:{}:{}", repository.path(), access.actions());
        let resource = format!("repository:{}:", repository.path());
        // A registry may ask for more than the repository (ECR Public asks for `aws`).
        let others = challenge_scope
            .into_iter()
            .flat_map(|s| s.split(' '))
            .filter(|s| !s.is_empty() && !s.starts_with(&resource));
        let scopes: Vec<&str> = [ours.as_str()].into_iter().chain(others).collect();
        let service = service.map(|service| ("service", service));
        if let Some(Login::IdentityToken(token)) = login {
            let scope = scopes.join(" ");
            let pairs = [("grant_type", "refresh_token"), ("client_id", "sealwright"), ("scope", &*scope)];
            let pairs = pairs.into_iter().chain(service).chain([("refresh_token", token.expose().as_str())]);
            return Self { parameters: encoded(pairs), authorization: None, form: true };
        }
        let authorization = match login {
            Some(Login::Password { user, password }) => basic(user, password),
            _ => None,
        };
        let parameters = encoded(service.into_iter().chain(scopes.into_iter().map(|scope| ("scope", scope))));
        Self { parameters, authorization, form: false }
    }
}

/// A token endpoint's answer.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl TokenAnswer {
    /// The token and how long it lives: 60 seconds where nothing is said.
    pub(crate) fn token(self) -> Option<(Redacted<String>, Duration)> {
        let token = self.token.or(self.access_token).filter(|token| !token.is_empty())?;
        Some((Redacted::new(token), Duration::from_secs(self.expires_in.unwrap_or(60))))
    }
}

mod url_form {
    //! `application/x-www-form-urlencoded`.

    /// The pairs as one text.
    pub(super) fn encoded<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        pairs.join("&")
    }

    fn escaped(text: &str) -> String {
        use std::fmt::Write as _;
        let mut escaped = String::with_capacity(text.len());
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte) {
                escaped.push(char::from(byte));
            } else {
                // Writing to a `String` does not fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> Repository {
        "registry.example/acme/app".parse().expect("repository")
    }

    #[test]
    fn a_token_is_asked_for_our_repository_and_for_what_else_the_registry_wants() {
        let request =
            TokenRequest::new(Some("a&b"), Some("aws repository:acme/app:delete"), &repository(), Access::Push, None);
        assert_eq!(request.parameters, "service=a%26b&scope=repository:acme/app:pull%2Cpush&scope=aws");
        assert!(!request.form && request.authorization.is_none());
    }

    #[test]
    fn a_refresh_token_travels_in_a_form_and_a_password_in_a_header() {
        let login = Login::IdentityToken(Redacted::new("s+c/t=".into()));
        let request = TokenRequest::new(None, None, &repository(), Access::Pull, Some(&login));
        assert!(request.form && request.authorization.is_none());
        assert!(request.parameters.ends_with("&refresh_token=s%2Bc/t%3D"), "{}", request.parameters);
        let login = Login::Password { user: "u".into(), password: Redacted::new("p".into()) };
        let request = TokenRequest::new(None, None, &repository(), Access::Pull, Some(&login));
        assert!(!request.form);
        assert_eq!(request.parameters, "scope=repository:acme/app:pull");
        let header = request.authorization.expect("header");
        assert_eq!(header, "Basic dTpw");
        assert!(header.is_sensitive());
    }

    #[test]
    fn a_header_serves_its_origin_and_repository_until_it_expires() {
        let remembered = Remembered::default();
        let value = HeaderValue::from_static("Bearer x");
        remembered.remember("https://a", &repository(), Access::Push, value.clone(), None);
        assert_eq!(remembered.header("https://a", &repository(), Access::Pull), Some(value.clone()));
        assert_eq!(remembered.header("https://b", &repository(), Access::Pull), None);
        let other = "registry.example/acme/other".parse().expect("repository");
        assert_eq!(remembered.header("https://a", &other, Access::Pull), None);
        remembered.forget("https://a", &repository());
        assert_eq!(remembered.header("https://a", &repository(), Access::Push), None);
        remembered.remember("https://a", &repository(), Access::Pull, value.clone(), Some(MARGIN));
        assert_eq!(remembered.header("https://a", &repository(), Access::Pull), None, "in its last seconds");
        remembered.remember("https://a", &repository(), Access::Pull, value, Some(MARGIN * 9));
        assert_eq!(remembered.header("https://a", &repository(), Access::Push), None, "reading is not writing");
    }

    #[test]
    fn a_token_has_either_name_and_a_minute_by_default() {
        let parse = |text: &str| serde_json::from_str::<TokenAnswer>(text).expect("answer").token();
        let (token, lifetime) = parse(r#"{"access_token":"t"}"#).expect("token");
        assert_eq!((token.expose().as_str(), lifetime.as_secs()), ("t", 60));
        let (token, lifetime) = parse(r#"{"token":"a","access_token":"b","expires_in":300}"#).expect("token");
        assert_eq!((token.expose().as_str(), lifetime.as_secs()), ("a", 300));
        assert!(parse(r#"{"token":""}"#).is_none());
    }
}
