//! Where AWS is asked for one registry, by the same rules by which its SDK finds out.

use aws_sdk_ecr::config::endpoint::ResolveEndpoint as _;
use aws_sdk_ecrpublic::config::endpoint::ResolveEndpoint as _;
use aws_sdk_sts::config::endpoint::ResolveEndpoint as _;

use crate::host::{Host, Place};
use crate::iam::{Home, sts_place};
use crate::role::RoleArn;

/// The addresses of the control plane, of the layers of a private registry, and with a role of the Security Token Service.
pub async fn endpoints(host: &Host, with_role: bool) -> Vec<String> {
    let Place { region, fips, dual_stack } = host.place();
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

/// The addresses of IAM for a role's trust policy, and of the Security Token Service beside a registry or without one.
pub async fn trust_policy_endpoints(role: &RoleArn, near: Option<&Host>) -> Vec<String> {
    let Some(home) = Home::of(role) else { return vec![] };
    let Place { region, fips, dual_stack } = sts_place(&home, near);
    let mut found = vec![home.address(false, false)];
    found.extend(sts(region, fips, dual_stack).await);
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

    #[tokio::test]
    async fn a_role_is_asked_for_at_home_and_assumed_beside_the_registry() {
        let role = "arn:aws:iam::111122223333:role/release".parse().expect("role");
        for (near, sts) in [
            (None, "https://sts.us-east-1.amazonaws.com"),
            (Some("111122223333.dkr.ecr.eu-west-1.amazonaws.com"), "https://sts.eu-west-1.amazonaws.com"),
            // Of another AWS, whose Security Token Service does not know the role.
            (Some("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn"), "https://sts.us-east-1.amazonaws.com"),
        ] {
            let near = near.and_then(Host::of);
            let found = trust_policy_endpoints(&role, near.as_ref()).await;
            assert_eq!(found, ["https://iam.amazonaws.com", sts], "{near:?}");
        }
    }
}
