//! From the root of an image to its platforms' manifests and configurations, each checked against its digest.

use sealwright_core::{Digest, Limits, Platform};

use crate::blob::{BlobError, ImageSource, read_blob};
use crate::config::ImageConfig;
use crate::descriptor::Descriptor;
use crate::manifest::{Document, DocumentError, Index, Manifest};

/// Which platforms of an index are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All that run.
    All,
    /// One; the image then is that manifest, not the index.
    One(Platform),
}

/// An image: one manifest, or an index with several.
#[derive(Debug, Clone)]
pub struct ResolvedImage {
    /// What the image is called by: the index, or the one manifest.
    pub root: Descriptor,
    /// Its bytes.
    pub root_bytes: Vec<u8>,
    /// The index, where the root is one.
    pub index: Option<Index>,
    /// Every image that runs, in the order of the index.
    pub images: Vec<PlatformImage>,
    /// What BuildKit stores beside images (`unknown/unknown`): listed, not cataloged.
    pub not_runnable: Vec<Descriptor>,
}

/// The image of one platform.
#[derive(Debug, Clone)]
pub struct PlatformImage {
    /// Its manifest's descriptor.
    pub descriptor: Descriptor,
    /// As the index says, else as the configuration says.
    pub platform: Platform,
    /// Its manifest.
    pub manifest: Manifest,
    /// The manifest's bytes.
    pub manifest_bytes: Vec<u8>,
    /// Its configuration.
    pub config: ImageConfig,
    /// The configuration's bytes.
    pub config_bytes: Vec<u8>,
}

/// Why an image does not hold together.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// A manifest, index or configuration could not be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// It is not what its descriptor says.
    #[error("{digest} is {source}")]
    Document {
        /// The document.
        digest: Digest,
        /// Why.
        source: DocumentError,
    },
    /// The wanted platform is not there.
    #[error("there is no image for {wanted}, the index has {}", list(available))]
    NoPlatform {
        /// As asked.
        wanted: Platform,
        /// What there is.
        available: Vec<Platform>,
    },
    /// Nothing in the index runs.
    #[error("the index {digest} names no image that runs")]
    Empty {
        /// The index.
        digest: Digest,
    },
    /// An index inside an index: registries and runtimes disagree about it.
    #[error("the index names another index, {digest}, expected manifests")]
    Nested {
        /// The inner index.
        digest: Digest,
    },
    /// Layers and diff ids do not pair up.
    #[error("manifest {digest} has {layers} layers and its configuration {diff_ids} diff ids, expected as many")]
    LayerCount {
        /// The manifest.
        digest: Digest,
        /// Layers of the manifest.
        layers: usize,
        /// Diff ids of the configuration.
        diff_ids: usize,
    },
    /// More layers or manifests than may be read.
    #[error("{digest} names {found} blobs, at most {limit} are read")]
    TooMany {
        /// The manifest or index.
        digest: Digest,
        /// As found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// The manifest is an artifact, not an image.
    #[error("manifest {digest} is an artifact of type {artifact_type:?}, expected an image")]
    NotAnImage {
        /// The manifest.
        digest: Digest,
        /// Its type.
        artifact_type: String,
    },
}

fn list(platforms: &[Platform]) -> String {
    match platforms {
        [] => "none".to_owned(),
        _ => platforms.iter().map(Platform::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Reads the root of `source` and every manifest and configuration below it that is wanted.
///
/// # Errors
/// When something is missing, does not match its digest, or does not hold together.
pub fn resolve(source: &dyn ImageSource, wanted: &Wanted, limits: &Limits) -> Result<ResolvedImage, ResolveError> {
    let root = source.root().clone();
    let bytes = read_blob(source.as_blobs(), &root, limits.manifest)?;
    match parse(&root, &bytes)? {
        Document::Manifest(manifest) => {
            let image = platform_image(source, &root, manifest, bytes, limits)?;
            if let Wanted::One(wanted) = wanted
                && !wanted.accepts(&image.platform)
            {
                let available = vec![image.platform];
                return Err(ResolveError::NoPlatform { wanted: wanted.clone(), available });
            }
            let root_bytes = image.manifest_bytes.clone();
            Ok(ResolvedImage { root, root_bytes, index: None, images: vec![image], not_runnable: vec![] })
        }
        Document::Index(index) => from_index(source, root, bytes, index, wanted, limits),
    }
}

fn parse(descriptor: &Descriptor, bytes: &[u8]) -> Result<Document, ResolveError> {
    Document::parse(bytes, Some(&descriptor.media_type))
        .map_err(|source| ResolveError::Document { digest: descriptor.digest, source })
}

fn from_index(
    source: &dyn ImageSource,
    root: Descriptor,
    root_bytes: Vec<u8>,
    index: Index,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<ResolvedImage, ResolveError> {
    if index.manifests.len() > limits.layers {
        let (found, limit) = (index.manifests.len(), limits.layers);
        return Err(ResolveError::TooMany { digest: root.digest, found, limit });
    }
    let runs = |d: &&Descriptor| !d.platform.as_ref().is_some_and(Platform::is_unknown);
    let runnable: Vec<&Descriptor> = index.manifests.iter().filter(runs).collect();
    let image = |descriptor: &Descriptor| -> Result<PlatformImage, ResolveError> {
        let bytes = read_blob(source.as_blobs(), descriptor, limits.manifest)?;
        match parse(descriptor, &bytes)? {
            Document::Manifest(manifest) => platform_image(source, descriptor, manifest, bytes, limits),
            Document::Index(_) => Err(ResolveError::Nested { digest: descriptor.digest }),
        }
    };
    match wanted {
        Wanted::All => {
            let images = runnable.iter().map(|d| image(d)).collect::<Result<Vec<_>, _>>()?;
            if images.is_empty() {
                return Err(ResolveError::Empty { digest: root.digest });
            }
            let not_runnable = index.manifests.iter().filter(|d| !runs(d)).cloned().collect();
            Ok(ResolvedImage { root, root_bytes, index: Some(index), images, not_runnable })
        }
        Wanted::One(wanted) => {
            let mut available = Vec::new();
            for descriptor in runnable {
                // The index's word saves reading the manifests of other platforms; without it the configuration decides.
                if descriptor.platform.as_ref().is_some_and(|p| !wanted.accepts(p)) {
                    available.extend(descriptor.platform.clone());
                    continue;
                }
                let image = image(descriptor)?;
                if wanted.accepts(&image.platform) {
                    let root = Descriptor { platform: None, ..image.descriptor.clone() };
                    let root_bytes = image.manifest_bytes.clone();
                    return Ok(ResolvedImage {
                        root,
                        root_bytes,
                        index: None,
                        images: vec![image],
                        not_runnable: vec![],
                    });
                }
                available.push(image.platform);
            }
            Err(ResolveError::NoPlatform { wanted: wanted.clone(), available })
        }
    }
}

fn platform_image(
    source: &dyn ImageSource,
    descriptor: &Descriptor,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    limits: &Limits,
) -> Result<PlatformImage, ResolveError> {
    let digest = descriptor.digest;
    if let Some(artifact_type) = &manifest.artifact_type {
        return Err(ResolveError::NotAnImage { digest, artifact_type: artifact_type.chars().take(120).collect() });
    }
    if manifest.layers.len() > limits.layers {
        return Err(ResolveError::TooMany { digest, found: manifest.layers.len(), limit: limits.layers });
    }
    let config_bytes = read_blob(source.as_blobs(), &manifest.config, limits.config)?;
    let config = ImageConfig::parse(&config_bytes)
        .map_err(|source| ResolveError::Document { digest: manifest.config.digest, source })?;
    let (layers, diff_ids) = (manifest.layers.len(), config.rootfs.diff_ids.len());
    if layers != diff_ids {
        return Err(ResolveError::LayerCount { digest, layers, diff_ids });
    }
    let platform = descriptor.platform.clone().unwrap_or_else(|| config.platform());
    Ok(PlatformImage { descriptor: descriptor.clone(), platform, manifest, manifest_bytes, config, config_bytes })
}
