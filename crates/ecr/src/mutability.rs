//! Which tags of a repository may be written again (Amazon ECR User Guide, "Preventing image tags from being overwritten").

use std::fmt;

use aws_sdk_ecr::types::{ImageTagMutability, Repository};

/// A repository's tag mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutability {
    /// `MUTABLE`: every tag.
    Mutable,
    /// `IMMUTABLE`: none.
    Immutable,
    /// `MUTABLE_WITH_EXCLUSION`: every tag that fits none of the filters.
    MutableExcept(Vec<WildcardFilter>),
    /// `IMMUTABLE_WITH_EXCLUSION`: only tags that fit one of the filters.
    ImmutableExcept(Vec<WildcardFilter>),
}

/// A filter of type `WILDCARD`: `*` is any text, also none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WildcardFilter(String);

impl WildcardFilter {
    /// From its text, for example `sha256-*.att`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn fits(&self, tag: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = tag.strip_prefix(first) else { return false };
        let parts: Vec<&str> = parts.collect();
        let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
        // The first place that fits leaves the most for those behind it.
        for part in middle {
            let Some((_, behind)) = rest.split_once(part) else { return false };
            rest = behind;
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for WildcardFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Mutability {
    /// Whether a tag that is there may be pushed again: ECR refuses otherwise, also for the same digest.
    pub fn allows_rewrite(&self, tag: &str) -> bool {
        let excluded = |filters: &[WildcardFilter]| filters.iter().any(|filter| filter.fits(tag));
        match self {
            Self::Mutable => true,
            Self::Immutable => false,
            Self::MutableExcept(filters) => !excluded(filters),
            Self::ImmutableExcept(filters) => excluded(filters),
        }
    }

    /// What `DescribeRepositories` says; nothing where it is a mode that is newer than this code.
    pub(crate) fn of(repository: &Repository) -> Option<Self> {
        let filters = repository.image_tag_mutability_exclusion_filters();
        // Another type of filter would be read wrong.
        let all_wildcards = filters.iter().all(|filter| filter.filter_type().as_str() == "WILDCARD");
        let filters = filters.iter().map(|filter| WildcardFilter::new(filter.filter())).collect();
        match repository.image_tag_mutability()? {
            ImageTagMutability::Mutable => Some(Self::Mutable),
            ImageTagMutability::Immutable => Some(Self::Immutable),
            ImageTagMutability::MutableWithExclusion if all_wildcards => Some(Self::MutableExcept(filters)),
            ImageTagMutability::ImmutableWithExclusion if all_wildcards => Some(Self::ImmutableExcept(filters)),
            _ => None,
        }
    }
}

impl fmt::Display for Mutability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed =
            |filters: &[WildcardFilter]| filters.iter().map(WildcardFilter::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Self::Mutable => f.write_str("MUTABLE"),
            Self::Immutable => f.write_str("IMMUTABLE"),
            Self::MutableExcept(filters) => write!(f, "MUTABLE_WITH_EXCLUSION of {}", listed(filters)),
            Self::ImmutableExcept(filters) => write!(f, "IMMUTABLE_WITH_EXCLUSION of {}", listed(filters)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_everything_else_itself() {
        for (filter, tag, fits) in [
            ("v1", "v1", true),
            ("v1", "v10", false),
            ("v1", "xv1", false),
            ("*", "", true),
            ("*", "anything", true),
            ("sha256-*.att", "sha256-ab.att", true),
            ("sha256-*.att", "sha256-.att", true),
            ("sha256-*.att", "sha256-ab.sig", false),
            ("sha256-*.att", "sha256-ab.att2", false),
            ("sha256-*.att", "sha256-ab", false),
            ("v*-rc*", "v1-rc2", true),
            ("v*-rc*", "v1-r", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*b*", "abc", true),
            ("*ab*", "aab", true),
            ("a**b", "ab", true),
            ("v.", "vx", false),
        ] {
            assert_eq!(WildcardFilter::new(filter).fits(tag), fits, "{filter} {tag}");
        }
    }

    #[test]
    fn exclusions_turn_the_mode_around() {
        let filters = || vec![WildcardFilter::new("sha256-*.att"), WildcardFilter::new("latest")];
        for (mutability, plain, excluded) in [
            (Mutability::Mutable, true, true),
            (Mutability::Immutable, false, false),
            (Mutability::MutableExcept(filters()), true, false),
            (Mutability::ImmutableExcept(filters()), false, true),
        ] {
            assert_eq!(mutability.allows_rewrite("v1"), plain, "{mutability}");
            assert_eq!(mutability.allows_rewrite("latest"), excluded, "{mutability}");
            assert_eq!(mutability.allows_rewrite("sha256-ab.att"), excluded, "{mutability}");
            // The tag with which registries without a referrers API list them is another one.
            assert_eq!(mutability.allows_rewrite("sha256-ab"), plain, "{mutability}");
        }
    }
}
