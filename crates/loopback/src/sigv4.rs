//! Signature Version 4 (AWS, "Create a signed AWS API request"): who signed a request, and whether with the secret.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, Tag, sign};
use sealwright_core::Digest;

use crate::traffic::Incoming;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a client signs with.
#[derive(Debug, Clone)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// With temporary credentials this goes along, signed.
    pub(crate) session_token: Option<String>,
}

/// The id of the access key that a request names. Nothing is checked.
pub(crate) fn named(incoming: &Incoming) -> Option<&str> {
    let parameters = incoming.header("authorization")?.strip_prefix(ALGORITHM)?;
    let credential = parameters.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
    credential.split('/').next()
}

pub(crate) fn verify(incoming: &Incoming, key: &AccessKey, region: &str, service: &str) -> Result<(), &'static str> {
    let authorization = incoming.header("authorization").ok_or("the request is not signed")?;
    let parameters = authorization.strip_prefix(ALGORITHM).ok_or("the request is signed with another algorithm")?;
    let parameter = |name: &str| parameters.split(',').find_map(|part| part.trim().strip_prefix(name));
    let credential = parameter("Credential=").ok_or("the credential is missing")?;
    let signed_headers = parameter("SignedHeaders=").ok_or("the list of signed headers is missing")?;
    let signature = parameter("Signature=").ok_or("the signature is missing")?;
    let date = incoming.header("x-amz-date").ok_or("X-Amz-Date is missing")?;
    let day = date.get(..8).ok_or("X-Amz-Date is none")?;
    let scope = format!("{day}/{region}/{service}/aws4_request");
    if credential != format!("{}/{scope}", key.id) {
        return Err("the credential is another one, or for another day, region or service");
    }
    if incoming.header("x-amz-security-token") != key.session_token.as_deref() {
        return Err("the session token is not that of the credential");
    }
    let token = key.session_token.as_ref().map(|_| "x-amz-security-token");
    // The query protocol has none: what is asked stands in the form, whose hash is signed.
    let target = incoming.header("x-amz-target").map(|_| "x-amz-target");
    if !["host", "x-amz-date"]
        .into_iter()
        .chain(token)
        .chain(target)
        .all(|name| signed_headers.split(';').any(|h| h == name))
    {
        return Err("a header that counts is not signed");
    }
    let string_to_sign =
        format!("{ALGORITHM}\n{date}\n{scope}\n{}", Digest::of(&canonical(incoming, signed_headers)?).hex());
    let mut signing_key = format!("AWS4{}", key.secret).into_bytes();
    for part in [day, region, service, "aws4_request"] {
        signing_key = mac(&signing_key, part.as_bytes()).as_ref().to_vec();
    }
    let tag = mac(&signing_key, string_to_sign.as_bytes());
    let expected: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    if signature == expected { Ok(()) } else { Err("the signature of the request does not match") }
}

/// The canonical request: these services have one path and no query.
fn canonical(incoming: &Incoming, signed_headers: &str) -> Result<Vec<u8>, &'static str> {
    let mut text = format!("{}\n{}\n{}\n", incoming.method, incoming.path, incoming.query);
    for name in signed_headers.split(';') {
        let value = incoming.header(name).ok_or("a signed header is missing")?;
        text.push_str(&format!("{name}:{}\n", value.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    text.push_str(&format!("\n{signed_headers}\n{}", Digest::of(&incoming.body).hex()));
    Ok(text.into_bytes())
}

fn mac(key: &[u8], message: &[u8]) -> Tag {
    sign(&Key::new(HMAC_SHA256, key), message)
}
