//! IAM: `GetRole` of the AWS query protocol (IAM API Reference), for roles of the account of whoever asks.

use axum::response::Response;

use super::Shared;
use super::query::{self, Form, Refusal, escaped};
use crate::authority::rfc3339;
use crate::sigv4;
use crate::traffic::Incoming;

/// The version of the API, by which its forms are told from those of STS.
pub(super) const VERSION: &str = "2010-05-08";
const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
/// All of the partition `aws` asks there (AWS General Reference, "AWS Identity and Access Management endpoints and quotas").
const REGION: &str = "us-east-1";

pub(super) fn dispatch(shared: &Shared, incoming: &Incoming, form: &Form) -> Response {
    query::answered(get_role(shared, incoming, form), NAMESPACE)
}

fn get_role(shared: &Shared, incoming: &Incoming, form: &Form) -> Result<String, Refusal> {
    if form.one("Action") != Some("GetRole") {
        return Err(Refusal("InvalidAction", "this service is a fake: it does not do that".to_owned()));
    }
    let named = sigv4::named(incoming).unwrap_or_default();
    let unknown =
        || Refusal("InvalidClientTokenId", "The security token included in the request is invalid.".to_owned());
    let (key, principal) = shared.given.key(named).ok_or_else(unknown)?;
    sigv4::verify(incoming, &key, REGION, "iam").map_err(|why| Refusal("SignatureDoesNotMatch", why.to_owned()))?;
    let name = form.one("RoleName").unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(1..=64).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(Refusal("ValidationError", "RoleName does not fit [\\w+=,.@-]{1,64}".to_owned()));
    }
    let roles = shared.roles();
    let own = |arn: &str| arn.rsplit('/').next() == Some(name);
    let role = roles.iter().find(|known| known.account() == principal.account && own(&known.role.arn));
    // Permissions first: whoever has none does not learn which roles there are.
    let nowhere = format!("arn:aws:iam::{}:role/{name}", principal.account);
    let arn = role.map_or(nowhere.as_str(), |known| known.role.arn.as_str());
    principal.may("iam:GetRole", arn, &principal.account).map_err(|why| Refusal("AccessDenied", why))?;
    let missing = || Refusal("NoSuchEntity", format!("The role with name {name} cannot be found."));
    let role = role.ok_or_else(missing)?;
    let path = arn.split_once(":role").map_or("/", |(_, rest)| rest.strip_suffix(name).unwrap_or("/"));
    Ok(format!(
        "<GetRoleResponse xmlns=\"{NAMESPACE}\"><GetRoleResult><Role><Path>{}</Path><RoleName>{name}</RoleName>\
         <RoleId>AROALOOPBACK</RoleId><Arn>{}</Arn><CreateDate>{}</CreateDate>\
         <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument><MaxSessionDuration>3600</MaxSessionDuration></Role>\
         </GetRoleResult><ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata>\
         </GetRoleResponse>",
        escaped(path),
        escaped(arn),
        rfc3339(0),
        encoded(&role.trust.document().to_string()),
    ))
}

/// "URL-encoded compliant with RFC 3986": everything but its unreserved characters (§2.3).
fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}
