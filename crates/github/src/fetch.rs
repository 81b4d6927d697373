//! Bundles about a digest.

use reqwest::{StatusCode, Url};
use sealwright_core::Digest;

use crate::answer::{Content, Page};
use crate::http::{Answer, Asked, Sent};
use crate::{GitHubError, Place, Store, Surface, unpack};

/// More pages than any image needs: each may be empty and name another one.
const MOST_PAGES: usize = 100;
/// The most that a page may list (GitHub REST API, "List attestations").
const PER_PAGE: usize = 100;

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bundles.
    pub bundles: usize,
    /// One bundle, in bytes.
    pub bundle: u64,
    /// All bundles together, and one page, in bytes.
    pub bytes: u64,
}

/// What the store has.
#[derive(Debug, Default)]
pub struct Fetched {
    /// The bundles, as the store has them.
    pub bundles: Vec<Vec<u8>>,
    /// What is listed and is no bundle that could be read, and how much was not read.
    pub left_aside: Vec<String>,
}

/// One entry of the list.
enum Read {
    Bundle(Vec<u8>),
    /// Listed, and not what it should be.
    Broken(String),
    /// May be read, but not beside those that were.
    NoRoom,
}

impl Store {
    /// Reads the bundles about `digest`. With `predicate_type` GitHub is asked for those of one type only.
    ///
    /// An entry that is no bundle is left aside: whoever may store attestations could otherwise block an image. What GitHub
    /// does not answer is an error: silence is not "there is nothing".
    ///
    /// # Errors
    /// When GitHub does not answer or says no. That it knows none (404) is no error; it says so too where the token may not
    /// see the repository.
    pub async fn fetch(
        &self,
        place: &Place,
        digest: &Digest,
        predicate_type: Option<&str>,
        bounds: &Bounds,
    ) -> Result<Fetched, GitHubError> {
        let what = format!("list the attestations of {place}");
        let asked = Asked { surface: Surface::Attestations, what: &what };
        let mut url = self.list(place, digest, predicate_type)?;
        let mut found = Fetched::default();
        for _ in 0..MOST_PAGES {
            let Answer { status, next, body } =
                self.exchange(&Sent::Get, &url, &[StatusCode::NOT_FOUND], bounds.bytes, asked).await?;
            if status == StatusCode::NOT_FOUND {
                return Ok(found);
            }
            let protocol = |problem: String| GitHubError::Protocol { what: what.clone(), problem };
            let body = body.ok_or_else(|| protocol(format!("has more than {} bytes", bounds.bytes)))?;
            let page = Page::parse(&body).map_err(protocol)?;
            if !self.take(&page, bounds, &mut found).await? {
                return Ok(found);
            }
            let Some(next) = next else { return Ok(found) };
            url = self.next(&url, &next).ok_or_else(|| protocol("names a next page elsewhere".to_owned()))?;
        }
        found.left_aside.push(format!("there are more pages than {MOST_PAGES}, which are the most that are read"));
        Ok(found)
    }

    fn list(&self, place: &Place, digest: &Digest, predicate_type: Option<&str>) -> Result<Url, GitHubError> {
        let path = match place {
            Place::Owner(owner) => format!("orgs/{owner}/attestations/{digest}"),
            Place::Repository(name) => format!("repos/{name}/attestations/{digest}"),
        };
        let mut url = self.url(&path)?;
        url.query_pairs_mut().append_pair("per_page", &PER_PAGE.to_string());
        if let Some(kind) = predicate_type {
            url.query_pairs_mut().append_pair("predicate_type", kind);
        }
        Ok(url)
    }

    /// Takes what a page lists. Whether there is room for more.
    async fn take(&self, page: &Page<'_>, bounds: &Bounds, found: &mut Fetched) -> Result<bool, GitHubError> {
        for listed in &page.attestations {
            if found.bundles.len() + found.left_aside.len() >= bounds.bundles {
                let most = bounds.bundles;
                found.left_aside.push(format!("more bundles were not read: {most} are the most"));
                return Ok(false);
            }
            let taken: u64 = found.bundles.iter().map(|bundle| bundle.len() as u64).sum();
            match self.read(listed.content(), bounds, bounds.bytes.saturating_sub(taken)).await? {
                Read::Bundle(bytes) => found.bundles.push(bytes),
                Read::Broken(why) => found.left_aside.push(format!("an attestation of the store {why}")),
                Read::NoRoom => {
                    let most = bounds.bytes;
                    found.left_aside.push(format!("more bundles were not read: {most} bytes in all are the most"));
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    async fn read(&self, content: Content<'_>, bounds: &Bounds, room: u64) -> Result<Read, GitHubError> {
        let bytes = match content {
            Content::Nowhere => return Ok(Read::Broken("has no bundle".to_owned())),
            Content::Here(bytes) if bytes.len() as u64 > bounds.bundle => {
                return Ok(Read::Broken(format!("has more than {} bytes", bounds.bundle)));
            }
            Content::Here(bytes) => bytes.to_vec(),
            Content::At(address) => match self.download(address, bounds.bundle).await? {
                Ok(bytes) => bytes,
                Err(why) => return Ok(Read::Broken(why)),
            },
        };
        Ok(if bytes.len() as u64 > room { Read::NoRoom } else { Read::Bundle(bytes) })
    }

    /// A bundle that lies elsewhere, or what is wrong with it.
    async fn download(&self, address: &str, limit: u64) -> Result<Result<Vec<u8>, String>, GitHubError> {
        let Some(url) = self.place(address) else {
            return Ok(Err("lies at no https:// address".to_owned()));
        };
        // The longest block of that many bytes.
        let most = snap::raw::max_compress_len(usize::try_from(limit).unwrap_or(usize::MAX)) as u64;
        let gone = [StatusCode::NOT_FOUND, StatusCode::GONE];
        let asked = Asked { surface: Surface::Attestations, what: "give a bundle" };
        let Answer { status, body, .. } = self.exchange(&Sent::Download, &url, &gone, most, asked).await?;
        if gone.contains(&status) {
            return Ok(Err("is listed, and its bundle is gone".to_owned()));
        }
        Ok(match body {
            Some(block) => unpack(&block, limit),
            None => Err(format!("has more than {most} bytes")),
        })
    }
}
