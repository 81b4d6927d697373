//! Opens the image that a command names, wherever it lies, and resolves it once: later steps know digests only.

use std::sync::Arc;

use sealwright_core::{Platform, Repository};
use sealwright_oci::{ImageSource, ResolvedImage, Wanted, resolve};
use sealwright_registry::{Client, RemoteImage};
use sealwright_source::Transport;
use tokio::runtime::Handle;

use super::ecr::Ecr;
use crate::cli::arguments::EcrFlags;
use crate::context::Context;
use crate::failure::Failure;

/// An opened image and what it consists of.
pub struct Opened {
    /// Gives the blobs.
    pub source: Box<dyn ImageSource>,
    /// Manifests and configurations, each checked against its digest.
    pub image: ResolvedImage,
    /// The source as a person named it, for documents: the repository, or the transport's text.
    pub name: String,
}

/// Opens `transport` and reads its manifests.
///
/// Blocks; of a registry it must not be called on an async worker thread.
///
/// # Errors
/// When the image is not there, is corrupt, or lacks the wanted platform.
pub fn open(transport: &Transport, wanted: &Wanted, context: &Context, registry: &Registry) -> Result<Opened, Failure> {
    let source: Box<dyn ImageSource> = match transport {
        Transport::Registry(reference) => {
            let client = registry.client(context)?;
            let handle = registry.handle.clone();
            let opened = handle.block_on(RemoteImage::open(client, reference, handle.clone()));
            Box::new(opened.map_err(|e| Failure::from(e).at(reference))?)
        }
        _ => sealwright_source::open(transport, context.environment.docker_host.as_deref(), &context.limits)
            .map_err(|e| Failure::from(e).at(transport))?,
    };
    let image = resolve(&*source, wanted, &context.limits).map_err(|e| Failure::from(e).at(transport))?;
    let name = match transport {
        Transport::Registry(reference) => reference.repository.to_string(),
        other => other.to_string(),
    };
    Ok(Opened { source, image, name })
}

/// The platform that `sbom` and `scan` read: as asked, else this machine's.
pub fn wanted_platform(asked: Option<&Platform>) -> Wanted {
    Wanted::One(asked.cloned().unwrap_or_else(Platform::host))
}

/// Makes the registry client when it is first needed.
pub struct Registry {
    handle: Handle,
    /// Logs in to Amazon ECR.
    pub ecr: Arc<Ecr>,
}

impl Registry {
    /// On this runtime, with AWS credentials as they are found.
    pub fn new(handle: Handle, context: &Context) -> Self {
        Self { handle, ecr: Arc::new(Ecr::ambient(context)) }
    }

    /// The same for a command that writes into these repositories, with the role that its flags name.
    ///
    /// # Errors
    /// When there is a role and nobody who could assume it.
    pub fn for_writing(
        handle: Handle,
        written: &[&Repository],
        flags: &EcrFlags,
        context: &Context,
    ) -> Result<Self, Failure> {
        Ok(Self { handle, ecr: Arc::new(Ecr::new(flags.role.as_ref(), written, context)?) })
    }

    /// A client with the credentials of the Docker configuration, and for Amazon ECR with those of AWS where it has none.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    pub fn client(&self, context: &Context) -> Result<Arc<Client>, Failure> {
        let folder = context.environment.docker_folder();
        let credentials = sealwright_registry::Credentials::from_docker_config(folder.as_deref())?;
        let credentials = credentials.with_provider(self.ecr.clone());
        let options = sealwright_registry::Options { timeout: context.timeout, credentials, ..Default::default() };
        Ok(Arc::new(Client::new(options)?))
    }
}
