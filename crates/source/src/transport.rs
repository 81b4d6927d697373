//! The words in front of a source, as people know them from skopeo.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sealwright_core::{ImageRef, ReferenceError};

/// Where an image, or an SBOM of one, lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// `oci:DIR[:TAG]`
    OciLayout {
        /// The folder.
        dir: PathBuf,
        /// The tag, where the layout has several images.
        tag: Option<String>,
    },
    /// `oci-archive:FILE[:TAG]`
    OciArchive {
        /// The tar file.
        file: PathBuf,
        /// The tag, where it has several images.
        tag: Option<String>,
    },
    /// `docker-archive:FILE[:NAME]`
    DockerArchive {
        /// The tar file.
        file: PathBuf,
        /// The image, where it has several.
        name: Option<String>,
    },
    /// `docker-daemon:NAME`
    DockerDaemon {
        /// The image in the engine.
        name: String,
    },
    /// `sbom:FILE`, `-` for stdin
    Sbom {
        /// The document.
        file: PathBuf,
    },
    /// Anything else: an image in a registry.
    Registry(ImageRef),
}

/// Why a text names no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Nothing after the word.
    #[error("{transport}: names nothing, expected {expected}")]
    Empty {
        /// The word.
        transport: &'static str,
        /// How it is written.
        expected: &'static str,
    },
    /// No image reference.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

impl FromStr for Transport {
    type Err = TransportError;

    fn from_str(text: &str) -> Result<Self, TransportError> {
        let empty = |transport, expected| TransportError::Empty { transport, expected };
        let Some((word, rest)) = text.split_once(':') else { return Ok(Self::Registry(text.parse()?)) };
        let named = |transport, expected| {
            let (file, name) = split(rest);
            if file.is_empty() { Err(empty(transport, expected)) } else { Ok((PathBuf::from(file), name)) }
        };
        Ok(match word {
            "oci" => {
                let (dir, tag) = named("oci", "oci:DIR[:TAG]")?;
                Self::OciLayout { dir, tag }
            }
            "oci-archive" => {
                let (file, tag) = named("oci-archive", "oci-archive:FILE[:TAG]")?;
                Self::OciArchive { file, tag }
            }
            "docker-archive" => {
                let (file, name) = named("docker-archive", "docker-archive:FILE[:NAME]")?;
                Self::DockerArchive { file, name }
            }
            "docker-daemon" if rest.is_empty() => return Err(empty("docker-daemon", "docker-daemon:NAME")),
            "docker-daemon" => Self::DockerDaemon { name: rest.to_owned() },
            "sbom" if rest.is_empty() => return Err(empty("sbom", "sbom:FILE or sbom:-")),
            "sbom" => Self::Sbom { file: rest.into() },
            _ => Self::Registry(text.parse()?),
        })
    }
}

/// A path cannot hold a colon here, as with skopeo: the first one ends it.
fn split(rest: &str) -> (&str, Option<String>) {
    match rest.split_once(':') {
        Some((file, name)) if !name.is_empty() => (file, Some(name.to_owned())),
        Some((file, _)) => (file, None),
        None => (rest, None),
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, path, name) = match self {
            Self::OciLayout { dir, tag } => ("oci", dir, tag.as_ref()),
            Self::OciArchive { file, tag } => ("oci-archive", file, tag.as_ref()),
            Self::DockerArchive { file, name } => ("docker-archive", file, name.as_ref()),
            Self::Sbom { file } => ("sbom", file, None),
            Self::DockerDaemon { name } => return write!(f, "docker-daemon:{name}"),
            Self::Registry(reference) => return write!(f, "{reference}"),
        };
        write!(f, "{word}:{}", path.display())?;
        name.iter().try_for_each(|name| write!(f, ":{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_written_as_with_skopeo() {
        for text in [
            "oci:build/image",
            "oci:build/image:v1",
            "oci-archive:a.tar:v1",
            "docker-archive:a.tar:acme/app:v1",
            "docker-daemon:acme/app:v1",
            "sbom:-",
        ] {
            assert_eq!(text.parse::<Transport>().expect(text).to_string(), text);
        }
        let bare: Transport = "debian:12".parse().expect("Docker Hub");
        assert_eq!(bare.to_string(), "docker.io/library/debian:12");
        assert!(matches!("localhost:5000/a:v1".parse(), Ok(Transport::Registry(_))));
        for bad in ["oci:", "docker-daemon:", "sbom:", "docker-archive::x", "UPPER/case:x"] {
            assert!(bad.parse::<Transport>().is_err(), "{bad:?}");
        }
    }
}
