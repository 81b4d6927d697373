//! Names of owners and repositories, as they stand in paths of the API.

use std::fmt;
use std::str::FromStr;

/// The longest name of an owner or a repository; GitHub allows 39 and 100.
const LONGEST: usize = 100;

/// A repository: `OWNER/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryName {
    owner: String,
    name: String,
}

/// Where attestations are looked for: in one repository, or in all of an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// All repositories of an owner.
    Owner(String),
    /// One repository.
    Repository(RepositoryName),
}

impl RepositoryName {
    /// Who owns it.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Its name without the owner.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for RepositoryName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse()? {
            Place::Repository(name) => Ok(name),
            Place::Owner(_) => Err(format!("{text:?} is no repository, expected OWNER/NAME")),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (owner, name) = match text.split_once('/') {
            Some((owner, name)) => (owner, Some(name)),
            None => (text, None),
        };
        if !is_name(owner, "-_") || name.is_some_and(|name| !is_name(name, "-_.") || name.chars().all(|c| c == '.')) {
            return Err(format!("{text:?} is neither OWNER nor OWNER/REPO of GitHub"));
        }
        let owner = owner.to_owned();
        Ok(match name {
            Some(name) => Self::Repository(RepositoryName { owner, name: name.to_owned() }),
            None => Self::Owner(owner),
        })
    }
}

/// What stands in a path as it is.
fn is_name(text: &str, also: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    !text.is_empty() && text.len() <= LONGEST && text.chars().all(fits)
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(owner) => f.write_str(owner),
            Self::Repository(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ones_that_leave_a_path_as_it_is() {
        for good in ["acme", "acme/shop", "acme-corp/shop.rs", "jane_acme/.github", "a/b_c-d", "42/1"] {
            assert_eq!(good.parse::<Place>().map(|p| p.to_string()).as_deref(), Ok(good));
        }
        for bad in
            ["", "/", "acme/", "/shop", "a/b/c", "a/..", "a/.", "../a", "a b", "a/b?x", "a/b#c", "a%2fb", "ä", "a.b"]
        {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
        assert!("acme".parse::<RepositoryName>().is_err_and(|why| why.contains("OWNER/NAME")));
        assert!("a".repeat(101).parse::<Place>().is_err());
    }
}
