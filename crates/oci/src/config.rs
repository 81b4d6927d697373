//! The image configuration, as far as a reader of files needs it.

use sealwright_core::{Digest, Platform};
use serde::{Deserialize, Serialize};

use crate::manifest::DocumentError;

/// OCI image specification 1.1, "Image Configuration".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// `GOARCH`.
    #[serde(default)]
    pub architecture: String,
    /// `GOOS`.
    #[serde(default)]
    pub os: String,
    /// For example `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// RFC 3339, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The layers.
    pub rootfs: RootFs,
}

/// The layers as the configuration names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// sha256 over each layer's uncompressed tar, from the bottom.
    pub diff_ids: Vec<Digest>,
}

impl ImageConfig {
    /// Parses a configuration.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        serde_json::from_slice(bytes).map_err(|source| DocumentError::Json { what: "image configuration", source })
    }

    /// The platform that the configuration states.
    pub fn platform(&self) -> Platform {
        let variant = self.variant.clone().filter(|v| !v.is_empty());
        Platform { os: self.os.clone(), architecture: self.architecture.clone(), variant }
    }
}
