//! ECR's control plane: `GetAuthorizationToken` and `DescribeRepositories` of the AWS JSON 1.1 protocol (Amazon ECR API
//! Reference, `AmazonEC2ContainerRegistry_V20150921`), and `GetAuthorizationToken` of ECR Public
//! (`SpencerFrontendService`).

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::principal::{Principal, secret};
use super::{ACCOUNT, REGION, Shared, repository_arn};
use crate::answer::answer;
use crate::authority::now;
use crate::registry::Tags;
use crate::sigv4;
use crate::traffic::Incoming;

const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
const PRIVATE: &str = "AmazonEC2ContainerRegistry_V20150921.";
/// It lives for twelve hours, in seconds.
const LIFE: i64 = 12 * 3600;
/// ECR Public answers in one region only (Amazon ECR Public API Reference).
const PUBLIC_REGION: &str = "us-east-1";

/// Why a request is not carried out: an exception of the API, and words.
struct Refusal(&'static str, String);

pub(super) fn dispatch(shared: &Shared, incoming: &Incoming) -> Response {
    match carry_out(shared, incoming) {
        Ok(value) => answer(StatusCode::OK, &[JSON], value.to_string()),
        Err(Refusal(exception, message)) => {
            let body = json!({ "__type": exception, "message": message });
            answer(StatusCode::BAD_REQUEST, &[JSON], body.to_string())
        }
    }
}

fn carry_out(shared: &Shared, incoming: &Incoming) -> Result<Value, Refusal> {
    if incoming.header("content-type") != Some(JSON.1) {
        return Err(Refusal("SerializationException", format!("the content type is not {}", JSON.1)));
    }
    let target = incoming.header("x-amz-target").unwrap_or_default();
    let (region, service) = if target.starts_with(PRIVATE) { (REGION, "ecr") } else { (PUBLIC_REGION, "ecr-public") };
    let named = sigv4::named(incoming).unwrap_or_default();
    let unknown =
        || Refusal("UnrecognizedClientException", "The security token included in the request is invalid.".to_owned());
    let (key, principal) = shared.given.key(named).ok_or_else(unknown)?;
    sigv4::verify(incoming, &key, region, service)
        .map_err(|why| Refusal("InvalidSignatureException", why.to_owned()))?;
    let body: Value = serde_json::from_slice(&incoming.body)
        .map_err(|_| Refusal("SerializationException", "the body is not JSON".to_owned()))?;
    match target.rsplit('.').next() {
        Some("GetAuthorizationToken") if service == "ecr" => {
            let token = token(shared, &principal, "ecr:GetAuthorizationToken")?;
            Ok(json!({ "authorizationData": [{
                "authorizationToken": token, "expiresAt": now() + LIFE, "proxyEndpoint": format!("https://{}", shared.host),
            }]}))
        }
        Some("GetAuthorizationToken") => {
            allowed(&principal, "sts:GetServiceBearerToken", "*")?;
            let token = token(shared, &principal, "ecr-public:GetAuthorizationToken")?;
            Ok(json!({ "authorizationData": { "authorizationToken": token, "expiresAt": now() + LIFE } }))
        }
        Some("DescribeRepositories") if service == "ecr" => describe(shared, &principal, &body),
        _ => Err(Refusal("UnknownOperationException", "this service is a fake: it does not do that".to_owned())),
    }
}

fn allowed(principal: &Principal, action: &str, resource: &str) -> Result<(), Refusal> {
    principal.may(action, resource, ACCOUNT).map_err(|why| Refusal("AccessDeniedException", why))
}

/// A password for the registry, as `AWS:PASSWORD` in base64.
fn token(shared: &Shared, principal: &Arc<Principal>, action: &str) -> Result<String, Refusal> {
    allowed(principal, action, "*")?;
    let password = secret().map_err(|why| Refusal("ServerException", why.to_owned()))?;
    shared.given.give_password(password.clone(), Arc::clone(principal));
    Ok(STANDARD.encode(format!("AWS:{password}")))
}

fn describe(shared: &Shared, principal: &Principal, body: &Value) -> Result<Value, Refusal> {
    let invalid = |why: &str| Refusal("InvalidParameterException", why.to_owned());
    let registry = body.get("registryId").and_then(Value::as_str).unwrap_or(&principal.account);
    let names = body.get("repositoryNames").and_then(Value::as_array);
    let names = names.ok_or_else(|| invalid("this service is a fake: it lists no repositories"))?;
    // "repositoryNames": 1 to 100.
    if !(1..=100).contains(&names.len()) {
        return Err(invalid("repositoryNames has not 1 to 100 members"));
    }
    let mut repositories = Vec::new();
    for name in names {
        let name = name.as_str().ok_or_else(|| invalid("a name is no text"))?;
        allowed(principal, "ecr:DescribeRepositories", &repository_arn(name))?;
        if registry != ACCOUNT || !shared.knows(name) {
            let message =
                format!("The repository with name '{name}' does not exist in the registry with id '{registry}'");
            return Err(Refusal("RepositoryNotFoundException", message));
        }
        repositories.push(described(shared, name));
    }
    Ok(json!({ "repositories": repositories }))
}

fn described(shared: &Shared, name: &str) -> Value {
    let tags = shared.tags();
    let (mode, filters) = match &tags {
        Tags::Mutable => ("MUTABLE", None),
        Tags::Immutable => ("IMMUTABLE", None),
        Tags::MutableWithExclusion(filters) => ("MUTABLE_WITH_EXCLUSION", Some(filters)),
        Tags::ImmutableWithExclusion(filters) => ("IMMUTABLE_WITH_EXCLUSION", Some(filters)),
    };
    let mut repository = json!({
        "repositoryArn": repository_arn(name), "registryId": ACCOUNT, "repositoryName": name,
        "repositoryUri": format!("{}/{name}", shared.host), "createdAt": now(), "imageTagMutability": mode,
        "imageScanningConfiguration": { "scanOnPush": false }, "encryptionConfiguration": { "encryptionType": "AES256" },
    });
    if let (Some(filters), Some(repository)) = (filters, repository.as_object_mut()) {
        let filters = filters.iter().map(|filter| json!({ "filterType": "WILDCARD", "filter": filter })).collect();
        repository.insert("imageTagMutabilityExclusionFilters".to_owned(), Value::Array(filters));
    }
    repository
}
