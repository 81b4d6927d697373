//! Who a certificate was issued to.

use regex::Regex;
use sealwright_policy::{KeylessRule, SubjectRule, whole_regex};

use crate::claims::{ClaimRules, NamedClaims, shown};

/// What a certificate has to say. Issuer and subject are always demanded: either alone would be anybody.
#[derive(Debug, Clone)]
pub struct IdentityRule {
    /// The subject alternative name.
    pub subject: SubjectRule,
    /// The OpenID Connect issuer.
    pub issuer: IssuerRule,
    /// What else it has to claim.
    pub claims: Box<ClaimRules>,
}

/// The OpenID Connect issuer.
#[derive(Debug, Clone)]
pub enum IssuerRule {
    /// This one.
    Exact(String),
    /// A regular expression that has to match all of it.
    Pattern(Regex),
}

impl IdentityRule {
    /// cosign's flags: each of the two exactly (`Ok`), or as a regular expression (`Err`), which here has to match the whole
    /// text. An empty text is anybody, and refused.
    ///
    /// # Errors
    /// The regular expression's, in one line.
    pub fn from_flags(subject: Result<&str, &str>, issuer: Result<&str, &str>) -> Result<Self, String> {
        for (what, Ok(text) | Err(text)) in [("identity", subject), ("issuer", issuer)] {
            if text.is_empty() {
                return Err(format!("the {what} is empty, expected who has to have signed"));
            }
        }
        let subject = match subject {
            Ok(exact) => SubjectRule::Exact(exact.to_owned()),
            Err(pattern) => SubjectRule::Pattern(whole_regex(pattern)?),
        };
        let issuer = match issuer {
            Ok(exact) => IssuerRule::Exact(exact.to_owned()),
            Err(pattern) => IssuerRule::Pattern(whole_regex(pattern)?),
        };
        Ok(Self { subject, issuer, claims: Box::default() })
    }

    /// A trust file's rule.
    pub fn from_policy(rule: &KeylessRule) -> Self {
        let issuer = IssuerRule::Exact(rule.issuer.clone());
        Self { subject: rule.subject.clone(), issuer, claims: Box::new(ClaimRules::from_policy(rule)) }
    }

    /// What does not fit; nothing if all does.
    pub fn mismatch(&self, subject: Option<&str>, issuer: Option<&str>, claims: &NamedClaims<'_>) -> Option<String> {
        let fits = match (&self.issuer, issuer) {
            (IssuerRule::Exact(expected), Some(found)) => expected == found,
            (IssuerRule::Pattern(pattern), Some(found)) => pattern.is_match(found),
            (_, None) => false,
        };
        if !fits {
            return Some(format!("the certificate's issuer is {}", shown(issuer)));
        }
        if !subject.is_some_and(|found| self.subject.matches(found)) {
            return Some(format!("the certificate's identity is {}", shown(subject)));
        }
        self.claims.mismatch(claims)
    }
}

#[cfg(test)]
mod tests {
    use sealwright_policy::Runner;

    use super::*;

    const NONE: &NamedClaims<'_> = &NamedClaims {
        trigger: None,
        commit: None,
        workflow_name: None,
        repository: None,
        reference: None,
        repository_id: None,
        owner_id: None,
        runner: None,
    };

    fn on(runner: &str) -> NamedClaims<'_> {
        NamedClaims { runner: Some(runner), ..*NONE }
    }

    #[test]
    fn a_pattern_has_to_match_the_whole_text_also_with_an_alternative_inside() {
        let rule = IdentityRule::from_flags(Err("https://x/.*|https://y/a"), Err("https://issuer")).expect("patterns");
        let fits = |subject, issuer| rule.mismatch(Some(subject), Some(issuer), NONE).is_none();
        assert!(fits("https://x/z", "https://issuer") && fits("https://y/a", "https://issuer"));
        for (subject, issuer) in [
            ("https://y/ab", "https://issuer"),
            ("see https://x/z", "https://issuer"),
            ("https://x/z", "https://issuer.evil"),
            ("https://x/z", "evil https://issuer"),
        ] {
            assert!(!fits(subject, issuer), "{subject} {issuer}");
        }
        // The flags of the pattern itself do not reach the anchors.
        let lines = IdentityRule::from_flags(Err("(?m)https://x"), Ok("i")).expect("pattern");
        assert!(lines.mismatch(Some("https://evil\nhttps://x"), Some("i"), NONE).is_some());
        for broken in ["(", "a)|(?:b", "(a{1000}){1000}"] {
            assert!(
                IdentityRule::from_flags(Err(broken), Ok("x")).is_err_and(|e| e.contains("regular expression")),
                "{broken}"
            );
            assert!(IdentityRule::from_flags(Ok("x"), Err(broken)).is_err_and(|e| !e.contains('\n')), "{broken}");
        }
    }

    #[test]
    fn an_exact_rule_is_no_pattern_and_an_empty_one_is_refused() {
        let rule = IdentityRule::from_flags(Ok("a.c"), Ok("i.s")).expect("exact");
        assert!(rule.mismatch(Some("abc"), Some("i.s"), NONE).is_some());
        assert!(rule.mismatch(Some("a.c"), Some("ixs"), NONE).is_some());
        assert!(IdentityRule::from_flags(Ok(""), Ok("x")).is_err_and(|e| e.contains("identity")));
        assert!(IdentityRule::from_flags(Err(""), Ok("x")).is_err_and(|e| e.contains("identity")));
        assert!(IdentityRule::from_flags(Ok("x"), Ok("")).is_err_and(|e| e.contains("issuer")));
        assert!(IdentityRule::from_flags(Ok("x"), Err("")).is_err_and(|e| e.contains("issuer")));
    }

    #[test]
    fn a_trust_files_rule_keeps_all_its_parts() {
        let rule = KeylessRule {
            issuer: "iss".into(),
            subject: SubjectRule::Exact("me".into()),
            runner: Some(Runner::SelfHosted),
            triggers: vec!["push".into()],
        };
        let rule = IdentityRule::from_policy(&rule);
        let named = |runner| NamedClaims { trigger: Some("push"), ..on(runner) };
        assert_eq!(rule.mismatch(Some("me"), Some("iss"), &named("self-hosted")), None);
        assert!(rule.mismatch(Some("me"), Some("iss"), &on("self-hosted")).is_some_and(|m| m.contains("trigger")));
        for (subject, issuer, runner, what) in [
            ("you", "iss", "self-hosted", "identity is \"you\""),
            ("me", "other", "self-hosted", "issuer is \"other\""),
            ("me", "iss", "github-hosted", "runner is \"github-hosted\", expected self-hosted"),
        ] {
            let why = rule.mismatch(Some(subject), Some(issuer), &named(runner)).expect("another");
            assert!(why.contains(what), "{why}");
        }
    }

    #[test]
    fn what_is_not_stated_does_not_fit_and_the_runner_counts_where_it_is_asked_for() {
        let mut rule = IdentityRule::from_flags(Ok("me"), Ok("iss")).expect("exact");
        assert_eq!(rule.mismatch(Some("me"), Some("iss"), NONE), None);
        assert!(rule.mismatch(None, Some("iss"), NONE).is_some_and(|m| m.contains("identity is not stated")));
        assert!(rule.mismatch(Some("me"), None, NONE).is_some_and(|m| m.contains("issuer is not stated")));
        assert!(rule.mismatch(Some("me2"), Some("iss"), NONE).is_some());
        assert!(rule.mismatch(Some("me"), Some("iss2"), NONE).is_some());
        rule.claims.runner = Some(Runner::GithubHosted);
        assert!(rule.mismatch(Some("me"), Some("iss"), NONE).is_some());
        assert!(rule.mismatch(Some("me"), Some("iss"), &on("self-hosted")).is_some());
        assert_eq!(rule.mismatch(Some("me"), Some("iss"), &on("github-hosted")), None);
    }
}
