//! Where an instance publishes what others need to know of it.

use reqwest::Url;
use sealwright_core::{Digest, is_loopback_host};
use sigstore_tuf::TrustedMetadataSet;

use crate::TrustError;

const PUBLIC_GOOD: &str = "https://tuf-repo-cdn.sigstore.dev/";
const PUBLIC_GOOD_ROOT: &[u8] = include_bytes!("../roots/public-good.root.json");
const GITHUB: &str = "https://tuf-repo.github.com/";
const GITHUB_ROOT: &[u8] = include_bytes!("../roots/github.root.json");

/// A TUF repository and the root that one trusts it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    pub(crate) instance: String,
    pub(crate) url: Url,
    pub(crate) root: Vec<u8>,
}

impl Repository {
    /// Sigstore's public-good instance.
    ///
    /// # Errors
    /// Never; the address is a constant.
    pub fn public_good() -> Result<Self, TrustError> {
        Ok(Self { instance: "public-good".to_owned(), url: address(PUBLIC_GOOD)?, root: PUBLIC_GOOD_ROOT.to_vec() })
    }

    /// GitHub's own instance, for repositories that are not public.
    ///
    /// # Errors
    /// Never; the address is a constant.
    pub fn github() -> Result<Self, TrustError> {
        Ok(Self { instance: "github".to_owned(), url: address(GITHUB)?, root: GITHUB_ROOT.to_vec() })
    }

    /// The same files at another address.
    ///
    /// # Errors
    /// When it is no `https://` address, except on this machine.
    pub fn mirrored_at(self, url: &str) -> Result<Self, TrustError> {
        Ok(Self { url: address(url)?, ..self })
    }

    /// A private instance. `root` is its initial `root.json`, which has to come from somewhere else.
    ///
    /// # Errors
    /// When the address is none, or the root no root that its own keys signed.
    pub fn private(url: &str, root: Vec<u8>) -> Result<Self, TrustError> {
        TrustedMetadataSet::from_root(&root).map_err(|e| TrustError::Root(crate::error::told(&e)))?;
        let url = address(url)?;
        Ok(Self { instance: url.host_str().unwrap_or_default().to_owned(), url, root })
    }

    /// The instance's name: `public-good`, `github`, or the host of a private one.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Its address.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The name of its file in the cache. Another root is another repository: what it would not vouch for is not looked at.
    pub(crate) fn file_name(&self) -> String {
        let identity = [self.url.as_str().as_bytes(), b"\n", &self.root].concat();
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
        let host: String = self.url.host_str().unwrap_or_default().chars().map(plain).collect();
        let hex = Digest::of(&identity).hex();
        format!("{host}-{}.json", hex.get(..16).unwrap_or_default())
    }
}

/// A folder's address: what is joined to it must not replace its last part.
fn address(text: &str) -> Result<Url, TrustError> {
    let unusable = || TrustError::Address(text.to_owned());
    let url = Url::parse(&format!("{}/", text.trim_end_matches('/'))).map_err(|_| unusable())?;
    let plain = url.query().is_none() && url.fragment().is_none();
    let nobody = url.username().is_empty() && url.password().is_none();
    let safe = url.scheme() == "https" || (url.scheme() == "http" && url.host_str().is_some_and(is_loopback_host));
    if safe && plain && nobody && url.host_str().is_some() { Ok(url) } else { Err(unusable()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_that_come_along_are_roots() {
        for repository in [Repository::public_good(), Repository::github()] {
            let repository = repository.expect("a constant");
            let set = TrustedMetadataSet::from_root(&repository.root).expect(&repository.instance);
            assert!(set.root().consistent_snapshot && set.root().version >= 9, "{}", repository.instance);
        }
    }

    #[test]
    fn only_https_and_this_machine() {
        for good in ["https://tuf.example", "https://tuf.example/a/", "http://127.0.0.1:1", "http://localhost:1/x"] {
            assert!(address(good).is_ok_and(|url| url.path().ends_with('/')), "{good}");
        }
        for bad in [
            "http://tuf.example",
            "ftp://tuf.example",
            "file:///etc",
            "tuf.example",
            "",
            "https://tuf.example/?a=b",
            "https://me:secret@tuf.example/",
            "http://127.0.0.1.example",
        ] {
            assert!(matches!(address(bad), Err(TrustError::Address(_))), "{bad}");
        }
    }

    #[test]
    fn another_address_and_another_root_have_another_file() {
        let public = Repository::public_good().expect("a constant");
        let mirror = public.clone().mirrored_at("https://tuf.example/mirror").expect("address");
        let other = Repository { root: GITHUB_ROOT.to_vec(), ..mirror.clone() };
        let names = [public.file_name(), mirror.file_name(), other.file_name()];
        assert!(names[1].starts_with("tuf.example-") && names[1].ends_with(".json"), "{names:?}");
        assert!(names[0] != names[1] && names[1] != names[2], "{names:?}");
        let same = public.mirrored_at("https://tuf.example/mirror/").expect("address");
        assert_eq!(same.file_name(), names[1]);
    }

    #[test]
    fn what_is_no_root_is_refused() {
        for bad in [&b""[..], b"{}", b"{\"signed\":{},\"signatures\":[]}"] {
            assert!(matches!(Repository::private("https://a", bad.to_vec()), Err(TrustError::Root(_))));
        }
        let mut changed = GITHUB_ROOT.to_vec();
        let version = changed.windows(11).position(|w| w == b"\"version\": ").expect("version");
        changed[version + 11] = b'8';
        assert!(matches!(Repository::private("https://a", changed), Err(TrustError::Root(_))));
    }
}
