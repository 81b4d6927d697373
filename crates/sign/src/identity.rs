//! What a token says about itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sealwright_core::Redacted;
use serde_json::Value;

use crate::SignError;

/// The audience of tokens for Fulcio.
pub const SIGSTORE: &str = "sigstore";

/// A token is at most this long, in bytes: headers of servers allow no more.
const LONGEST_TOKEN: usize = 16 << 10;
/// A token has to live for at least this long, in seconds: signing takes several requests.
const LEAST_LIFE: i64 = 10;

/// What an OpenID Connect token says about itself. Nobody checked its signature yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedClaims {
    /// The issuer that Fulcio writes into the certificate: the one at which a person signed in where `iss` only passes it on
    /// (Dex's `federated_claims.connector_id`), else `iss`.
    pub issuer: String,
    /// The name that Fulcio writes into the certificate where the token is no GitHub workflow's: that of a GitLab or
    /// Buildkite pipeline, a verified `email`, else `sub`.
    pub subject: String,
    /// Whether everyone may see what a certificate would name.
    pub visibility: Visibility,
    /// What GitHub's tokens say about the workload; nothing in those of others.
    pub workload: Option<WorkloadClaims>,
}

/// Whether everyone may see what a certificate would name: `repository_visibility` of GitHub, `project_visibility` of GitLab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// A source repository that is public.
    Public,
    /// A person, who asked for the token.
    Person,
    /// A source repository that is not public, or a workload of which the token does not say it.
    Unknown,
}

/// The claims of a GitHub Actions token (GitHub, "OpenID Connect reference") that Fulcio copies into the certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkloadClaims {
    /// `repository`: `owner/name`.
    pub repository: String,
    /// `repository_id`.
    pub repository_id: Option<String>,
    /// `repository_owner_id`.
    pub owner_id: Option<String>,
    /// `ref`.
    pub reference: Option<String>,
    /// `sha`.
    pub commit: Option<String>,
    /// `job_workflow_ref`: the workflow that signs, `owner/name/.github/workflows/file.yml@ref`.
    pub signer_workflow: String,
    /// `workflow_ref`: the workflow that was started.
    pub workflow: Option<String>,
    /// `runner_environment`: `github-hosted` or `self-hosted`.
    pub runner: Option<String>,
    /// `event_name`: what started it.
    pub trigger: Option<String>,
    /// `run_id`.
    pub run_id: Option<String>,
    /// `run_attempt`.
    pub run_attempt: Option<String>,
}

impl WorkloadClaims {
    /// What a token of GitHub Actions says, for whomever it is; nothing where it is another's.
    ///
    /// # Errors
    /// When it is no token.
    pub fn stated_by(token: &Redacted<String>) -> Result<Option<Self>, SignError> {
        Ok(Self::of(&payload(token)?))
    }

    fn of(claims: &Value) -> Option<Self> {
        let claim = |key: &str| claims.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            repository: claim("repository")?,
            repository_id: claim("repository_id"),
            owner_id: claim("repository_owner_id"),
            reference: claim("ref"),
            commit: claim("sha"),
            signer_workflow: claim("job_workflow_ref")?,
            workflow: claim("workflow_ref"),
            runner: claim("runner_environment"),
            trigger: claim("event_name"),
            run_id: claim("run_id"),
            run_attempt: claim("run_attempt"),
        })
    }

    /// The signer workflow's address, as Fulcio writes it.
    pub fn signer_uri(&self) -> String {
        format!("https://github.com/{}", self.signer_workflow)
    }

    /// The run's address, as Fulcio writes it.
    pub fn run_uri(&self) -> Option<String> {
        let (run, attempt) = (self.run_id.as_ref()?, self.run_attempt.as_deref().unwrap_or("1"));
        Some(format!("https://github.com/{}/actions/runs/{run}/attempts/{attempt}", self.repository))
    }
}

impl UnverifiedClaims {
    /// Reads a token (RFC 7519) and refuses one that no authority would take: wrong audience, expired, or no token at all.
    pub(crate) fn of(token: &Redacted<String>, now: Timestamp) -> Result<Self, SignError> {
        let fail = |why: &str| SignError::Token(why.to_owned());
        let claims = payload(token)?;
        let claim = |key: &str| claims.get(key).and_then(Value::as_str).map(str::to_owned);
        let expiry = claims.get("exp").and_then(Value::as_i64).ok_or_else(|| fail("names no expiry"))?;
        if expiry < now.as_second().saturating_add(LEAST_LIFE) {
            return Err(fail("has expired, ask for a new one"));
        }
        let audience = match claims.get("aud") {
            Some(Value::String(one)) => one == SIGSTORE,
            Some(Value::Array(several)) => several.iter().any(|one| one == SIGSTORE),
            _ => false,
        };
        if !audience {
            return Err(fail("is for another audience, expected sigstore"));
        }
        let person = claim("email").filter(|_| claims.get("email_verified") == Some(&Value::Bool(true)));
        let federated = claims.pointer("/federated_claims/connector_id").and_then(Value::as_str).map(str::to_owned);
        let buildkite = claim("organization_slug").zip(claim("pipeline_slug"));
        Ok(Self {
            issuer: federated.or_else(|| claim("iss")).ok_or_else(|| fail("names no issuer"))?,
            // Fulcio, "OIDC usage": the pipeline definition of a GitLab token, as an address.
            subject: claim("ci_config_ref_uri")
                .map(|definition| format!("https://{definition}"))
                // sigstore/fulcio, `pkg/identity/buildkite/principal.go`.
                .or_else(|| buildkite.map(|(owner, pipeline)| format!("https://buildkite.com/{owner}/{pipeline}")))
                .or_else(|| person.clone())
                .or_else(|| claim("sub"))
                .ok_or_else(|| fail("names no subject"))?,
            visibility: match claim("repository_visibility").or_else(|| claim("project_visibility")).as_deref() {
                Some("public") => Visibility::Public,
                None if person.is_some() => Visibility::Person,
                _ => Visibility::Unknown,
            },
            workload: WorkloadClaims::of(&claims),
        })
    }
}

/// The payload of a token (RFC 7519 §3.1).
fn payload(token: &Redacted<String>) -> Result<Value, SignError> {
    let fail = |why: &str| SignError::Token(why.to_owned());
    let text = token.expose().trim();
    if text.len() > LONGEST_TOKEN {
        return Err(fail("is longer than any token"));
    }
    let mut parts = text.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(fail("is no JSON web token, expected three parts with dots between them"));
    };
    let payload =
        URL_SAFE_NO_PAD.decode(payload).map_err(|_| fail("is no JSON web token: its payload is not base64"))?;
    serde_json::from_slice(&payload).map_err(|_| fail("is no JSON web token: its payload is not JSON"))
}

/// A text that a token states, whoever made it.
pub(crate) fn claim(token: &Redacted<String>, name: &str) -> Option<String> {
    payload(token).ok()?.get(name)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> Redacted<String> {
        Redacted::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload)))
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_000).expect("time")
    }

    #[test]
    fn a_token_that_no_authority_would_take_is_refused_before_any_request() {
        let good = r#"{"iss":"https://i","sub":"s","aud":"sigstore","exp":1010}"#;
        let claims = UnverifiedClaims::of(&token(good), now()).expect("good");
        assert_eq!(
            claims,
            UnverifiedClaims {
                issuer: "https://i".into(),
                subject: "s".into(),
                visibility: Visibility::Unknown,
                workload: None
            }
        );
        let person = good.replace(r#""sub":"s""#, r#""sub":"s","email":"a@b","email_verified":true"#);
        assert_eq!(UnverifiedClaims::of(&token(&person), now()).expect("person").subject, "a@b");
        let unverified = person.replace("true", "false");
        assert_eq!(UnverifiedClaims::of(&token(&unverified), now()).expect("person").subject, "s");
        let pipeline = person.replace('}', r#","ci_config_ref_uri":"gitlab.com/a/b//.gitlab-ci.yml@refs/heads/main"}"#);
        let subject = "https://gitlab.com/a/b//.gitlab-ci.yml@refs/heads/main";
        assert_eq!(UnverifiedClaims::of(&token(&pipeline), now()).expect("pipeline").subject, subject);
        let job = good.replace('}', r#","organization_slug":"acme","pipeline_slug":"shop"}"#);
        let subject = "https://buildkite.com/acme/shop";
        assert_eq!(UnverifiedClaims::of(&token(&job), now()).expect("job").subject, subject);
        let passed_on = person.replace('}', r#","federated_claims":{"connector_id":"https://accounts.example"}}"#);
        let issuer = UnverifiedClaims::of(&token(&passed_on), now()).expect("person").issuer;
        assert_eq!(issuer, "https://accounts.example");
        let list = good.replace(r#""sigstore""#, r#"["x","sigstore"]"#);
        assert!(UnverifiedClaims::of(&token(&list), now()).is_ok());
        for (bad, why) in [
            (good.replace("1010", "1009"), "expired"),
            (good.replace("sigstore", "other"), "audience"),
            (good.replace(r#""sigstore""#, r#"["x","y"]"#), "audience"),
            (good.replace("\"exp\":1010", "\"x\":1"), "expiry"),
            (good.replace("iss", "x"), "issuer"),
            (good.replace("sub", "x"), "subject"),
            ("not json".to_owned(), "JSON"),
        ] {
            let error = UnverifiedClaims::of(&token(&bad), now()).expect_err(&bad).to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
        for bad in ["", "a.b", "a.b.c.d", "a.!.c"] {
            let secret = Redacted::new(format!("{bad}SECRET"));
            let error = UnverifiedClaims::of(&secret, now()).expect_err(bad).to_string();
            assert!(!error.contains("SECRET"), "{error}");
        }
        let longest = Redacted::new("a".repeat(LONGEST_TOKEN));
        assert!(UnverifiedClaims::of(&longest, now()).is_err_and(|e| e.to_string().contains("three parts")));
        let long = Redacted::new("a".repeat(LONGEST_TOKEN + 1));
        assert!(UnverifiedClaims::of(&long, now()).is_err_and(|e| e.to_string().contains("longer")));
    }

    #[test]
    fn only_the_word_public_means_everyone() {
        for (claims, expected) in [
            (r#""repository_visibility":"public""#, Visibility::Public),
            (r#""project_visibility":"public""#, Visibility::Public),
            (r#""repository_visibility":"internal""#, Visibility::Unknown),
            (r#""project_visibility":"private""#, Visibility::Unknown),
            (r#""repository_visibility":"private","email":"a@b","email_verified":true"#, Visibility::Unknown),
            (r#""email":"a@b","email_verified":true"#, Visibility::Person),
            (r#""email":"a@b","email_verified":false"#, Visibility::Unknown),
            (r#""x":"public""#, Visibility::Unknown),
        ] {
            let text = format!(r#"{{"iss":"https://i","sub":"s","aud":"sigstore","exp":9999,{claims}}}"#);
            assert_eq!(UnverifiedClaims::of(&token(&text), now()).expect(claims).visibility, expected, "{claims}");
        }
    }

    #[test]
    fn a_workflow_is_named_as_fulcio_names_it() {
        let claims = r#"{"iss":"https://i","sub":"s","aud":"sigstore","exp":9999,"repository":"acme/shop","repository_id":"7","sha":"abc",
            "job_workflow_ref":"acme/ci/.github/workflows/seal.yml@refs/tags/v1","run_id":"42","run_attempt":"3"}"#;
        let workload = |text: &str| UnverifiedClaims::of(&token(text), now()).expect(text).workload;
        let found = workload(claims).expect("a workflow's");
        assert_eq!(found.signer_uri(), "https://github.com/acme/ci/.github/workflows/seal.yml@refs/tags/v1");
        let run = "https://github.com/acme/shop/actions/runs/42/attempts/";
        assert_eq!(found.run_uri(), Some(format!("{run}3")));
        assert_eq!((found.repository_id.as_deref(), found.commit.as_deref()), (Some("7"), Some("abc")));
        let first = workload(&claims.replace("run_attempt", "x")).expect("a workflow's");
        assert_eq!(first.run_uri(), Some(format!("{run}1")));
        assert_eq!(workload(&claims.replace("run_id", "x")).expect("a workflow's").run_uri(), None);
        for needed in ["\"repository\"", "job_workflow_ref"] {
            assert_eq!(workload(&claims.replace(needed, if needed.starts_with('"') { "\"x\"" } else { "x" })), None);
        }
    }
}
