//! The trust policy of a role, as IAM has it (IAM API Reference, `GetRole`): one signed form of the query protocol.
//!
//! Not here: what the policy says (`sealwright-workload`).

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_xml::decode::{Document, ScopedDecoder, try_data};
use aws_types::service_config::ServiceConfigKey;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use sealwright_core::{causes, is_loopback_host};

use crate::client::{ATTEMPTS, WhoAsks, open, takes_secrets};
use crate::error::{EcrError, clip};
use crate::host::{Host, Partition, Place};
use crate::role::RoleArn;
use crate::session_policy;

/// The permission that is needed.
pub const GET_ROLE: &str = "iam:GetRole";

/// The version of IAM's API.
const VERSION: &str = "2010-05-08";
/// A trust policy has at most 8,192 characters that are no spaces, each three bytes when it is encoded (IAM User Guide, "IAM and
/// AWS STS quotas"); the rest of a role is shorter.
const LONGEST_ANSWER: usize = 256 << 10;
/// Before a request is made again, and twice as long before the next.
const PAUSE: Duration = Duration::from_millis(500);

/// The trust policy of a role, as a JSON document. A role that asks for its own is assumed beside the registry `near`, for this and
/// nothing else. `now` is the time of the signature, `timeout` is for each request.
///
/// # Errors
/// When there are no credentials, or they may not read it, or they are of another account.
pub async fn trust_policy(
    role: &RoleArn,
    who: &WhoAsks,
    near: Option<&Host>,
    now: SystemTime,
    timeout: Duration,
) -> Result<Vec<u8>, EcrError> {
    let unknown = || refused(format!("it is not known where IAM of the partition {} is", role.partition()));
    let home = Home::of(role).ok_or_else(unknown)?;
    let policy = session_policy::trust_policy_of(role);
    let (config, credentials) = open(sts_place(&home, near), &policy, who, timeout).await?;
    let question = Question::new(role, &home, &config, timeout)?.signed(&credentials, now)?;
    let mut pause = PAUSE;
    for _ in 1..ATTEMPTS {
        match question.ask().await {
            Err(error) if error.is_unavailable() => tokio::time::sleep(pause).await,
            answer => return of_answer(&answer?, role),
        }
        pause *= 2;
    }
    of_answer(&question.ask().await?, role)
}

/// Where the Security Token Service is asked: beside the registry, if it is of the same AWS.
pub(crate) fn sts_place<'a>(home: &Home, near: Option<&'a Host>) -> Place<'a> {
    let near = near.filter(|host| host.partition() == home.partition);
    near.map_or(Place { region: home.region, fips: false, dual_stack: false }, Host::place)
}

/// The one place of a partition where IAM is (AWS General Reference, "AWS Identity and Access Management endpoints and quotas"; the
/// addresses are those of the endpoint rules of AWS's SDKs, aws-sdk-iam 1.133.0).
pub(crate) struct Home {
    partition: Partition,
    /// For which requests are signed.
    region: &'static str,
}

impl Home {
    pub(crate) fn of(role: &RoleArn) -> Option<Self> {
        let partition = Partition::of(role.partition())?;
        let region = match partition {
            Partition::Aws => "us-east-1",
            Partition::China => "cn-north-1",
            Partition::GovCloud => "us-gov-west-1",
        };
        Some(Self { partition, region })
    }

    pub(crate) fn address(&self, fips: bool, dual_stack: bool) -> String {
        let host = match (self.partition, fips, dual_stack) {
            (Partition::Aws, false, false) => "iam.amazonaws.com",
            (Partition::Aws, false, true) => "iam.global.api.aws",
            (Partition::Aws, true, false) => "iam-fips.amazonaws.com",
            (Partition::Aws, true, true) => "iam-fips.global.api.aws",
            (Partition::China, false, false) => "iam.cn-north-1.amazonaws.com.cn",
            (Partition::China, false, true) => "iam.global.api.amazonwebservices.com.cn",
            (Partition::China, true, false) => "iam-fips.amazonaws.com.cn",
            (Partition::China, true, true) => "iam-fips.api.amazonwebservices.com.cn",
            (Partition::GovCloud, _, false) => "iam.us-gov.amazonaws.com",
            (Partition::GovCloud, _, true) => "iam.us-gov.api.aws",
        };
        format!("https://{host}")
    }
}

/// The request and whoever sends it.
struct Question {
    http: reqwest::Client,
    request: reqwest::Request,
    region: &'static str,
}

impl Question {
    fn new(role: &RoleArn, home: &Home, config: &SdkConfig, timeout: Duration) -> Result<Self, EcrError> {
        let usual = || home.address(config.use_fips() == Some(true), config.use_dual_stack() == Some(true));
        let address = configured(config).unwrap_or_else(usual);
        let url = Url::parse(&address).map_err(|e| refused(format!("the address of IAM: {e}")))?;
        if !takes_secrets(&address) {
            return Err(refused(format!("{address} is a plain address, expected https://")));
        }
        let mut http = reqwest::Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none());
        // What is sent to this machine must not leave it.
        if url.host_str().is_some_and(is_loopback_host) {
            http = http.no_proxy();
        }
        let failed = |e: reqwest::Error| refused(causes(&e.without_url()));
        let http = http.build().map_err(failed)?;
        let form = [("Action", "GetRole"), ("Version", VERSION), ("RoleName", role.name())];
        let request = http.post(url).form(&form).build().map_err(failed)?;
        Ok(Self { http, request, region: home.region })
    }

    fn signed(mut self, credentials: &Credentials, now: SystemTime) -> Result<Self, EcrError> {
        let failed =
            |what: &dyn std::error::Error| refused(format!("the request could not be signed: {}", causes(what)));
        let identity = credentials.clone().into();
        let parameters = SigningParams::builder().identity(&identity).region(self.region).name("iam").time(now);
        let parameters = parameters.settings(SigningSettings::default()).build().map_err(|e| failed(&e))?.into();
        let headers =
            self.request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let body = self.request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
        let signable = SignableRequest::new("POST", self.request.url().as_str(), headers, SignableBody::Bytes(body));
        let signed = sign(signable.map_err(|e| failed(&e))?, &parameters).map_err(|e| failed(&e))?;
        let (headers, _) = signed.into_parts().0.into_parts();
        for header in headers {
            let mut value = HeaderValue::from_str(header.value()).map_err(|e| failed(&e))?;
            value.set_sensitive(header.sensitive());
            self.request.headers_mut().insert(HeaderName::from_static(header.name()), value);
        }
        Ok(self)
    }

    /// The body of an answer that says yes.
    async fn ask(&self) -> Result<String, EcrError> {
        let lost = |e: reqwest::Error| unavailable(causes(&e.without_url()));
        let request = self.request.try_clone().ok_or_else(|| refused("the request has no body".to_owned()))?;
        let mut answer = self.http.execute(request).await.map_err(lost)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(refused(format!("the answer is longer than {LONGEST_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        let status = answer.status();
        if status.is_success() {
            return Ok(body);
        }
        let code = text(&body, &["Error", "Code"]).unwrap_or_else(|| status.to_string());
        let message = text(&body, &["Error", "Message"]);
        Err(EcrError::said(GET_ROLE, status.as_u16(), &code, message.as_deref()))
    }
}

/// `AWS_ENDPOINT_URL_IAM`, or what a profile says instead, as AWS's SDKs read them.
fn configured(config: &SdkConfig) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id("IAM").env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok()?;
    let own = config.service_config().and_then(|settings| settings.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}

/// IAM is asked for a name, and answers for the account of whoever asks: another one may have a role of that name.
fn of_answer(body: &str, role: &RoleArn) -> Result<Vec<u8>, EcrError> {
    // The reader of XML takes what is cut off for its end.
    if !body.trim_end().ends_with("</GetRoleResponse>") {
        return Err(unavailable("the answer is not whole".to_owned()));
    }
    let of_role = |member| text(body, &["GetRoleResult", "Role", member]);
    match of_role("Arn") {
        Some(found) if found == role.as_str() => {}
        Some(found) => return Err(refused(format!("the credentials lead to {}, expected {role}", clip(&found)))),
        None => return Err(unavailable("the answer names no role".to_owned())),
    }
    let document = of_role("AssumeRolePolicyDocument").and_then(|encoded| decoded(&encoded));
    document.ok_or_else(|| unavailable("the answer has no trust policy in the encoding of RFC 3986".to_owned()))
}

/// The text of the first element that a path of names leads to, below the root.
fn text(xml: &str, path: &[&str]) -> Option<String> {
    let mut document = Document::new(xml);
    let mut root = document.root_element().ok()?;
    below(&mut root, path)
}

fn below(element: &mut ScopedDecoder<'_, '_>, path: &[&str]) -> Option<String> {
    let (name, rest) = path.split_first()?;
    while let Some(mut child) = element.next_tag() {
        if child.start_el().matches(name) {
            return match rest {
                [] => try_data(&mut child).ok().map(|text| text.into_owned()),
                rest => below(&mut child, rest),
            };
        }
    }
    None
}

/// Percent-encoding (RFC 3986 §2.1); a plus is itself.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut found = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            found.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        found.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    Some(found)
}

fn refused(message: String) -> EcrError {
    EcrError::Refused { action: GET_ROLE, message: clip(&message) }
}

fn unavailable(message: String) -> EcrError {
    EcrError::Unavailable { action: GET_ROLE, message: clip(&message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(partition: &str) -> RoleArn {
        format!("arn:{partition}:iam::111122223333:role/ci/release").parse().expect("role")
    }

    /// As the API Reference shows an answer.
    fn answer(arn: &str, document: &str) -> String {
        format!(
            "<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n<GetRoleResult>\n<Role><Path>/ci/</Path>\
             <Arn>{arn}</Arn><Description>&lt;Arn&gt;</Description>\
             <AssumeRolePolicyDocument>{document}</AssumeRolePolicyDocument><RoleLastUsed><Region>x</Region></RoleLastUsed>\
             </Role></GetRoleResult><ResponseMetadata><RequestId>x</RequestId></ResponseMetadata></GetRoleResponse>"
        )
    }

    #[test]
    fn every_aws_has_iam_in_one_place() {
        for (partition, region, plain, both) in [
            ("aws", "us-east-1", "https://iam.amazonaws.com", "https://iam-fips.global.api.aws"),
            (
                "aws-cn",
                "cn-north-1",
                "https://iam.cn-north-1.amazonaws.com.cn",
                "https://iam-fips.api.amazonwebservices.com.cn",
            ),
            ("aws-us-gov", "us-gov-west-1", "https://iam.us-gov.amazonaws.com", "https://iam.us-gov.api.aws"),
        ] {
            let home = Home::of(&role(partition)).expect(partition);
            assert_eq!((home.region, home.address(false, false).as_str()), (region, plain));
            assert_eq!(home.address(true, true), both);
        }
        assert!(Home::of(&role("aws-iso")).is_none());
    }

    #[test]
    fn a_policy_is_read_out_of_its_encoding() {
        let role = role("aws");
        let body = answer(&role.to_string(), "%7B%22a%22%3A%20%22b+c%22%7D");
        assert_eq!(of_answer(&body, &role).as_deref(), Ok(&br#"{"a": "b+c"}"#[..]));
    }

    #[test]
    fn an_answer_about_another_role_or_none_is_no_policy() {
        let role = role("aws");
        let other = answer("arn:aws:iam::999988887777:role/ci/release", "%7B%7D");
        let error = of_answer(&other, &role).expect_err("another account");
        assert!(!error.is_unavailable() && error.to_string().contains("arn:aws:iam::999988887777:role/ci/release"));
        for (name, body) in [
            ("no answer", String::new()),
            ("no element", "text".to_owned()),
            ("cut", answer(&role.to_string(), "%7B%7D").chars().take(120).collect()),
            ("half an escape", answer(&role.to_string(), "%7")),
            ("no escape", answer(&role.to_string(), "%+1%-1")),
        ] {
            let error = of_answer(&body, &role).expect_err(name);
            assert!(error.is_unavailable(), "{name}: {error}");
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_iam() {
        let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>a &amp; b</Message></Error></ErrorResponse>";
        assert_eq!(text(body, &["Error", "Message"]).as_deref(), Some("a & b"));
        assert_eq!(text(body, &["Error", "None"]), None);
    }
}
