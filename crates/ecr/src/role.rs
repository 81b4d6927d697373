//! A role that a workload assumes with its own identity token (AWS STS API Reference, `AssumeRoleWithWebIdentity`).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealwright_core::Redacted;
use serde_json::Value;

use crate::host::is_account;

/// For whom the identity token has to be.
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// A session's name has at most so many characters of `[\w+=,.@-]`.
const LONGEST_NAME: usize = 64;

/// `arn:PARTITION:iam::ACCOUNT:role/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleArn {
    text: String,
    partition: String,
}

impl RoleArn {
    /// Which AWS it is of.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The account that it is in: twelve digits.
    pub fn account(&self) -> &str {
        self.text.split(':').nth(4).unwrap_or_default()
    }

    /// What follows its path, by which IAM is asked for it.
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RoleArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let name = match parts.as_slice() {
            ["arn", partition, "iam", "", account, resource] if partition.starts_with("aws") && is_account(account) => {
                resource.strip_prefix("role/")
            }
            _ => None,
        };
        let fits = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
        let partition = parts.get(1).map(|partition| (*partition).to_owned());
        match (name.filter(fits), partition) {
            (Some(_), Some(partition)) => Ok(Self { text: text.to_owned(), partition }),
            _ => Err(format!("{text:?} is no role, expected arn:aws:iam::ACCOUNT:role/NAME")),
        }
    }
}

/// The name under which CloudTrail shows what a session does: `sealwright-OWNER-REPOSITORY-RUN` for a job of GitHub Actions,
/// so that a push in the log leads to its run. What the token says is not verified here; STS does that.
pub(crate) fn session_name(token: &Redacted<String>) -> String {
    let claims = token.expose().split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims: Value = claims.and_then(|payload| serde_json::from_slice(&payload).ok()).unwrap_or_default();
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).map(legible);
    let Some(repository) = claim("repository") else { return "sealwright".to_owned() };
    let run = claim("run_id").map(|run| format!("-{run}")).unwrap_or_default();
    let mut name = format!("sealwright-{repository}");
    // The run is what one looks for, so the repository's name gives way.
    name.truncate(LONGEST_NAME.saturating_sub(run.len()));
    name.push_str(&run);
    name.truncate(LONGEST_NAME);
    name
}

/// The characters that a session's name may have; others become `-`.
fn legible(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_one_of_any_partition() {
        for (good, partition) in [
            ("arn:aws:iam::111122223333:role/release", "aws"),
            ("arn:aws-cn:iam::111122223333:role/ci/release", "aws-cn"),
            ("arn:aws-us-gov:iam::111122223333:role/release", "aws-us-gov"),
        ] {
            let role = good.parse::<RoleArn>().expect(good);
            assert_eq!((role.partition(), role.account(), role.name()), (partition, "111122223333", "release"));
        }
        for bad in [
            "release",
            "arn:aws:iam::111122223333:user/release",
            "arn:aws:iam::1:role/release",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/a b",
            "arn:aws:sts::111122223333:assumed-role/release/x",
            "arn:evil:iam::111122223333:role/release",
        ] {
            let error = bad.parse::<RoleArn>().expect_err(bad);
            assert!(error.contains("expected arn:aws:iam::ACCOUNT:role/NAME"), "{error}");
        }
    }

    #[test]
    fn a_session_is_named_after_the_run() {
        let token = |payload: &str| Redacted::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload)));
        let named = |payload: &str| session_name(&token(payload));
        assert_eq!(named(r#"{"repository":"acme/shop","run_id":"42"}"#), "sealwright-acme-shop-42");
        assert_eq!(named(r#"{"repository":"acme/sh op"}"#), "sealwright-acme-sh-op");
        assert_eq!(named("{}"), "sealwright");
        assert_eq!(session_name(&Redacted::new("no token".into())), "sealwright");
        let long = named(&format!(r#"{{"repository":"acme/{}","run_id":"12345678901"}}"#, "x".repeat(100)));
        assert!(long.len() == 64 && long.ends_with("x-12345678901"), "{long}");
        assert_eq!(named(&format!(r#"{{"repository":"é","run_id":"{}"}}"#, "1".repeat(100))).len(), 64);
    }
}
