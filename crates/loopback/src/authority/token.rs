//! The OpenID Connect issuer: JSON web tokens (RFC 7519) signed with ES256, its configuration and its keys.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::key::EcKey;
use super::{Unable, now};

/// GitHub's tokens live for about this long, in seconds.
const LIFE: i64 = 300;

pub(crate) struct TokenIssuer {
    url: String,
    key: EcKey,
}

impl TokenIssuer {
    pub(crate) fn new(url: String) -> Result<Self, Unable> {
        Ok(Self { url, key: EcKey::with(&ECDSA_P256_SHA256_FIXED_SIGNING)? })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A token with these claims; issuer, audience and times are added where they are missing.
    pub(crate) fn token(&self, claims: &Value) -> Result<String, Unable> {
        let issued = now();
        let mut all = json!({
            "iss": self.url, "aud": "sigstore", "iat": issued, "nbf": issued - 5, "exp": issued + LIFE,
        });
        if let (Some(all), Some(claims)) = (all.as_object_mut(), claims.as_object()) {
            all.extend(claims.clone());
        }
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.key.id().short() });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&header), encode(&all));
        let signature = self.key.sign(message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token of this issuer for an audience that is valid now, else what is wrong with it.
    pub(crate) fn verify(&self, token: &str, audience: &str) -> Result<Map<String, Value>, &'static str> {
        let (message, signature) = token.rsplit_once('.').ok_or("the token is no JWT")?;
        let (header, payload) = message.split_once('.').ok_or("the token is no JWT")?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| "the token is not base64");
        let header: Value = serde_json::from_slice(&decode(header)?).map_err(|_| "the token's header is not JSON")?;
        // RFC 8725 §3.1: the algorithm is the verifier's choice, never the token's.
        if header.get("alg") != Some(&Value::from("ES256")) {
            return Err("the token is not signed with ES256");
        }
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.point());
        key.verify(message.as_bytes(), &decode(signature)?).map_err(|_| "the token's signature is not the issuer's")?;
        let claims: Map<String, Value> =
            serde_json::from_slice(&decode(payload)?).map_err(|_| "the token's claims are no JSON object")?;
        let time = |name: &str| claims.get(name).and_then(Value::as_i64);
        if claims.get("iss") != Some(&Value::from(self.url.as_str())) {
            return Err("the token is another issuer's");
        }
        if claims.get("aud") != Some(&Value::from(audience)) {
            return Err("the token is for another audience");
        }
        if time("exp").is_none_or(|at| at <= now()) || time("nbf").is_some_and(|at| at > now()) {
            return Err("the token is not valid now");
        }
        Ok(claims)
    }

    /// OpenID Connect Discovery 1.0 §4.
    pub(crate) fn configuration(&self) -> Value {
        json!({
            "issuer": self.url, "jwks_uri": format!("{}/keys", self.url),
            "authorization_endpoint": format!("{}/auth", self.url), "token_endpoint": format!("{}/token", self.url),
            "response_types_supported": ["code", "id_token"], "code_challenge_methods_supported": ["S256"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
    }

    /// The public key as a JSON web key set (RFC 7517, RFC 7518 §6.2).
    pub(crate) fn keys(&self) -> Value {
        let (x, y) = self.key.point().split_at_checked(33).unwrap_or_default();
        let x = x.get(1..).unwrap_or_default();
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.key.id().short(),
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }]})
    }
}

/// What the token of a GitHub workflow says (GitHub, "OpenID Connect reference"): the release workflow of `acme/shop`, on a
/// push to `main`, on one of GitHub's own runners.
pub fn workflow_claims() -> Value {
    json!({
        "sub": "repo:acme/shop:ref:refs/heads/main",
        "repository": "acme/shop", "repository_id": "123456", "repository_visibility": "public",
        "repository_owner": "acme", "repository_owner_id": "7890",
        "ref": "refs/heads/main", "sha": "3f786850e387550fdab836ed7e6dc881de23001b", "event_name": "push",
        "workflow": "release", "workflow_ref": "acme/shop/.github/workflows/release.yml@refs/heads/main",
        "workflow_sha": "3f786850e387550fdab836ed7e6dc881de23001b",
        "job_workflow_ref": "acme/shop/.github/workflows/release.yml@refs/heads/main",
        "job_workflow_sha": "3f786850e387550fdab836ed7e6dc881de23001b",
        "runner_environment": "github-hosted", "run_id": "42", "run_attempt": "1",
    })
}

/// What the token of a Buildkite job says (Buildkite, "buildkite-agent oidc", "Claims").
pub fn buildkite_claims() -> Value {
    json!({
        "sub": "organization:acme:pipeline:shop:ref:refs/heads/main:commit:3f786850e387550fdab836ed7e6dc881de23001b:step:release",
        "organization_slug": "acme", "pipeline_slug": "shop", "build_number": 7, "build_branch": "main",
        "build_commit": "3f786850e387550fdab836ed7e6dc881de23001b", "step_key": "release",
    })
}
