//! AWS Security Token Service: `AssumeRoleWithWebIdentity` of the AWS query protocol (AWS STS API Reference).

use std::sync::Arc;

use axum::response::Response;
use serde_json::Value;

use super::policy::Policy;
use super::principal::{Principal, secret};
use super::query::{self, Form, Refusal, escaped};
use super::{Role, Shared};
use crate::authority::rfc3339;
use crate::sigv4::AccessKey;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// What GitHub's tokens are asked for (GitHub, "Configuring OpenID Connect in Amazon Web Services").
const AUDIENCE: &str = "sts.amazonaws.com";
/// Seconds, where nothing is asked for.
const LIFE: i64 = 3600;

pub(super) fn dispatch(shared: &Shared, form: &Form) -> Response {
    query::answered(assume(shared, form), NAMESPACE)
}

fn assume(shared: &Shared, form: &Form) -> Result<String, Refusal> {
    let invalid = |why: &str| Refusal("ValidationError", why.to_owned());
    let one = |name: &str| form.one(name);
    if (one("Action"), one("Version")) != (Some("AssumeRoleWithWebIdentity"), Some("2011-06-15")) {
        return Err(Refusal("InvalidAction", "this service is a fake: it does not do that".to_owned()));
    }
    let token = one("WebIdentityToken").ok_or_else(|| invalid("WebIdentityToken is missing"))?;
    let name = one("RoleSessionName").ok_or_else(|| invalid("RoleSessionName is missing"))?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(invalid("RoleSessionName does not fit [\\w+=,.@-]{2,64}"));
    }
    let life = match one("DurationSeconds") {
        None => LIFE,
        Some(text) => {
            text.parse().ok().filter(|n| (900..=43_200).contains(n)).ok_or_else(|| invalid("DurationSeconds"))?
        }
    };
    let session = one("Policy").map(session_policy).transpose()?;
    // The token first, then the role: whoever has no token learns nothing about roles.
    let claims =
        shared.tokens.verify(token, AUDIENCE).map_err(|why| Refusal("InvalidIdentityToken", why.to_owned()))?;
    let wanted = one("RoleArn").ok_or_else(|| invalid("RoleArn is missing"))?;
    let roles = shared.roles();
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    let role = roles
        .iter()
        .find(|known| known.role.arn == wanted && known.trust.lets_in(&claims, &shared.provider, known.account()))
        .ok_or_else(|| Refusal("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity".to_owned()))?;
    give(shared, &role.role, name, session, life, subject)
}

fn session_policy(text: &str) -> Result<Policy, Refusal> {
    // "Policy": at most 2,048 characters.
    if text.len() > 2048 {
        return Err(Refusal("PackedPolicyTooLarge", "the session policy has more than 2048 characters".to_owned()));
    }
    let malformed = |why: String| Refusal("MalformedPolicyDocument", why);
    let document: Value = serde_json::from_str(text).map_err(|e| malformed(e.to_string()))?;
    Policy::of(&document).map_err(malformed)
}

fn give(
    shared: &Shared,
    role: &Role,
    name: &str,
    session: Option<Policy>,
    life: i64,
    subject: &str,
) -> Result<String, Refusal> {
    let failure = |why: &str| Refusal("InternalFailure", why.to_owned());
    let permissions = Policy::of(&role.permissions).map_err(|why| failure(&why))?;
    // `arn:aws:iam::ACCOUNT:role/PATH/NAME` becomes `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`.
    let account = role.arn.split(':').nth(4).unwrap_or_default().to_owned();
    let role_name = role.arn.rsplit('/').next().unwrap_or_default();
    let arn = format!("arn:aws:sts::{account}:assumed-role/{role_name}/{name}");
    let guest = shared.guests().contains(&account);
    let principal = Arc::new(Principal::new(arn.clone(), account, permissions, session, guest));
    let new = || secret().map_err(failure);
    let id = format!("ASIA{}", new()?.to_ascii_uppercase().replace(['-', '_'], "A").get(..16).unwrap_or_default());
    let key = AccessKey { id: id.clone(), secret: new()?, session_token: Some(new()?) };
    let (secret, token) = (key.secret.clone(), key.session_token.clone().unwrap_or_default());
    shared.given.give_key(key, principal);
    let expires = rfc3339(life);
    Ok(format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"{NAMESPACE}\"><AssumeRoleWithWebIdentityResult>\
         <SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken><Audience>{AUDIENCE}</Audience>\
         <AssumedRoleUser><Arn>{}</Arn><AssumedRoleId>AROALOOPBACK:{name}</AssumedRoleId></AssumedRoleUser>\
         <Credentials><SessionToken>{token}</SessionToken><SecretAccessKey>{secret}</SecretAccessKey>\
         <Expiration>{expires}</Expiration><AccessKeyId>{id}</AccessKeyId></Credentials>\
         </AssumeRoleWithWebIdentityResult>\
         <ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata>\
         </AssumeRoleWithWebIdentityResponse>",
        escaped(subject),
        escaped(&arn),
    ))
}
