//! Asymmetric keys of AWS Key Management Service: the message's digest goes there, and a signature comes back (AWS KMS API
//! Reference, "GetPublicKey" and "Sign").

use std::fmt;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_kms::config::{Builder, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_kms::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec};

use sealwright_core::causes;

use crate::kind::Kind;
use crate::upstream::clip;
use crate::{SignError, upstream};

const SERVICE: &str = "AWS KMS";
const CREDENTIALS: &str = "the provider of AWS credentials";
/// How often a request is made that may succeed later.
const ATTEMPTS: u32 = 3;

/// A key, by its ARN: an alias that moves while statements are signed changes neither signatures nor public key.
pub struct KmsKey {
    client: Client,
    arn: String,
    kind: Kind,
    algorithm: SigningAlgorithmSpec,
    spki: Vec<u8>,
}

impl fmt::Debug for KmsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KmsKey({})", self.arn)
    }
}

impl KmsKey {
    /// Reads the public key of `name`: an id, an ARN, `alias/NAME` or an alias's ARN. Credentials and region are found as by
    /// every AWS SDK; an ARN's own region counts before the configured one. `timeout` is for each request.
    ///
    /// # Errors
    /// When KMS is not there or refuses, or the key cannot sign what Sigstore's verifiers accept.
    pub async fn open(endpoint: Option<&str>, name: &str, timeout: Duration) -> Result<Self, SignError> {
        let timeouts = TimeoutConfig::builder().connect_timeout(timeout).operation_attempt_timeout(timeout).build();
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts);
        if let Some(region) = region(name) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let shared = loader.retry_config(retries).load().await;
        if shared.region().is_none_or(|region| region.as_ref().is_empty()) {
            return Err(SignError::Kms(
                "it is not said in which region: set AWS_REGION, or name the key by its ARN".into(),
            ));
        }
        // Asked for early, because a request that lacks them looks like one that was lost.
        if let Some(provider) = shared.credentials_provider() {
            let asked = tokio::time::timeout(timeout, provider.provide_credentials());
            let slow = |_| SignError::Upstream { service: CREDENTIALS, message: "it does not answer".to_owned() };
            asked.await.map_err(slow)?.map_err(|e| unauthenticated(&e))?;
        }
        let mut config = Builder::from(&shared).interceptor(NoPlainHttp);
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(format!("https://{endpoint}"));
        }
        let client = Client::from_conf(config.build());
        let key = client.get_public_key().key_id(name).send().await.map_err(|e| explain(&e))?;
        if key.key_usage() != Some(&KeyUsageType::SignVerify) {
            return Err(SignError::UnsupportedKey);
        }
        let (kind, algorithm) = match key.key_spec() {
            Some(KeySpec::EccNistP256) => (Kind::P256, SigningAlgorithmSpec::EcdsaSha256),
            Some(KeySpec::EccNistP384) => (Kind::P384, SigningAlgorithmSpec::EcdsaSha384),
            Some(KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096) => {
                (Kind::Rsa, SigningAlgorithmSpec::RsassaPkcs1V15Sha256)
            }
            _ => return Err(SignError::UnsupportedKey),
        };
        let missing = || SignError::Upstream { service: SERVICE, message: "it gave no public key".to_owned() };
        let spki = key.public_key().ok_or_else(missing)?.as_ref().to_vec();
        let arn = key.key_id().ok_or_else(missing)?.to_owned();
        Ok(Self { client, arn, kind, algorithm, spki })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(crate) async fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let digest = self.kind.digest(message).ok_or(SignError::UnsupportedKey)?;
        let request = self.client.sign().key_id(&self.arn).message(Blob::new(digest)).message_type(MessageType::Digest);
        let signed = request.signing_algorithm(self.algorithm.clone()).send().await.map_err(|e| explain(&e))?;
        let missing = || SignError::Upstream { service: SERVICE, message: "it gave no signature".to_owned() };
        signed.signature().map(|signature| signature.as_ref().to_vec()).ok_or_else(missing)
    }
}

/// The region in an ARN: `arn:PARTITION:kms:REGION:ACCOUNT:…`.
pub(crate) fn region(name: &str) -> Option<&str> {
    name.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)).filter(|region| !region.is_empty())
}

/// Nothing is asked of a plain address: whoever answers there could give another key.
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
        match upstream::builder([uri], Duration::ZERO) {
            Some(_) => Ok(()),
            None => Err(format!("{uri} is a plain address, expected https://").into()),
        }
    }
}

fn unauthenticated(error: &CredentialsError) -> SignError {
    let message = clip(&causes(error));
    match error {
        CredentialsError::ProviderTimedOut(_) => SignError::Upstream { service: CREDENTIALS, message },
        _ => SignError::Kms(message),
    }
}

/// What KMS says is told as it is; what it could not say, with its causes.
fn explain<E>(error: &SdkError<E>) -> SignError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let unavailable = |message: String| SignError::Upstream { service: SERVICE, message: clip(&message) };
    match error {
        SdkError::ServiceError(answer) => {
            let said = answer.err();
            let text =
                format!("{}: {}", said.code().unwrap_or("error"), said.message().unwrap_or("it does not say why"));
            let status = answer.raw().status();
            if status.is_server_error() || status.as_u16() == 429 || said.code() == Some("ThrottlingException") {
                unavailable(text)
            } else {
                SignError::Kms(clip(&text))
            }
        }
        SdkError::ConstructionFailure(_) => SignError::Kms(clip(&causes(error))),
        // Not the network, but what was asked of this side: credentials, the address.
        SdkError::DispatchFailure(failure) if failure.is_other() => SignError::Kms(clip(&causes(error))),
        _ => unavailable(causes(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_arn_names_its_region() {
        let key = "arn:aws:kms:us-east-2:111122223333:key/1234";
        assert_eq!(region(key), Some("us-east-2"));
        assert_eq!(region("arn:aws-cn:kms:cn-north-1:111122223333:alias/x"), Some("cn-north-1"));
        for name in ["alias/x", "1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:kms::1:key/x", "arn:aws"] {
            assert_eq!(region(name), None, "{name}");
        }
    }
}
