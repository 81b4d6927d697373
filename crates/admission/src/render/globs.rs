//! The images of a trust file as globs, for engines that take nothing else.
//!
//! A glob never fits less than the pattern, and may fit more: what fits has to have evidence, so that more is refused and nothing
//! let in. A star stands behind a slash, or where the trust file has one.

use sealwright_policy::PathPattern;

/// How an engine writes "any signs, slashes too".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `*` (kyverno/kyverno 1.19.1, `ext/wildcard`).
    Kyverno,
    /// `**`; a `*` stops at a slash, and there is no `?` (sigstore/policy-controller v0.15.1, `pkg/apis/glob`).
    PolicyController,
}

/// So many `**` inside a pattern are written out, each in two ways.
const MOST_INSIDE: usize = 3;

/// Globs for references with a tag or a digest; none of the patterns means every image.
///
/// # Errors
/// When a pattern cannot be written in this dialect.
pub(super) fn globs(patterns: &[PathPattern], dialect: Dialect) -> Result<Vec<String>, String> {
    if patterns.is_empty() {
        return Ok(vec![dialect.any().to_owned()]);
    }
    let mut globs = Vec::new();
    for pattern in patterns {
        globs.extend(of_pattern(pattern, dialect)?);
    }
    if dialect == Dialect::PolicyController {
        // The controller calls Docker Hub by another name (go-containerregistry, `name.DefaultRegistry`).
        let hub: Vec<String> = globs
            .iter()
            .filter_map(|glob| Some(format!("index.docker.io/{}", glob.strip_prefix("docker.io/")?)))
            .collect();
        globs.extend(hub);
    }
    globs.sort();
    globs.dedup();
    Ok(globs)
}

impl Dialect {
    fn any(self) -> &'static str {
        match self {
            Self::Kyverno => "*",
            Self::PolicyController => "**",
        }
    }

    fn takes(self, c: char) -> bool {
        match self {
            Self::Kyverno => true,
            Self::PolicyController => c.is_ascii_alphanumeric() || "-_:/*.@".contains(c),
        }
    }
}

fn of_pattern(pattern: &PathPattern, dialect: Dialect) -> Result<Vec<String>, String> {
    let mut components: Vec<&str> = pattern.as_str().split('/').collect();
    components.dedup_by(|next, before| *next == "**" && *before == "**");
    let last = components.pop().unwrap_or_default();
    if components.iter().filter(|one| **one == "**").count() > MOST_INSIDE {
        return Err(format!(
            "images: {pattern:?} has more than {MOST_INSIDE} times `**` inside, which is too much for globs"
        ));
    }
    let mut written = vec![String::new()];
    for component in components {
        if component == "**" {
            // Any number of components, also none.
            let more: Vec<String> = written.iter().map(|before| format!("{before}{}/", dialect.any())).collect();
            written.extend(more);
        } else {
            written.iter_mut().for_each(|before| *before = format!("{before}{component}/"));
        }
    }
    let ends: Vec<String> = match last {
        "**" => vec![dialect.any().to_owned()],
        // Its star takes the tag and the digest too.
        last if last.ends_with('*') => vec![last.to_owned()],
        last => vec![format!("{last}:*"), format!("{last}@*")],
    };
    let globs = written.iter().flat_map(|before| ends.iter().map(move |end| format!("{before}{end}")));
    let globs = globs.map(|glob| match dialect {
        Dialect::Kyverno => glob,
        Dialect::PolicyController => glob.replace('?', "*"),
    });
    globs
        .map(|glob| match glob.chars().find(|c| !dialect.takes(*c)) {
            Some(c) => Err(format!("images: {pattern:?} has {c:?}, which no glob of the policy-controller can have")),
            None => Ok(glob),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str], dialect: Dialect) -> Result<Vec<String>, String> {
        globs(&texts.iter().map(|text| text.parse().expect(text)).collect::<Vec<_>>(), dialect)
    }

    #[test]
    fn a_glob_ends_at_a_slash_a_tag_or_a_digest() {
        for (pattern, kyverno, controller) in [
            ("r.example/shop/**", &["r.example/shop/*"][..], &["r.example/shop/**"][..]),
            ("r.example/app", &["r.example/app:*", "r.example/app@*"], &["r.example/app:*", "r.example/app@*"]),
            ("r.example/*/v?", &["r.example/*/v?:*", "r.example/*/v?@*"], &["r.example/*/v*:*", "r.example/*/v*@*"]),
            ("r.example/team-*", &["r.example/team-*"], &["r.example/team-*"]),
            (
                "r.example/**/**/app",
                &["r.example/*/app:*", "r.example/*/app@*", "r.example/app:*", "r.example/app@*"],
                &["r.example/**/app:*", "r.example/**/app@*", "r.example/app:*", "r.example/app@*"],
            ),
        ] {
            assert_eq!(of(&[pattern], Dialect::Kyverno).expect("globs"), kyverno);
            assert_eq!(of(&[pattern], Dialect::PolicyController).expect("globs"), controller);
        }
        let hub = of(&["docker.io/acme/**"], Dialect::PolicyController).expect("globs");
        assert_eq!(hub, ["docker.io/acme/**", "index.docker.io/acme/**"]);
        assert_eq!(of(&[], Dialect::Kyverno).expect("globs"), ["*"]);
        assert_eq!(of(&[], Dialect::PolicyController).expect("globs"), ["**"]);
    }

    #[test]
    fn what_no_glob_can_say_is_refused() {
        assert!(of(&["r.example/a+b"], Dialect::PolicyController).expect_err("a plus").contains("'+'"));
        assert!(of(&["**/a/**/b/**/c/**/d"], Dialect::Kyverno).expect_err("too many").contains("more than 3"));
    }
}
