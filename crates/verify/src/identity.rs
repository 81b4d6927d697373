//! Who a certificate was issued to.

use regex::Regex;
use sealwright_policy::{KeylessRule, Runner, SubjectRule, whole_regex};

/// What a certificate has to say. Issuer and subject are always demanded: either alone would be anybody.
#[derive(Debug, Clone)]
pub struct IdentityRule {
    /// The subject alternative name.
    pub subject: SubjectRule,
    /// The OpenID Connect issuer.
    pub issuer: IssuerRule,
    /// The kind of machine, where it is asked for.
    pub runner: Option<Runner>,
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
        Ok(Self { subject, issuer, runner: None })
    }

    /// A trust file's rule.
    pub fn from_policy(rule: &KeylessRule) -> Self {
        Self { subject: rule.subject.clone(), issuer: IssuerRule::Exact(rule.issuer.clone()), runner: rule.runner }
    }

    /// What does not fit; nothing if all does.
    pub fn mismatch(&self, subject: Option<&str>, issuer: Option<&str>, runner: Option<&str>) -> Option<String> {
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
        match self.runner {
            Some(expected) if runner != Some(expected.word()) => {
                Some(format!("the certificate's runner is {}, expected {}", shown(runner), expected.word()))
            }
            _ => None,
        }
    }
}

fn shown(text: Option<&str>) -> String {
    text.map_or_else(|| "not stated".to_owned(), |t| format!("{:?}", t.chars().take(300).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_to_match_the_whole_text_also_with_an_alternative_inside() {
        let rule = IdentityRule::from_flags(Err("https://x/.*|https://y/a"), Err("https://issuer")).expect("patterns");
        let fits = |subject, issuer| rule.mismatch(Some(subject), Some(issuer), None).is_none();
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
        assert!(lines.mismatch(Some("https://evil\nhttps://x"), Some("i"), None).is_some());
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
        assert!(rule.mismatch(Some("abc"), Some("i.s"), None).is_some());
        assert!(rule.mismatch(Some("a.c"), Some("ixs"), None).is_some());
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
        };
        let rule = IdentityRule::from_policy(&rule);
        assert_eq!(rule.mismatch(Some("me"), Some("iss"), Some("self-hosted")), None);
        for (subject, issuer, runner, what) in [
            ("you", "iss", "self-hosted", "identity is \"you\""),
            ("me", "other", "self-hosted", "issuer is \"other\""),
            ("me", "iss", "github-hosted", "runner is \"github-hosted\", expected self-hosted"),
        ] {
            let why = rule.mismatch(Some(subject), Some(issuer), Some(runner)).expect("another");
            assert!(why.contains(what), "{why}");
        }
    }

    #[test]
    fn what_is_not_stated_does_not_fit_and_the_runner_counts_where_it_is_asked_for() {
        let mut rule = IdentityRule::from_flags(Ok("me"), Ok("iss")).expect("exact");
        assert_eq!(rule.mismatch(Some("me"), Some("iss"), None), None);
        assert!(rule.mismatch(None, Some("iss"), None).is_some_and(|m| m.contains("identity is not stated")));
        assert!(rule.mismatch(Some("me"), None, None).is_some_and(|m| m.contains("issuer is not stated")));
        assert!(rule.mismatch(Some("me2"), Some("iss"), None).is_some());
        assert!(rule.mismatch(Some("me"), Some("iss2"), None).is_some());
        rule.runner = Some(Runner::GithubHosted);
        assert!(rule.mismatch(Some("me"), Some("iss"), None).is_some());
        assert!(rule.mismatch(Some("me"), Some("iss"), Some("self-hosted")).is_some());
        assert_eq!(rule.mismatch(Some("me"), Some("iss"), Some("github-hosted")), None);
    }
}
