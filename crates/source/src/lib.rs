//! Opens images where they lie: layouts, archives, the Docker engine. Registries are `sealwright-registry`'s.
//!
//! Nothing is unpacked: archives are read in place by offset, and what an engine sends is kept in a file without a name.

mod archive;
mod docker_archive;
mod docker_daemon;
mod layout;
mod transport;

use std::io;
use std::path::PathBuf;

use sealwright_core::{Digest, Limits};
use sealwright_oci::{DocumentError, ImageSource, TarError};

pub use docker_daemon::ping_engine;
pub use transport::{Transport, TransportError};

/// Why an image could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file could not be read.
    #[error("{} could not be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than may be read.
    #[error("{} has more than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A document is not what its place in the image says.
    #[error("{name} is {source}")]
    Document {
        /// The document.
        name: String,
        /// Why.
        source: DocumentError,
    },
    /// A JSON file of the archive is not what it should be.
    #[error("{name} is not what `docker save` writes: {message}")]
    DockerManifest {
        /// The file in the archive.
        name: String,
        /// Why.
        message: String,
    },
    /// The archive file itself is broken.
    #[error("{archive} is no archive that can be read: {source}")]
    Archive {
        /// The archive.
        archive: String,
        /// Why.
        source: TarError,
    },
    /// Two readers would see two archives.
    #[error("{archive} is ambiguous: {detail}")]
    AmbiguousArchive {
        /// The archive.
        archive: String,
        /// What was seen.
        detail: String,
    },
    /// A file that has to be in the archive is not.
    #[error("{archive} holds no {member}")]
    NoMember {
        /// The archive.
        archive: String,
        /// The file.
        member: String,
    },
    /// No image has this name or tag.
    #[error("there is no image {wanted:?}, expected one of: {}", available.join(", "))]
    NoImage {
        /// As asked; empty where none was named and there are several.
        wanted: String,
        /// What there is.
        available: Vec<String>,
    },
    /// The Docker engine cannot be reached.
    #[error("the Docker engine at {socket} cannot be reached: {source}")]
    Engine {
        /// The socket.
        socket: String,
        /// Why.
        source: io::Error,
    },
    /// The Docker engine does not give the image.
    #[error("the Docker engine does not give {image}: {message}")]
    EngineAnswer {
        /// The image.
        image: String,
        /// What it said.
        message: String,
    },
    /// `DOCKER_HOST` names something else than a socket of this machine.
    #[error("DOCKER_HOST is {host:?}, expected unix:///path/to/docker.sock")]
    EngineAddress {
        /// As written.
        host: String,
    },
    /// The transport is not one of this crate's.
    #[error("{transport} is not an image on this machine")]
    NotLocal {
        /// As written.
        transport: String,
    },
}

impl SourceError {
    /// Whether the Docker engine is at fault rather than the image or the command line.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Engine { .. } | Self::EngineAnswer { .. })
    }
}

/// Opens the image. `docker_host` is the value of `DOCKER_HOST`.
///
/// # Errors
/// When it is not there or is no image.
pub fn open(
    transport: &Transport,
    docker_host: Option<&str>,
    limits: &Limits,
) -> Result<Box<dyn ImageSource>, SourceError> {
    Ok(match transport {
        Transport::OciLayout { dir, tag } => Box::new(layout::open_folder(dir, tag.as_deref(), limits)?),
        Transport::OciArchive { file, tag } => Box::new(layout::open_archive(file, tag.as_deref(), limits)?),
        Transport::DockerArchive { file, name } => Box::new(docker_archive::open(file, name.as_deref(), limits)?),
        Transport::DockerDaemon { name } => Box::new(docker_daemon::open(name, docker_host, limits)?),
        Transport::Sbom { .. } | Transport::Registry(_) => {
            return Err(SourceError::NotLocal { transport: transport.to_string() });
        }
    })
}

/// The path of a blob inside an image layout (OCI image layout specification, "Blobs").
fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}
