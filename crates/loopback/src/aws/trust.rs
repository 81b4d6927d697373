//! Trust policies of roles (IAM User Guide, "Create a role for OpenID Connect federation"), as far as this account's are written:
//! `Allow` for the account's identity provider, with `StringEquals` and `StringLike` on claims. What is not understood is refused,
//! never skipped.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::policy::{Effect, OneOrMore};
use crate::registry::fits;

/// Who may assume a role.
#[derive(Debug, Clone)]
pub(super) struct Trust {
    document: Value,
    statements: Vec<Statement>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: String,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(default)]
    #[expect(dead_code, reason = "part of the format, and means nothing")]
    sid: Option<String>,
    effect: Effect,
    principal: Principal,
    action: Action,
    condition: BTreeMap<Operator, BTreeMap<String, OneOrMore>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Principal {
    federated: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Action {
    #[serde(rename = "sts:AssumeRoleWithWebIdentity")]
    AssumeRoleWithWebIdentity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum Operator {
    StringEquals,
    StringLike,
}

impl Trust {
    pub(super) fn of(document: Value) -> Result<Self, String> {
        let Document { version, statement } = serde_json::from_value(document.clone()).map_err(|e| e.to_string())?;
        if version == "2012-10-17" {
            Ok(Self { document, statements: statement })
        } else {
            Err(format!("its version is {version:?}"))
        }
    }

    /// Those whose `sub` fits one of the patterns, with a token for STS.
    pub(super) fn of_subjects(subjects: &[String], provider: &str, account: &str) -> Self {
        let named = |claim: &str| format!("{provider}:{claim}");
        let one = |name: String, value: Value| Value::Object(Map::from_iter([(name, value)]));
        let document = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": { "Federated": provider_arn(provider, account) },
            "Condition": {
                "StringEquals": one(named("aud"), json!("sts.amazonaws.com")),
                "StringLike": one(named("sub"), json!(subjects)),
            },
        }]});
        // A document of this module's own making.
        Self::of(document.clone()).unwrap_or(Self { document, statements: vec![] })
    }

    pub(super) fn document(&self) -> &Value {
        &self.document
    }

    /// Whether a token of the provider, for a role of this account, is let in.
    pub(super) fn lets_in(&self, claims: &Map<String, Value>, provider: &str, account: &str) -> bool {
        self.statements.iter().any(|statement| {
            let (Effect::Allow, Action::AssumeRoleWithWebIdentity) = (statement.effect, statement.action);
            let mut conditions = statement
                .condition
                .iter()
                .flat_map(|(operator, keys)| keys.iter().map(move |(k, v)| (*operator, k, v)));
            statement.principal.federated == provider_arn(provider, account)
                && conditions.all(|(operator, key, values)| {
                    let claim = key.strip_prefix(provider).and_then(|rest| rest.strip_prefix(':'));
                    claim.and_then(|claim| claims.get(claim)?.as_str()).is_some_and(|found| {
                        values.any(|expected| match operator {
                            Operator::StringEquals => expected == found,
                            Operator::StringLike => fits(expected, found),
                        })
                    })
                })
        })
    }
}

fn provider_arn(provider: &str, account: &str) -> String {
    format!("arn:aws:iam::{account}:oidc-provider/{provider}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111122223333";

    #[test]
    fn a_token_has_to_fit_every_condition() {
        let trust = Trust::of_subjects(&["repo:a/*:main".to_owned()], "i.example/x", ACCOUNT);
        let claims =
            |aud: &str, sub: &str| Map::from_iter([("aud".to_owned(), json!(aud)), ("sub".to_owned(), json!(sub))]);
        let good = claims("sts.amazonaws.com", "repo:a/b:main");
        assert!(trust.lets_in(&good, "i.example/x", ACCOUNT));
        assert!(!trust.lets_in(&claims("sigstore", "repo:a/b:main"), "i.example/x", ACCOUNT));
        assert!(!trust.lets_in(&claims("sts.amazonaws.com", "repo:b/b:main"), "i.example/x", ACCOUNT));
        let silent = Map::from_iter([("aud".to_owned(), json!("sts.amazonaws.com"))]);
        assert!(!trust.lets_in(&silent, "i.example/x", ACCOUNT));
        assert!(!trust.lets_in(&good, "i.example/y", ACCOUNT) && !trust.lets_in(&good, "i.example/x", "999988887777"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let whole = Trust::of_subjects(&["x".to_owned()], "i", ACCOUNT).document;
        assert!(Trust::of(whole.clone()).is_ok());
        for (pointer, value) in [
            ("/Version", json!("2008-10-17")),
            ("/Statement/0/Effect", json!("Deny")),
            ("/Statement/0/Action", json!("sts:*")),
            ("/Statement/0/NotPrincipal", json!({})),
            ("/Statement/0/Principal", json!("*")),
            ("/Statement/0/Condition/StringNotLike", json!({})),
        ] {
            let mut changed = whole.clone();
            let (object, key) = pointer.rsplit_once('/').expect("pointer");
            changed.pointer_mut(object).expect("object")[key] = value;
            assert!(Trust::of(changed).is_err(), "{pointer}");
        }
    }
}
