//! Names of images in registries.

use std::fmt;
use std::str::FromStr;

use crate::{Digest, DigestError};

/// A repository in a registry, without tag or digest: `registry/path`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    registry: String,
    path: String,
}

impl Repository {
    /// Host and optional port as written, `docker.io` for a bare name.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository name inside the registry, for example `library/debian`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The host that answers the distribution API: Docker Hub is named `docker.io` and answers elsewhere.
    pub fn api_host(&self) -> &str {
        if self.registry == DOCKER_HUB { "registry-1.docker.io" } else { &self.registry }
    }

    /// Whether the registry is on this machine, where plain HTTP is usual and no one else can listen.
    pub fn is_loopback(&self) -> bool {
        let host = self.registry.rsplit_once(':').map_or(self.registry.as_str(), |(host, _)| host);
        is_loopback_host(host)
    }

    /// The image `digest` in this repository.
    pub fn pinned(&self, digest: Digest) -> PinnedRef {
        PinnedRef { repository: self.clone(), digest }
    }
}

/// Whether a host, as URLs and image references write it, is this machine.
pub fn is_loopback_host(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.path)
    }
}

const DOCKER_HUB: &str = "docker.io";

/// What a person types: a repository with a tag, a digest, both or neither.
///
/// With both, the digest decides and the tag is only a label (as in containerd).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageRef {
    /// Where.
    pub repository: Repository,
    /// The tag, if one was written.
    pub tag: Option<String>,
    /// The digest, if one was written.
    pub digest: Option<Digest>,
}

impl ImageRef {
    /// The tag to resolve when there is no digest: `latest` by the convention of every client.
    pub fn tag_or_latest(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        self.tag.iter().try_for_each(|t| write!(f, ":{t}"))?;
        self.digest.iter().try_for_each(|d| write!(f, "@{d}"))
    }
}

/// An image named by what it is: a repository and a digest. Signing and attesting take this and nothing else, so no path
/// leads from a tag to a signature.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PinnedRef {
    repository: Repository,
    digest: Digest,
}

impl PinnedRef {
    /// Where.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// What.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl fmt::Display for PinnedRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repository, self.digest)
    }
}

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing was written.
    #[error("image reference is empty")]
    Empty,
    /// The registry part.
    #[error("{registry:?} is not a registry host[:port]")]
    Registry {
        /// As written.
        registry: String,
    },
    /// The repository part.
    #[error("{path:?} is not a repository name, expected lower-case letters, digits and . _ - / between them")]
    Path {
        /// As written.
        path: String,
    },
    /// The tag.
    #[error("{tag:?} is not a tag, expected up to 128 letters, digits and . _ - not starting with . or -")]
    Tag {
        /// As written.
        tag: String,
    },
    /// The digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl FromStr for ImageRef {
    type Err = ReferenceError;

    /// The grammar of `distribution/reference`: a first component with a dot, a colon or the word `localhost` is a
    /// registry, everything else belongs to Docker Hub, where a single component lies in `library/`.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse()?)),
            None => (text, None),
        };
        // A colon after the last slash starts a tag; one before it belongs to the registry's port.
        let (name, tag) = match name.rsplit_once(':') {
            Some((rest, tag)) if !tag.contains('/') => (rest, Some(tag)),
            _ => (name, None),
        };
        if let Some(tag) = tag.filter(|t| !is_tag(t)) {
            return Err(ReferenceError::Tag { tag: clip(tag) });
        }
        Ok(Self { repository: name.parse()?, tag: tag.map(str::to_owned), digest })
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(name: &str) -> Result<Self, ReferenceError> {
        let (registry, path) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest.to_owned()),
            Some(_) => (DOCKER_HUB, name.to_owned()),
            None => (DOCKER_HUB, format!("library/{name}")),
        };
        let registry = if registry == "index.docker.io" { DOCKER_HUB } else { registry };
        if !is_registry(registry) {
            return Err(ReferenceError::Registry { registry: clip(registry) });
        }
        if !is_path(&path) {
            return Err(ReferenceError::Path { path: clip(&path) });
        }
        Ok(Self { registry: registry.to_owned(), path })
    }
}

fn clip(text: &str) -> String {
    text.chars().take(120).collect()
}

/// Distribution specification, "Pulling manifests": `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn is_tag(tag: &str) -> bool {
    tag.len() <= 128
        && tag.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Distribution specification: components `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` joined by `/`.
fn is_path(path: &str) -> bool {
    path.len() <= 255 && path.split('/').all(is_component)
}

fn is_component(component: &str) -> bool {
    let alnum = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = component.as_bytes();
    let edges = bytes.first().is_some_and(alnum) && bytes.last().is_some_and(alnum);
    let separators =
        bytes.split(alnum).all(|run| matches!(run, b"" | b"." | b"_" | b"__") || run.iter().all(|b| *b == b'-'));
    edges && separators
}

fn is_registry(registry: &str) -> bool {
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (registry, None),
    };
    let name = |h: &str| !h.is_empty() && h.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
    let ipv6 = |h: &str| {
        h.strip_prefix('[').and_then(|h| h.strip_suffix(']')).is_some_and(|h| h.parse::<std::net::Ipv6Addr>().is_ok())
    };
    // Rust's own parser takes a sign too.
    let is_port = |p: &str| p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u16>().is_ok();
    (name(host) || ipv6(host)) && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_normalize_as_docker_and_containerd_do() {
        let cases = [
            ("debian", "docker.io", "library/debian", None),
            ("acme/app:v1", "docker.io", "acme/app", Some("v1")),
            ("index.docker.io/acme/app", "docker.io", "acme/app", None),
            ("localhost:5000/app", "localhost:5000", "app", None),
            ("localhost/app:x", "localhost", "app", Some("x")),
            ("127.0.0.1:80/a/b-c_d.e:T_1", "127.0.0.1:80", "a/b-c_d.e", Some("T_1")),
            ("[::1]:5000/app", "[::1]:5000", "app", None),
            ("ghcr.io/acme/app__x", "ghcr.io", "acme/app__x", None),
        ];
        for (text, registry, path, tag) in cases {
            let parsed: ImageRef = text.parse().expect(text);
            assert_eq!(
                (parsed.repository.registry(), parsed.repository.path(), parsed.tag.as_deref()),
                (registry, path, tag),
                "{text}"
            );
        }
        let digest = Digest::of(b"");
        let both: ImageRef = format!("ghcr.io/a/b:t@{digest}").parse().expect("tag and digest");
        assert_eq!((both.tag.as_deref(), both.digest), (Some("t"), Some(digest)));
        assert_eq!(both.to_string(), format!("ghcr.io/a/b:t@{digest}"));
    }

    #[test]
    fn malformed_references_are_refused() {
        for bad in [
            "",
            "Acme/app",
            "acme//app",
            "acme/app:",
            "acme/app:-x",
            "a..b/c d",
            "ghcr.io/",
            "ghcr.io/a/b@sha256:00",
            "ghcr.io:99999/a",
            "ghcr.io/a/../b",
            "a___b",
            "é/x",
            "ghcr.io/a-",
            "ghcr.io/a\n",
        ] {
            assert!(bad.parse::<ImageRef>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_port_with_a_sign_was_taken_for_a_port() {
        for bad in ["[::1]:+0/a", "ghcr.io:+443/a", "ghcr.io:-1/a", "ghcr.io:/a"] {
            assert!(matches!(bad.parse::<ImageRef>(), Err(ReferenceError::Registry { .. })), "{bad}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (name, expected) in [
            ("localhost:1/a", true),
            ("127.0.0.1:5000/a", true),
            ("127.9.9.9/a", true),
            ("[::1]:5/a", true),
            ("128.0.0.1/a", false),
            ("localhost.evil.example/a", false),
            ("10.0.0.1:5000/a", false),
        ] {
            assert_eq!(name.parse::<Repository>().expect(name).is_loopback(), expected, "{name}");
        }
    }
}
