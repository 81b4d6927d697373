//! What a session may do: a role is often wider than one push needs, so its session is narrowed to one repository (IAM User
//! Guide, "Session policies": only what role and session policy both allow is allowed).

use serde_json::json;

use crate::host::{Host, Private};
use crate::role::RoleArn;

/// What a session is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The one repository; without it all of the registry.
    pub repository: Option<String>,
    /// What is done there.
    pub access: Access,
}

/// What is done to a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is read.
    Pull,
    /// It is read and written.
    Push,
}

/// To read (Amazon ECR User Guide, "IAM permissions for pulling an image"); `ListImageReferrers` asks for `BatchGetImage` and
/// has no action of its own.
const PULL: [&str; 3] = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
/// To write (Amazon ECR User Guide, "IAM permissions for pushing an image").
const PUSH: [&str; 4] = ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"];
/// To know the tag mode.
const DESCRIBE: [&str; 1] = ["ecr:DescribeRepositories"];

/// The session policy for a scope.
pub(crate) fn of(host: &Host, scope: &Scope) -> String {
    match host {
        Host::Private(registry) => private(registry, scope),
        Host::Public => public(),
    }
}

fn private(registry: &Private, scope: &Scope) -> String {
    let push: &[&str] = match scope.access {
        Access::Pull => &[],
        Access::Push => &PUSH,
    };
    let actions: Vec<&str> = PULL.iter().chain(push).chain(&DESCRIBE).copied().collect();
    let repository = scope.repository.as_deref().unwrap_or("*");
    json!({
        "Version": "2012-10-17",
        "Statement": [
            // It has no resource (Service Authorization Reference).
            { "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" },
            { "Effect": "Allow", "Action": actions, "Resource": registry.repository_arn(repository) },
        ],
    })
    .to_string()
}

/// The session policy for reading a role's own trust policy.
pub(crate) fn trust_policy_of(role: &RoleArn) -> String {
    let statement = json!({ "Effect": "Allow", "Action": "iam:GetRole", "Resource": role.as_str() });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

/// The session policy for ECR Public, whose repositories a host does not name.
fn public() -> String {
    let token = ["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"];
    let push = [
        "ecr-public:BatchCheckLayerAvailability",
        "ecr-public:CompleteLayerUpload",
        "ecr-public:InitiateLayerUpload",
        "ecr-public:PutImage",
        "ecr-public:UploadLayerPart",
    ];
    let actions: Vec<&str> = token.into_iter().chain(push).collect();
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }] })
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Host;

    #[test]
    fn a_session_is_for_one_repository_and_deletes_and_reconfigures_nothing() {
        let Some(Host::Private(registry)) = Host::of("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn") else {
            panic!("a registry")
        };
        // The longest name that ECR takes.
        let name = "a".repeat(256);
        let scope = |access| Scope { repository: Some(name.clone()), access };
        let policy = private(&registry, &scope(Access::Push));
        assert!(policy.len() <= 2048, "{}", policy.len());
        assert!(policy.contains(&format!("arn:aws-cn:ecr:cn-north-1:111122223333:repository/{name}\"")), "{policy}");
        let reading = private(&registry, &scope(Access::Pull));
        assert!(!reading.contains("Put") && !reading.contains("Upload") && reading.contains("ecr:BatchGetImage"));
        for text in [&policy, &reading, &public()] {
            for word in ["Delete", "PutImageTagMutability", "Policy\"", "ecr:*", "CreateRepository"] {
                assert!(!text.contains(word), "{word} in {text}");
            }
        }
    }
}
