//! `WWW-Authenticate` (RFC 9110 §11.6.1): which of the two schemes that registries use, and its parameters.

/// A challenge that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    /// distribution's "Token Authentication".
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// The best challenge of the headers: a token before a password.
    pub(crate) fn best<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let all: Vec<Self> = headers.flat_map(split).filter_map(|(s, p)| Self::of(&s, &p)).collect();
        let bearer = all.iter().find(|challenge| **challenge != Self::Basic);
        bearer.or(all.first()).cloned()
    }

    fn of(scheme: &str, parameters: &[(String, String)]) -> Option<Self> {
        let one = |name: &str| parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone());
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        Some(Self::Bearer { realm: one("realm")?, service: one("service"), scope: one("scope") })
    }
}

type Parameters = Vec<(String, String)>;

/// Schemes with their parameters. One header may hold several challenges, parted by commas like their parameters; a word
/// that is followed by a space and no `=` starts a new one.
fn split(header: &str) -> Vec<(String, Parameters)> {
    let mut challenges: Vec<(String, Parameters)> = Vec::new();
    let mut rest = header.trim_start_matches([' ', ',']);
    while !rest.is_empty() {
        let word_end = rest.find([' ', '=', ',']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        let after = after.trim_start_matches(' ');
        if let Some(value) = after.strip_prefix('=') {
            let (value, after) = parameter_value(value.trim_start_matches(' '));
            if let Some((_, parameters)) = challenges.last_mut() {
                parameters.push((word.to_owned(), value));
            }
            rest = after;
        } else {
            challenges.push((word.to_owned(), Vec::new()));
            rest = after;
        }
        rest = rest.trim_start_matches([' ', ',']);
    }
    challenges
}

/// A token or a quoted string (RFC 9110 §5.6.4), and what comes after it.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', ',']).unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return (value.to_owned(), after);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer { realm: realm.into(), service: service.map(Into::into), scope: scope.map(Into::into) })
    }

    #[test]
    fn challenges_of_real_registries_are_understood() {
        let cases = [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull""#,
                bearer(
                    "https://auth.docker.io/token",
                    Some("registry.docker.io"),
                    Some("repository:library/alpine:pull"),
                ),
            ),
            (
                r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull,push""#,
                bearer("https://ghcr.io/token", Some("ghcr.io"), Some("repository:a/b:pull,push")),
            ),
            (
                r#"Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com""#,
                Some(Challenge::Basic),
            ),
            (r#"basic realm=x"#, Some(Challenge::Basic)),
            (r#"Basic realm="r", bearer realm = "https://t" , service=s"#, bearer("https://t", Some("s"), None)),
            (r#"Negotiate, Bearer realm="a\"b""#, bearer("a\"b", None, None)),
            ("Bearer service=x", None),
            ("Negotiate", None),
            ("", None),
            ("===,,,\"", None),
        ];
        for (header, expected) in cases {
            assert_eq!(Challenge::best([header].into_iter()), expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_header_ends(header in "[ =,\"\\\\a-zB]{0,60}") {
            let challenges = split(&header);
            prop_assert!(challenges.len() <= header.len());
        }
    }
}
