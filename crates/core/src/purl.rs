//! Package URLs, written as Syft writes them so that SBOMs of both can be compared.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A package URL (purl specification 1.0): `pkg:type/namespace/name@version?qualifiers`.
///
/// An encoder of its own because the `packageurl` crate writes a colon in a version bare, and Debian's epoch has to read
/// `1%3A2.0` to equal Syft's. The name is stored decoded; `Display` encodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Purl {
    /// For example `deb`, `apk`, `pypi`, `npm`, `golang`, `cargo`.
    pub kind: String,
    /// For example `debian`; of npm the scope with its `@`; of Go the path before the last slash.
    pub namespace: Option<String>,
    /// The package's name.
    pub name: String,
    /// The package's version; of Debian with its epoch.
    pub version: Option<String>,
    /// `arch`, `distro`, `upstream` and so on, in the order of their keys.
    pub qualifiers: BTreeMap<String, String>,
    /// A path inside the package, for example of a Go import.
    pub subpath: Option<String>,
}

impl Purl {
    /// A purl without version and qualifiers.
    pub fn new(kind: impl Into<String>, namespace: Option<&str>, name: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            namespace: namespace.and_then(segments),
            name: name.into(),
            version: None,
            qualifiers: BTreeMap::new(),
            subpath: None,
        }
    }

    /// With a version; an empty one is left out, as the specification demands.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into()).filter(|v| !v.is_empty());
        self
    }

    /// With a qualifier; an empty value is left out, as the specification demands.
    #[must_use]
    pub fn with_qualifier(mut self, key: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.qualifiers.insert(key.to_owned(), value);
        }
        self
    }

    /// Whether `self`, taken as a pattern, names `other`: type, namespace and name are equal, and a version or qualifier
    /// that the pattern states is equal too. `pkg:deb/debian/zlib1g` names every version of zlib1g.
    pub fn names(&self, other: &Purl) -> bool {
        self.kind == other.kind
            && self.namespace == other.namespace
            && self.name == other.name
            && (self.version.is_none() || self.version == other.version)
            && self.qualifiers.iter().all(|(k, v)| other.qualifiers.get(k) == Some(v))
            && (self.subpath.is_none() || self.subpath == other.subpath)
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{}/", encode_path(namespace))?;
        }
        f.write_str(&encode(&self.name))?;
        if let Some(version) = &self.version {
            write!(f, "@{}", encode(version))?;
        }
        for (i, (key, value)) in self.qualifiers.iter().enumerate() {
            write!(f, "{}{key}={}", if i == 0 { '?' } else { '&' }, encode(value))?;
        }
        if let Some(subpath) = &self.subpath {
            write!(f, "#{}", encode_path(subpath))?;
        }
        Ok(())
    }
}

fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// Everything but RFC 3986's unreserved characters is percent-encoded (purl specification, "Character encoding").
fn encode(text: &str) -> String {
    use fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Why a text is not a purl.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a package URL: {why}")]
pub struct PurlError {
    /// As written.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl FromStr for Purl {
    type Err = PurlError;

    fn from_str(text: &str) -> Result<Self, PurlError> {
        let fail = |why| PurlError { text: text.chars().take(200).collect(), why };
        let rest = text.strip_prefix("pkg:").ok_or_else(|| fail("it does not start with pkg:"))?;
        let (rest, subpath) = split_last(rest, '#');
        let (rest, query) = split_last(rest, '?');
        // The version starts at the last @ after the last slash: an npm scope may be written with a bare @.
        let (rest, version) = match rest.rsplit_once('@') {
            Some((before, version)) if !version.contains('/') && !before.is_empty() && !before.ends_with('/') => {
                (before, Some(version))
            }
            _ => (rest, None),
        };
        let mut parts = rest.trim_matches('/').split('/').filter(|p| !p.is_empty());
        let decode = |text| decode(text).ok_or_else(|| fail("its percent-encoding is broken"));
        let kind = parts.next().filter(|kind| is_word(kind, ".+-")).ok_or_else(|| fail("it has no type"))?;
        let mut path = parts.map(decode).collect::<Result<Vec<_>, _>>()?;
        let name = path.pop().ok_or_else(|| fail("it has no name"))?;
        if path.iter().any(|segment| segment.contains('/')) {
            return Err(fail("a part of its namespace contains a slash"));
        }
        let namespace = (!path.is_empty()).then(|| path.join("/"));
        let version = version.map(decode).transpose()?;
        if version.as_ref().is_some_and(String::is_empty) {
            return Err(fail("its version is empty"));
        }
        let subpath = subpath.map(decode).transpose()?.and_then(|path| segments(&path));
        let mut purl = Self { version, subpath, ..Self::new(kind.to_ascii_lowercase(), namespace.as_deref(), name) };
        for pair in query.into_iter().flat_map(|q| q.split('&')).filter(|p| !p.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| fail("a qualifier has no value"))?;
            if !is_word(key, ".-_") {
                return Err(fail("the name of a qualifier is no word"));
            }
            purl = purl.with_qualifier(&key.to_ascii_lowercase(), decode(value)?);
        }
        Ok(purl)
    }
}

/// A namespace or subpath without empty segments (purl specification, "Rules for each component"): written and read again,
/// they would be lost.
fn segments(path: &str) -> Option<String> {
    let kept: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    (!kept.is_empty()).then(|| kept.join("/"))
}

/// Types and the names of qualifiers: letters, digits and a few marks, and no digit first (purl specification, "Rules for each
/// purl component").
fn is_word(text: &str, marks: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
    text.starts_with(|c: char| !c.is_ascii_digit()) && text.chars().all(fits)
}

fn split_last(text: &str, at: char) -> (&str, Option<&str>) {
    text.rsplit_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let pair = [bytes.next()?, bytes.next()?];
            let mut decoded = [0];
            hex::decode_to_slice(pair, &mut decoded).ok()?;
            out.extend(decoded);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

impl Serialize for Purl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Purl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls_are_written_as_syft_writes_them() {
        // Observed in Syft 1.18.1's CycloneDX output for a Debian 12 image.
        let deb = Purl::new("deb", Some("debian"), "libzstd1")
            .with_version("1:1.5.4+dfsg2-5")
            .with_qualifier("arch", "amd64")
            .with_qualifier("upstream", "libzstd")
            .with_qualifier("distro", "debian-12");
        let text = "pkg:deb/debian/libzstd1@1%3A1.5.4%2Bdfsg2-5?arch=amd64&distro=debian-12&upstream=libzstd";
        assert_eq!(deb.to_string(), text);
        assert_eq!(text.parse(), Ok(deb));
        let npm = Purl::new("npm", Some("@babel"), "core").with_version("7.0.0");
        assert_eq!(npm.to_string(), "pkg:npm/%40babel/core@7.0.0");
        assert_eq!("pkg:npm/@babel/core@7.0.0".parse(), Ok(npm));
    }

    #[test]
    fn a_pattern_names_every_version_unless_it_states_one() {
        let p = |t: &str| t.parse::<Purl>().expect(t);
        let installed = p("pkg:deb/debian/zlib1g@1.2.13?arch=amd64");
        assert!(p("pkg:deb/debian/zlib1g").names(&installed));
        assert!(p("pkg:deb/debian/zlib1g@1.2.13").names(&installed));
        assert!(p("pkg:deb/debian/zlib1g?arch=amd64").names(&installed));
        for other in [
            "pkg:deb/debian/zlib1g-dev",
            "pkg:deb/ubuntu/zlib1g",
            "pkg:deb/zlib1g",
            "pkg:rpm/debian/zlib1g",
            "pkg:deb/debian/zlib1g@1.2.14",
            "pkg:deb/debian/zlib1g?arch=arm64",
        ] {
            assert!(!p(other).names(&installed), "{other}");
        }
    }

    #[test]
    fn malformed_purls_are_refused() {
        for bad in ["", "deb/debian/zlib1g", "pkg:", "pkg:deb", "pkg:deb/%zz", "pkg:deb/x%", "pkg:deb/x?arch"] {
            assert!(bad.parse::<Purl>().is_err(), "{bad}");
        }
        // A waiver for no version must not become one for all.
        assert_eq!("pkg:deb/x@".parse::<Purl>().map_err(|e| e.why), Err("its version is empty"));
        assert_eq!(
            "pkg:deb/a%2Fb/x".parse::<Purl>().map_err(|e| e.why),
            Err("a part of its namespace contains a slash")
        );
    }

    #[test]
    fn types_and_qualifiers_that_cannot_be_written_are_refused() {
        // Both were read, and their own text then was not.
        for bad in ["pkg:/?6/l23.arch=x", "pkg:deb/x?a%=b", "pkg:1deb/x", "pkg:deb/x?1a=b", "pkg:deb/x?=b"] {
            assert!(bad.parse::<Purl>().is_err(), "{bad}");
        }
        let plain: Purl = "pkg:deb/x".parse().expect("purl");
        assert_eq!("pkg:DEB/x?arch=".parse(), Ok(plain));
    }

    #[test]
    fn empty_parts_were_lost_between_writing_and_reading() {
        let plain = Purl::new("npm", None, "a");
        assert_eq!(Purl::new("npm", Some("//"), "a").with_version(""), plain);
        for same in ["pkg:npm/a?arch=#%2F", "pkg:npm//a#"] {
            assert_eq!(same.parse(), Ok(plain.clone()), "{same}");
        }
        let inner = Purl::new("golang", Some("a//b"), "c");
        assert_eq!(inner.to_string().parse(), Ok(inner));
    }
}
