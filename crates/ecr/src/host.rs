//! The names of ECR's registries (Amazon ECR User Guide, "Amazon ECR endpoints" and "Making requests over IPv6").

use std::fmt;

/// ECR Public answers in one region only (Amazon ECR Public API Reference).
const PUBLIC_REGION: &str = "us-east-1";

/// A registry of ECR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// `ACCOUNT.dkr.ecr.REGION.amazonaws.com` and its kin.
    Private(Private),
    /// `public.ecr.aws`: anyone may pull, its tags always move.
    Public,
}

/// A private registry: there is one for each account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Private {
    /// Twelve digits.
    pub account: String,
    /// For example `eu-west-1`.
    pub region: String,
    /// Which AWS.
    pub partition: Partition,
    /// Whether the name is that of an endpoint with validated cryptography (FIPS 140).
    pub fips: bool,
    /// Whether the name has IPv6 addresses too.
    pub dual_stack: bool,
}

/// An AWS that shares no accounts with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// `aws`.
    Aws,
    /// `aws-cn`.
    China,
    /// `aws-us-gov`.
    GovCloud,
}

impl Partition {
    /// As ARNs spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
        }
    }

    /// The one of that name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::Aws, Self::China, Self::GovCloud].into_iter().find(|partition| partition.as_str() == name)
    }

    fn of_region(region: &str) -> Self {
        match region.split('-').collect::<Vec<_>>().as_slice() {
            ["cn", ..] => Self::China,
            ["us", "gov", ..] => Self::GovCloud,
            _ => Self::Aws,
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where AWS is asked, and by which kind of endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) region: &'a str,
    pub(crate) fips: bool,
    pub(crate) dual_stack: bool,
}

impl Host {
    /// A registry's own region counts before the configured one, and its kind of endpoint too.
    pub(crate) fn place(&self) -> Place<'_> {
        match self {
            Self::Private(registry) => {
                Place { region: &registry.region, fips: registry.fips, dual_stack: registry.dual_stack }
            }
            Self::Public => Place { region: PUBLIC_REGION, fips: false, dual_stack: false },
        }
    }

    pub(crate) fn partition(&self) -> Partition {
        match self {
            Self::Private(registry) => registry.partition,
            Self::Public => Partition::Aws,
        }
    }

    /// The registry that a host, as image references write it, is; nothing where it is none of ECR's.
    pub fn of(host: &str) -> Option<Self> {
        if host == "public.ecr.aws" {
            return Some(Self::Public);
        }
        let (account, rest) = host.split_once('.')?;
        let (fips, dual_stack, rest) = [
            ("dkr.ecr.", false, false),
            ("dkr.ecr-fips.", true, false),
            ("dkr-ecr.", false, true),
            ("dkr-ecr-fips.", true, true),
        ]
        .into_iter()
        .find_map(|(name, fips, dual_stack)| Some((fips, dual_stack, rest.strip_prefix(name)?)))?;
        let (region, domain) = rest.split_once('.')?;
        let partition = Partition::of_region(region);
        let expected = match (partition, dual_stack) {
            (Partition::China, false) => "amazonaws.com.cn",
            (Partition::China, true) => "on.amazonwebservices.com.cn",
            (_, false) => "amazonaws.com",
            (_, true) => "on.aws",
        };
        let fits = domain == expected && is_account(account) && is_region(region);
        fits.then(|| {
            Self::Private(Private { account: account.into(), region: region.into(), partition, fips, dual_stack })
        })
    }
}

impl Private {
    /// `arn:PARTITION:ecr:REGION:ACCOUNT:repository/NAME` (Service Authorization Reference, "Amazon Elastic Container
    /// Registry"). `*` for all repositories.
    pub fn repository_arn(&self, repository: &str) -> String {
        let Self { account, region, partition, .. } = self;
        format!("arn:{partition}:ecr:{region}:{account}:repository/{repository}")
    }

    /// Where its layers lie, to which it redirects who pulls (Amazon ECR User Guide, "Minimum Amazon S3 bucket permissions for
    /// Amazon ECR").
    pub fn layers(&self) -> String {
        let Self { region, partition, .. } = self;
        let domain = if *partition == Partition::China { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://prod-{region}-starport-layer-bucket.s3.{region}.{domain}")
    }
}

/// Twelve digits (AWS Account Management, "AWS account identifiers").
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// `eu-west-1`: lower-case words and a number.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let is_number = !number.is_empty() && number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit());
    words.len() >= 2 && words.iter().all(is_word) && is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private(host: &str) -> Option<Private> {
        match Host::of(host)? {
            Host::Private(private) => Some(private),
            Host::Public => None,
        }
    }

    #[test]
    fn every_spelling_of_a_registry_names_account_region_and_partition() {
        for (host, region, partition, fips, dual_stack) in [
            ("111122223333.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1", Partition::Aws, false, false),
            ("111122223333.dkr.ecr-fips.us-east-2.amazonaws.com", "us-east-2", Partition::Aws, true, false),
            (
                "111122223333.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
                "us-gov-west-1",
                Partition::GovCloud,
                true,
                false,
            ),
            ("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1", Partition::China, false, false),
            ("111122223333.dkr-ecr.ap-southeast-2.on.aws", "ap-southeast-2", Partition::Aws, false, true),
            ("111122223333.dkr-ecr-fips.us-gov-east-1.on.aws", "us-gov-east-1", Partition::GovCloud, true, true),
            (
                "111122223333.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
                "cn-north-1",
                Partition::China,
                false,
                true,
            ),
        ] {
            let account = "111122223333".to_owned();
            let expected = Private { account, region: region.into(), partition, fips, dual_stack };
            assert_eq!(private(host), Some(expected), "{host}");
        }
        assert_eq!(Host::of("public.ecr.aws"), Some(Host::Public));
        let china = private("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn").expect("China");
        assert_eq!(china.repository_arn("shop/app"), "arn:aws-cn:ecr:cn-north-1:111122223333:repository/shop/app");
    }

    #[test]
    fn what_only_looks_like_one_gets_no_credentials() {
        for host in [
            "ghcr.io",
            "11112222333.dkr.ecr.eu-west-1.amazonaws.com",
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
            "111122223333.dkr.ecr.eu-west-1.evil.example",
            "evil.example.111122223333.dkr.ecr.eu-west-1.amazonaws.com",
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com:443",
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com.cn",
            "111122223333.dkr.ecr.cn-north-1.amazonaws.com",
            "111122223333.dkr.ecr.eu-west-1.on.aws",
            "111122223333.dkr-ecr.eu-west-1.amazonaws.com",
            "111122223333.dkr.ecr.evil.amazonaws.com",
            "111122223333.dkr.ecr..amazonaws.com",
            "111122223333.s3.eu-west-1.amazonaws.com",
            "public.ecr.aws.evil.example",
            "",
        ] {
            assert_eq!(Host::of(host), None, "{host}");
        }
    }
}
