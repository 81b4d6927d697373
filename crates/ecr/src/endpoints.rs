//! Where AWS is asked for one registry, by the same rules by which its SDK finds out.

use aws_sdk_ecr::config::endpoint::ResolveEndpoint as _;
use aws_sdk_ecrpublic::config::endpoint::ResolveEndpoint as _;
use aws_sdk_sts::config::endpoint::ResolveEndpoint as _;

use crate::client::PUBLIC_REGION;
use crate::host::Host;

/// The addresses of the control plane, of the layers of a private registry, and with a role of the Security Token Service.
pub async fn endpoints(host: &Host, with_role: bool) -> Vec<String> {
    let (region, fips, dual_stack) = match host {
        Host::Private(registry) => (registry.region.as_str(), registry.fips, registry.dual_stack),
        Host::Public => (PUBLIC_REGION, false, false),
    };
    let mut found = Vec::new();
    match host {
        Host::Private(registry) => {
            found.extend(private(region, fips, dual_stack).await);
            found.push(registry.layers());
        }
        Host::Public => found.extend(public(region).await),
    }
    if with_role {
        found.extend(sts(region, fips, dual_stack).await);
    }
    found
}

async fn private(region: &str, fips: bool, dual_stack: bool) -> Option<String> {
    let params = aws_sdk_ecr::config::endpoint::Params::builder().region(region);
    let params = params.use_fips(fips).use_dual_stack(dual_stack).build().ok()?;
    let resolver = aws_sdk_ecr::config::endpoint::DefaultResolver::new();
    Some(resolver.resolve_endpoint(&params).await.ok()?.url().to_owned())
}

async fn public(region: &str) -> Option<String> {
    let params = aws_sdk_ecrpublic::config::endpoint::Params::builder().region(region).build().ok()?;
    let resolver = aws_sdk_ecrpublic::config::endpoint::DefaultResolver::new();
    Some(resolver.resolve_endpoint(&params).await.ok()?.url().to_owned())
}

async fn sts(region: &str, fips: bool, dual_stack: bool) -> Option<String> {
    let params = aws_sdk_sts::config::endpoint::Params::builder().region(region);
    let params = params.use_fips(fips).use_dual_stack(dual_stack).build().ok()?;
    let resolver = aws_sdk_sts::config::endpoint::DefaultResolver::new();
    Some(resolver.resolve_endpoint(&params).await.ok()?.url().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_registry_is_asked_where_its_name_says() {
        for (name, expected) in [
            (
                "111122223333.dkr.ecr.eu-west-1.amazonaws.com",
                &[
                    "https://api.ecr.eu-west-1.amazonaws.com",
                    "https://prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com",
                    "https://sts.eu-west-1.amazonaws.com",
                ][..],
            ),
            (
                "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn",
                &[
                    "https://api.ecr.cn-north-1.amazonaws.com.cn",
                    "https://prod-cn-north-1-starport-layer-bucket.s3.cn-north-1.amazonaws.com.cn",
                    "https://sts.cn-north-1.amazonaws.com.cn",
                ],
            ),
            (
                "public.ecr.aws",
                &["https://api.ecr-public.us-east-1.amazonaws.com", "https://sts.us-east-1.amazonaws.com"],
            ),
        ] {
            assert_eq!(endpoints(&Host::of(name).expect(name), true).await, expected, "{name}");
        }
    }
}
