//! One condition of a statement against what a token says (IAM User Guide, "Condition operators", "Set operators for multivalued
//! context keys" and "Condition operator to check existence of condition keys").

use super::KEYS;
use crate::claims::Claims;
use crate::wildcard::Wildcard;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    /// As written, for example `ForAnyValue:StringLikeIfExists`.
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Vec<String>,
    pub(super) set: Option<Set>,
    pub(super) if_exists: bool,
    pub(super) test: Test,
}

/// How a key with several values is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// `ForAllValues:`, which holds where there is none.
    All,
    /// `ForAnyValue:`.
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// `String…`.
    Text { like: bool, negated: bool, ignore_case: bool },
    /// `Null`.
    Null,
    /// Numbers, times, addresses and ARNs: nothing that a token says is one.
    Other,
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// A claim that AWS reads.
    Claim(String),
    /// A claim that AWS does not read: as if it were missing.
    Unread(String),
    /// Another provider's: the token has none of its claims.
    Foreign,
    /// `aws:…` and `sts:…`: of the request, which is not known here.
    Request,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Yes,
    No,
    NotKnown,
}

impl Condition {
    pub(super) fn new(operator: &str, key: &str, values: Vec<String>) -> Self {
        let (set, rest) = match operator.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Set::All), rest),
            Some(("ForAnyValue", rest)) => (Some(Set::Any), rest),
            _ => (None, operator),
        };
        let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
        let text = |like, negated, ignore_case| Test::Text { like, negated, ignore_case };
        let test = match base {
            "StringEquals" => text(false, false, false),
            "StringNotEquals" => text(false, true, false),
            "StringEqualsIgnoreCase" => text(false, false, true),
            "StringNotEqualsIgnoreCase" => text(false, true, true),
            "StringLike" => text(true, false, false),
            "StringNotLike" => text(true, true, false),
            "Null" => Test::Null,
            _ => Test::Other,
        };
        Self { operator: operator.to_owned(), key: key.to_owned(), values, set, if_exists, test }
    }

    /// Names of keys do not depend on the case of their letters.
    pub(super) fn meant(&self, provider: &str) -> Key {
        let key = self.key.to_ascii_lowercase();
        if key.starts_with("aws:") || key.starts_with("sts:") {
            return Key::Request;
        }
        let Some(name) = key.strip_prefix(&format!("{}:", provider.to_ascii_lowercase())) else { return Key::Foreign };
        if KEYS.contains(&name) { Key::Claim(name.to_owned()) } else { Key::Unread(name.to_owned()) }
    }

    /// Whether what is compared has to be there for the condition to hold.
    pub(super) fn demands(&self) -> bool {
        let positive = matches!(self.test, Test::Text { negated: false, .. });
        positive && !self.if_exists && self.set != Some(Set::All)
    }

    pub(super) fn holds(&self, claims: &Claims, provider: &str) -> Holds {
        match self.meant(provider) {
            Key::Claim(name) => self.holds_for(&claims.texts(&name)),
            Key::Unread(_) | Key::Foreign => self.holds_for(&[]),
            Key::Request => Holds::NotKnown,
        }
    }

    /// The same for a key with these values.
    pub(super) fn holds_for(&self, found: &[String]) -> Holds {
        let yes = |holds: bool| if holds { Holds::Yes } else { Holds::No };
        match self.test {
            // "Null": "true" holds where the key is missing.
            Test::Null => yes(self.values.iter().any(|value| (value == "true") == found.is_empty())),
            Test::Other if found.is_empty() && (self.if_exists || self.set == Some(Set::All)) => Holds::Yes,
            Test::Other => Holds::NotKnown,
            Test::Text { negated, .. } if found.is_empty() => match self.set {
                Some(Set::All) => Holds::Yes,
                Some(Set::Any) => yes(self.if_exists),
                None => yes(self.if_exists || negated),
            },
            Test::Text { negated, .. } => {
                let Some(any) = found.iter().map(|found| self.takes(found)).collect::<Option<Vec<bool>>>() else {
                    return Holds::NotKnown;
                };
                // Of one that is negated, no value may fit.
                let mut each = any.into_iter().map(|fits| fits != negated);
                yes(match self.set {
                    Some(Set::All) => each.all(|fits| fits),
                    Some(Set::Any) => each.any(|fits| fits),
                    None if negated => each.all(|fits| fits),
                    None => each.any(|fits| fits),
                })
            }
        }
    }

    /// Whether one of the values fits a text, negation aside; nothing where a policy variable decides.
    fn takes(&self, found: &str) -> Option<bool> {
        let one = |value: &String| self.fits(value, found);
        let fits = self.values.iter().map(one).collect::<Vec<Option<bool>>>();
        if fits.contains(&Some(true)) {
            Some(true)
        } else {
            fits.into_iter().collect::<Option<Vec<_>>>().map(|_| false)
        }
    }

    /// Whether one value fits a text.
    pub(super) fn fits(&self, value: &str, found: &str) -> Option<bool> {
        let Test::Text { like, ignore_case, .. } = self.test else { return None };
        let fold = |text: &str| if ignore_case { text.to_lowercase() } else { text.to_owned() };
        let value = if like { Wildcard::like(&fold(value)) } else { Wildcard::literal(&fold(value)) };
        Some(value?.matches(&fold(found)))
    }
}

#[cfg(test)]
mod tests {
    use super::Holds::{No, NotKnown, Yes};
    use super::*;

    fn holds(operator: &str, values: &[&str], found: &[&str]) -> Holds {
        let values = values.iter().map(|v| (*v).to_owned()).collect();
        let found: Vec<String> = found.iter().map(|f| (*f).to_owned()).collect();
        Condition::new(operator, "k", values).holds_for(&found)
    }

    /// IAM User Guide, the tables of the three chapters above.
    #[test]
    fn each_operator_holds_where_iam_says_so() {
        for (operator, values, found, expected) in [
            ("StringEquals", &["a", "b"][..], &["b"][..], Yes),
            ("StringEquals", &["a*"], &["ab"], No),
            ("StringEquals", &["a"], &["A"], No),
            ("StringEqualsIgnoreCase", &["a"], &["A"], Yes),
            ("StringNotEqualsIgnoreCase", &["a"], &["A"], No),
            ("StringEquals", &["a"], &[], No),
            ("StringEqualsIfExists", &["a"], &[], Yes),
            ("StringEqualsIfExists", &["a"], &["b"], No),
            ("StringNotEquals", &["a", "b"], &["b"], No),
            ("StringNotEquals", &["a"], &["b"], Yes),
            ("StringNotEquals", &["a"], &[], Yes),
            ("StringLike", &["a*"], &["ab"], Yes),
            ("StringNotLike", &["a*"], &["ab"], No),
            ("StringNotLike", &["a*"], &["b"], Yes),
            ("ForAllValues:StringEquals", &["a"], &[], Yes),
            ("ForAllValues:StringEquals", &["a"], &["a", "b"], No),
            ("ForAllValues:StringLike", &["*"], &["a", "b"], Yes),
            ("ForAnyValue:StringEquals", &["a"], &["a", "b"], Yes),
            ("ForAnyValue:StringEquals", &["a"], &[], No),
            ("ForAnyValue:StringNotEquals", &["a"], &["a", "b"], Yes),
            ("ForAllValues:StringNotEquals", &["a"], &["a", "b"], No),
            ("Null", &["true"], &[], Yes),
            ("Null", &["true"], &["a"], No),
            ("Null", &["false"], &["a"], Yes),
            ("Null", &["false"], &[], No),
            ("NumericLessThan", &["5"], &["1"], NotKnown),
            ("StringEquals", &["${aws:username}"], &["a"], NotKnown),
            ("StringEquals", &["${aws:username}", "a"], &["a"], Yes),
            ("stringequals", &["a"], &["a"], NotKnown),
        ] {
            assert_eq!(holds(operator, values, found), expected, "{operator} {values:?} {found:?}");
        }
    }

    #[test]
    fn keys_are_the_providers_or_the_requests() {
        let meant = |key: &str| Condition::new("StringEquals", key, vec![]).meant("issuer.example/x");
        assert_eq!(meant("issuer.example/x:sub"), Key::Claim("sub".into()));
        assert_eq!(meant("Issuer.Example/x:SUB"), Key::Claim("sub".into()));
        assert_eq!(meant("issuer.example/x:event_name"), Key::Unread("event_name".into()));
        assert_eq!(meant("issuer.example:sub"), Key::Foreign);
        assert_eq!(meant("aws:SourceIp"), Key::Request);
        assert_eq!(meant("sts:RoleSessionName"), Key::Request);
    }
}
