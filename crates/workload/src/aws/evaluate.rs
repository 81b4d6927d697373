//! Whether a trust policy lets a token in, statement by statement.

use super::condition::{Condition, Holds, Key};
use super::danger;
use super::document::{Statement, TrustPolicy};
use crate::advice;
use crate::claims::Claims;
use crate::difference::{Danger, Difference};
use crate::wildcard::Wildcard;

const ACTION: &str = "sts:assumerolewithwebidentity";

/// What a trust policy says about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The end of it.
    pub outcome: Outcome,
    /// Every statement.
    pub statements: Vec<Judged>,
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement allows it.
    NotAllowed,
    /// It depends on more than the token.
    NotKnown,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// `statement 1`, with its `Sid` if it has one.
    pub label: String,
    /// Whether it allows; else it denies.
    pub allows: bool,
    /// Whether it is about the token.
    pub verdict: Verdict,
    /// What is wrong with it in any case.
    pub dangers: Vec<Danger>,
}

/// Whether a statement is about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Applies,
    /// It is not, because of these.
    Differs(Vec<Difference>),
    /// It may be: these conditions, each as `OPERATOR KEY`, are about more than the token.
    Depends(Vec<String>),
}

impl TrustPolicy {
    /// Judges what a token may do. Its issuer says which provider is meant; `account` is the role's, if it is known.
    pub fn evaluate(&self, claims: &Claims, account: Option<&str>) -> Evaluation {
        let issuer = claims.text("iss").unwrap_or_default();
        // An account names a provider by its address without the scheme.
        let provider = issuer.split_once("://").map_or(issuer.as_str(), |(_, rest)| rest).trim_end_matches('/');
        let judge = |statement: &Statement| statement.judge(claims, provider, account);
        let statements: Vec<Judged> = self.statements.iter().map(judge).collect();
        let some = |allows: bool, wanted: fn(&Verdict) -> bool| {
            statements.iter().any(|judged| judged.allows == allows && wanted(&judged.verdict))
        };
        let applies: fn(&Verdict) -> bool = |verdict| *verdict == Verdict::Applies;
        let depends: fn(&Verdict) -> bool = |verdict| matches!(verdict, Verdict::Depends(_));
        let outcome = if some(false, applies) {
            Outcome::Denied
        } else if !some(true, applies) && !some(true, depends) {
            Outcome::NotAllowed
        } else if some(false, depends) || !some(true, applies) {
            Outcome::NotKnown
        } else {
            Outcome::Allowed
        };
        Evaluation { outcome, statements }
    }
}

impl Evaluation {
    /// What is wrong with the policy in any case, with the statement's name.
    pub fn dangers(&self) -> impl Iterator<Item = (&str, &Danger)> {
        self.statements.iter().flat_map(|judged| judged.dangers.iter().map(|danger| (judged.label.as_str(), danger)))
    }
}

impl Statement {
    fn judge(&self, claims: &Claims, provider: &str, account: Option<&str>) -> Judged {
        let mut differences: Vec<Difference> =
            [self.principal(provider, account), self.action()].into_iter().flatten().collect();
        let meant = differences.is_empty();
        let mut depends = Vec::new();
        for condition in &self.conditions {
            match condition.holds(claims, provider) {
                Holds::Yes => {}
                Holds::No => differences.push(difference(condition, claims, provider)),
                Holds::NotKnown => depends.push(format!("{} {}", condition.operator, condition.key)),
            }
        }
        let verdict = match (differences.is_empty(), depends.is_empty()) {
            (false, _) => Verdict::Differs(differences),
            (true, false) => Verdict::Depends(depends),
            (true, true) => Verdict::Applies,
        };
        let dangers = if meant && self.allows { danger::find(self, claims, provider) } else { vec![] };
        Judged { label: self.label.clone(), allows: self.allows, verdict, dangers }
    }

    fn principal(&self, provider: &str, account: Option<&str>) -> Option<Difference> {
        let is_meant = |arn: &String| {
            let named = arn.split(':').collect::<Vec<_>>();
            let fits = match named.as_slice() {
                ["arn", _, "iam", "", own, ..] => {
                    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
                    let own_account = account.is_none_or(|account| account == *own);
                    resource == format!("oidc-provider/{provider}") && own_account
                }
                _ => false,
            };
            fits || arn == "*"
        };
        if self.federated.iter().any(is_meant) {
            return None;
        }
        let expected = format!("arn:aws:iam::{}:oidc-provider/{provider}", account.unwrap_or("ACCOUNT"));
        let found = (!self.federated.is_empty()).then(|| self.federated.join(", "));
        let mut difference = Difference::new("Principal.Federated", "the token's issuer:", vec![expected], found);
        difference.next = Some("name the account's identity provider for the issuer in Principal.Federated".to_owned());
        Some(difference)
    }

    fn action(&self) -> Option<Difference> {
        let fits = |action: &String| Wildcard::like(&action.to_ascii_lowercase()).is_some_and(|a| a.matches(ACTION));
        if self.actions.iter().any(fits) != self.not_actions {
            return None;
        }
        let word = if self.not_actions { "NotAction" } else { "Action" };
        let expected = vec!["sts:AssumeRoleWithWebIdentity".to_owned()];
        Some(Difference::new(word, "to let in", expected, Some(self.actions.join(", "))))
    }
}

fn difference(condition: &Condition, claims: &Claims, provider: &str) -> Difference {
    let (name, found) = match condition.meant(provider) {
        Key::Claim(name) => {
            let found = claims.texts(&name);
            (name, (!found.is_empty()).then(|| found.join(", ")))
        }
        Key::Unread(name) => (name, None),
        Key::Foreign | Key::Request => (condition.key.clone(), None),
    };
    let mut difference = Difference::new(&name, &condition.operator, condition.values.clone(), found);
    let fits = |value: &str, text: &str| condition.fits(value, text) == Some(true);
    difference.next = advice::next(&difference, claims, &fits);
    difference
}
