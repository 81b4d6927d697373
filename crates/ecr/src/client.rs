//! ECR's control plane, asked for one registry with credentials that are found once.

use std::fmt;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_ecr::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_ecr::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecr::error::BoxError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_core::{Redacted, is_loopback_host};

use crate::error::EcrError;
use crate::host::{Host, Place};
use crate::mutability::Mutability;
use crate::role::{RoleArn, session_name};
use crate::session_policy::{self, Scope};

/// How often a request is made that may succeed later.
pub(crate) const ATTEMPTS: u32 = 3;
/// No session has to live longer than this, in seconds: the password that it asks for lives for twelve hours by itself.
const SESSION: i32 = 3600;

/// Whose permissions count.
#[derive(Debug, Clone)]
pub enum WhoAsks {
    /// Whom every AWS SDK finds: environment, profile, container, instance.
    Ambient,
    /// A role, assumed with the workload's own token for [`crate::AUDIENCE`] and narrowed to what it is asked for.
    Role {
        /// The role; its account may be another one than the registry's.
        arn: RoleArn,
        /// An OpenID Connect token.
        token: Redacted<String>,
    },
}

/// User and password of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// `AWS`.
    pub user: String,
    /// It lives for twelve hours.
    pub password: Redacted<String>,
}

/// Asks for one registry.
pub struct Client {
    host: Host,
    config: SdkConfig,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Client {
    /// Finds credentials. A role's session is narrowed to `scope`. `timeout` is for each request.
    ///
    /// # Errors
    /// When there are no credentials, or the role is not given.
    pub async fn open(host: &Host, scope: &Scope, who: &WhoAsks, timeout: Duration) -> Result<Self, EcrError> {
        if let WhoAsks::Role { arn, .. } = who {
            same_partition(arn, host)?;
        }
        let (config, _) = open(host.place(), &session_policy::of(host, scope), who, timeout).await?;
        Ok(Self { host: host.clone(), config })
    }

    /// A login for the registry (`GetAuthorizationToken`).
    ///
    /// # Errors
    /// When ECR gives none.
    pub async fn login(&self) -> Result<Login, EcrError> {
        let (action, token) = match &self.host {
            Host::Private(_) => ("ecr:GetAuthorizationToken", self.private_token().await?),
            Host::Public => ("ecr-public:GetAuthorizationToken", self.public_token().await?),
        };
        let refused = |why: &str| EcrError::Unavailable { action, message: why.to_owned() };
        let token = token.ok_or_else(|| refused("it gave no token"))?;
        let decoded = STANDARD.decode(token.expose()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.ok_or_else(|| refused("its token is not base64"))?;
        let (user, password) = decoded.split_once(':').ok_or_else(|| refused("its token is no user and password"))?;
        Ok(Login { user: user.to_owned(), password: Redacted::new(password.to_owned()) })
    }

    async fn private_token(&self) -> Result<Option<Redacted<String>>, EcrError> {
        let answer = self.ecr().get_authorization_token().send().await;
        let answer = answer.map_err(|e| EcrError::of("ecr:GetAuthorizationToken", &e))?;
        let token = answer.authorization_data().first().and_then(|data| data.authorization_token());
        Ok(token.map(|token| Redacted::new(token.to_owned())))
    }

    async fn public_token(&self) -> Result<Option<Redacted<String>>, EcrError> {
        let config = aws_sdk_ecrpublic::config::Builder::from(&self.config).interceptor(NoPlainHttp).build();
        let answer = aws_sdk_ecrpublic::Client::from_conf(config).get_authorization_token().send().await;
        let answer = answer.map_err(|e| EcrError::of("ecr-public:GetAuthorizationToken", &e))?;
        let token = answer.authorization_data().and_then(|data| data.authorization_token());
        Ok(token.map(|token| Redacted::new(token.to_owned())))
    }

    /// Which tags of a repository may be written again (`DescribeRepositories`). Those of ECR Public always may.
    ///
    /// # Errors
    /// When ECR does not say, or says what is newer than this code.
    pub async fn mutability(&self, repository: &str) -> Result<Mutability, EcrError> {
        let Host::Private(registry) = &self.host else { return Ok(Mutability::Mutable) };
        const ACTION: &str = "ecr:DescribeRepositories";
        let request = self.ecr().describe_repositories().registry_id(&registry.account);
        let answer = request.repository_names(repository).send().await.map_err(|e| EcrError::of(ACTION, &e))?;
        let refused = |why: &str| EcrError::Refused { action: ACTION, message: why.to_owned() };
        let described = answer.repositories().iter().find(|r| r.repository_name() == Some(repository));
        let described = described.ok_or_else(|| refused("it describes another repository"))?;
        Mutability::of(described).ok_or_else(|| refused("the repository has a tag mode that is not known"))
    }

    fn ecr(&self) -> aws_sdk_ecr::Client {
        let config = aws_sdk_ecr::config::Builder::from(&self.config).interceptor(NoPlainHttp).build();
        aws_sdk_ecr::Client::from_conf(config)
    }
}

/// Finds credentials. A role's session is narrowed to `policy`.
pub(crate) async fn open(
    place: Place<'_>,
    policy: &str,
    who: &WhoAsks,
    timeout: Duration,
) -> Result<(SdkConfig, Credentials), EcrError> {
    let loader = match who {
        WhoAsks::Ambient => loader(place, timeout),
        WhoAsks::Role { arn, token } => {
            // Whoever is asked for by name is asked, also where other credentials lie about.
            let nobody = loader(place, timeout).no_credentials().load().await;
            let credentials = assume(&nobody, policy, arn, token).await?;
            loader(place, timeout).credentials_provider(SharedCredentialsProvider::new(credentials))
        }
    };
    let config = loader.load().await;
    let credentials = found(&config, timeout).await?;
    Ok((config, credentials))
}

fn loader(place: Place<'_>, timeout: Duration) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder().connect_timeout(timeout).operation_attempt_timeout(timeout).build();
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts)
        .retry_config(retries)
        .region(Region::new(place.region.to_owned()));
    // What is not in the name is as it is configured.
    let loader = if place.fips { loader.use_fips(true) } else { loader };
    if place.dual_stack { loader.use_dual_stack(true) } else { loader }
}

/// Asked for early, because a request that lacks them looks like one that was lost.
async fn found(config: &SdkConfig, timeout: Duration) -> Result<Credentials, EcrError> {
    let none = || EcrError::Credentials("no source of them is configured".to_owned());
    let provider = config.credentials_provider().ok_or_else(none)?;
    let asked = tokio::time::timeout(timeout, provider.provide_credentials()).await;
    let slow = |_| EcrError::Unavailable { action: "finding AWS credentials", message: "no answer".to_owned() };
    asked.map_err(slow)?.map_err(|e| EcrError::credentials(&e))
}

fn same_partition(arn: &RoleArn, host: &Host) -> Result<(), EcrError> {
    let expected = host.partition().as_str();
    if arn.partition() == expected {
        return Ok(());
    }
    let (role, found) = (arn.to_string(), arn.partition().to_owned());
    Err(EcrError::Partition { role, expected, found })
}

async fn assume(
    config: &SdkConfig,
    policy: &str,
    arn: &RoleArn,
    token: &Redacted<String>,
) -> Result<Credentials, EcrError> {
    const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
    let sts = aws_sdk_sts::config::Builder::from(config).interceptor(NoPlainHttp).build();
    let request = aws_sdk_sts::Client::from_conf(sts).assume_role_with_web_identity();
    let request = request.role_arn(arn.as_str()).role_session_name(session_name(token)).policy(policy);
    let request = request.web_identity_token(token.expose()).duration_seconds(SESSION);
    let answer = request.send().await.map_err(|e| EcrError::of(ACTION, &e))?;
    let none = || EcrError::Unavailable { action: ACTION, message: "it gave no credentials".to_owned() };
    let given = answer.credentials().ok_or_else(none)?;
    // The SDK keeps them as plain text; wrapped once, a log is told to mask them.
    let secret = |text: &str| Redacted::new(text.to_owned());
    let id = secret(given.access_key_id());
    let (key, token) = (secret(given.secret_access_key()), secret(given.session_token()));
    Ok(Credentials::new(id.expose(), key.expose(), Some(token.expose().clone()), None, "web identity"))
}

/// Nothing is asked of a plain address: whoever answers there could give a login for another registry, and a role's token
/// would be read on the way.
#[derive(Debug)]
struct NoPlainHttp;

impl Intercept for NoPlainHttp {
    fn name(&self) -> &'static str {
        "NoPlainHttp"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let uri = context.request().uri();
        if takes_secrets(uri) { Ok(()) } else { Err(format!("{uri} is a plain address, expected https://").into()) }
    }
}

/// Whether an address is one with TLS, or this machine's.
pub(crate) fn takes_secrets(uri: &str) -> bool {
    if uri.starts_with("https://") {
        return true;
    }
    let Some(rest) = uri.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    is_loopback_host(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_to_no_plain_address() {
        for good in ["https://a.example/", "http://127.0.0.1:80/", "http://localhost", "http://[::1]:1/x"] {
            assert!(takes_secrets(good), "{good}");
        }
        for bad in [
            "http://a.example/",
            "http://127.0.0.1.a.example/",
            "http://127.0.0.1@a.example/",
            "http://a.example/@127.0.0.1",
            "http://a.example#127.0.0.1",
            "ftp://127.0.0.1",
            "127.0.0.1",
        ] {
            assert!(!takes_secrets(bad), "{bad}");
        }
    }
}
