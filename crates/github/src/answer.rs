//! One page of a list of attestations.

use serde::Deserialize;
use serde_json::value::RawValue;

/// A page of the answer (GitHub REST API, "List attestations").
#[derive(Debug, Deserialize)]
pub struct Page<'a> {
    /// What is listed.
    #[serde(borrow)]
    pub(crate) attestations: Vec<Listed<'a>>,
}

/// One attestation: the bundle itself, or where it lies. Since July 2026 the bundle is `null`.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed<'a> {
    #[serde(borrow, default)]
    bundle: Option<&'a RawValue>,
    #[serde(default)]
    bundle_url: Option<String>,
}

/// Where a bundle is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    Here(&'a [u8]),
    At(&'a str),
    Nowhere,
}

impl<'a> Page<'a> {
    /// Reads a page.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|e| format!("is no list of attestations: {e}"))
    }

    /// The bundles that stand in the page itself, byte for byte.
    pub fn bundles(&self) -> impl Iterator<Item = &[u8]> {
        self.attestations.iter().filter_map(|listed| match listed.content() {
            Content::Here(bytes) => Some(bytes),
            Content::At(_) | Content::Nowhere => None,
        })
    }
}

impl Listed<'_> {
    pub(crate) fn content(&self) -> Content<'_> {
        match (self.bundle, self.bundle_url.as_deref()) {
            (Some(bundle), _) => Content::Here(bundle.get().as_bytes()),
            (None, Some(url)) if !url.is_empty() => Content::At(url),
            (None, _) => Content::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_keeps_its_bytes() {
        let text = br#"{"attestations":[{"bundle": {"b" : 1.50, "a":"\u00e9", "b":2} ,"repository_id":1,"bundle_url":"https://x"},
            {"bundle":null,"bundle_url":"https://y/z?sig=1"},{"bundle":null,"bundle_url":""},{}]}"#;
        let page = Page::parse(text).expect("page");
        assert_eq!(page.bundles().collect::<Vec<_>>(), [br#"{"b" : 1.50, "a":"\u00e9", "b":2}"#]);
        let contents: Vec<_> = page.attestations.iter().skip(1).map(Listed::content).collect();
        assert_eq!(contents, [Content::At("https://y/z?sig=1"), Content::Nowhere, Content::Nowhere]);
        for bad in [&b"[]"[..], b"{}", b"", br#"{"attestations":{}}"#, br#"{"attestations":[{"bundle_url":1}]}"#] {
            assert!(Page::parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
