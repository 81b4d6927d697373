//! The two forms of the subject of GitHub's tokens (GitHub, "OpenID Connect reference", "Immutable subject claims"): repositories
//! that were made, renamed or transferred after 2026-07-15 have their ids in it.

use crate::claims::Claims;

/// `repo:OWNER/REPOSITORY:CONTEXT` or `repo:OWNER@ID/REPOSITORY@ID:CONTEXT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subject<'a> {
    pub(crate) owner: &'a str,
    pub(crate) repository: &'a str,
    /// The owner's id and the repository's.
    pub(crate) ids: Option<(&'a str, &'a str)>,
    /// `ref:refs/heads/main`, `environment:NAME`, `pull_request`; an organization may have set others.
    pub(crate) context: &'a str,
}

impl<'a> Subject<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (name, context) = text.strip_prefix("repo:")?.split_once(':')?;
        let (owner, repository) = name.split_once('/')?;
        match (owner.split_once('@'), repository.split_once('@')) {
            (Some((owner, owner_id)), Some((repository, id))) => {
                Some(Self { owner, repository, ids: Some((owner_id, id)), context })
            }
            (None, None) => Some(Self { owner, repository, ids: None, context }),
            _ => None,
        }
    }

    /// `repo:OWNER/REPOSITORY:`.
    pub(crate) fn by_name(&self) -> String {
        format!("repo:{}/{}:", self.owner, self.repository)
    }

    /// `repo:OWNER@ID/REPOSITORY@ID:`, with the ids of the subject or of the other claims.
    pub(crate) fn by_id(&self, claims: &Claims) -> Option<String> {
        let (owner, repository) = match self.ids {
            Some((owner, repository)) => (owner.to_owned(), repository.to_owned()),
            None => (claims.text("repository_owner_id")?, claims.text("repository_id")?),
        };
        Some(format!("repo:{}@{owner}/{}@{repository}:", self.owner, self.repository))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_written() {
        let claims = Claims::of_json(br#"{"repository_id":"2","repository_owner_id":"1"}"#).expect("claims");
        let named = Subject::parse("repo:acme/shop:ref:refs/heads/main").expect("named");
        assert_eq!((named.ids, named.context), (None, "ref:refs/heads/main"));
        assert_eq!(named.by_id(&claims).as_deref(), Some("repo:acme@1/shop@2:"));
        let immutable = Subject::parse("repo:acme@3/shop@4:pull_request").expect("immutable");
        assert_eq!((immutable.ids, immutable.by_name().as_str()), (Some(("3", "4")), "repo:acme/shop:"));
        assert_eq!(immutable.by_id(&claims).as_deref(), Some("repo:acme@3/shop@4:"));
        for other in ["repo:acme", "repo:acme/shop", "repo:acme@1/shop:x", "x:acme/shop:y", "repo:acme:y"] {
            assert_eq!(Subject::parse(other), None, "{other}");
        }
    }
}
