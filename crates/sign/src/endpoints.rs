//! Where a Sigstore instance and AWS KMS are asked, for whoever has to open a way there first.

use aws_sdk_kms::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use sigstore_trust_root::{SIGSTORE_PRODUCTION_SIGNING_CONFIG, SigningConfig};

use crate::SignError;
use crate::kms::region;

/// The addresses of a Sigstore instance, of each kind all that its signing config names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningEndpoints {
    /// Fulcio.
    pub certificates: Vec<String>,
    /// Rekor.
    pub logs: Vec<String>,
    /// Timestamp authorities.
    pub timestamps: Vec<String>,
}

impl SigningEndpoints {
    /// Those of a signing config.
    ///
    /// # Errors
    /// When it is none.
    pub fn of(signing_config: &[u8]) -> Result<Self, SignError> {
        let text = std::str::from_utf8(signing_config).map_err(|_| SignError::SigningConfig("it is no text".into()))?;
        let config = SigningConfig::from_json(text).map_err(|e| SignError::SigningConfig(e.to_string()))?;
        let urls = |services: &[sigstore_trust_root::ServiceEndpoint]| {
            services.iter().map(|service| service.url.clone()).collect()
        };
        Ok(Self {
            certificates: urls(&config.ca_urls),
            logs: urls(&config.rekor_tlog_urls),
            timestamps: urls(&config.tsa_urls),
        })
    }

    /// Those of the public-good instance when this version was made. By TUF one gets today's.
    ///
    /// # Errors
    /// Never; the document is a constant.
    pub fn public_good() -> Result<Self, SignError> {
        Self::of(SIGSTORE_PRODUCTION_SIGNING_CONFIG.as_bytes())
    }
}

/// The address at which AWS KMS is asked for a key, by the rules of its SDK; `configured` is the region where the key's name has
/// none. Nothing where no region is known.
pub async fn kms_endpoint(endpoint: Option<&str>, name: &str, configured: Option<&str>) -> Option<String> {
    if let Some(endpoint) = endpoint {
        return Some(format!("https://{endpoint}"));
    }
    let params = Params::builder().region(region(name).or(configured)?).build().ok()?;
    Some(DefaultResolver::new().resolve_endpoint(&params).await.ok()?.url().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_instance_has_one_of_each() {
        let endpoints = SigningEndpoints::public_good().expect("a constant");
        assert_eq!(endpoints.certificates, ["https://fulcio.sigstore.dev"]);
        assert_eq!(endpoints.logs, ["https://rekor.sigstore.dev"]);
        assert!(endpoints.timestamps[0].starts_with("https://timestamp.sigstore.dev/"));
        assert!(SigningEndpoints::of(b"{").is_err());
    }

    #[tokio::test]
    async fn kms_is_where_the_key_or_the_configuration_says() {
        let arn = "arn:aws:kms:us-east-2:111122223333:alias/release";
        let found = kms_endpoint(None, arn, Some("eu-west-1")).await;
        assert_eq!(found.as_deref(), Some("https://kms.us-east-2.amazonaws.com"));
        let found = kms_endpoint(None, "alias/release", Some("cn-north-1")).await;
        assert_eq!(found.as_deref(), Some("https://kms.cn-north-1.amazonaws.com.cn"));
        assert_eq!(kms_endpoint(Some("kms.example"), arn, None).await.as_deref(), Some("https://kms.example"));
        assert_eq!(kms_endpoint(None, "alias/release", None).await, None);
    }
}
