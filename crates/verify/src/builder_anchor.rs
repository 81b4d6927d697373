//! A builder of the trust file together with what its signatures are checked with.

use sealwright_policy::{Builder, BuilderIdentity, Transparency};
use sigstore_trust_root::TrustedRoot;

use crate::identity::IdentityRule;
use crate::key::PublicKey;
use crate::verify_bundle::Anchor;

/// A builder and the anchor that follows from it. The two cannot disagree: a builder that demands a log never gets an anchor
/// that asks for none.
#[derive(Debug, Clone)]
pub struct BuilderAnchor {
    builder: Builder,
    anchor: Anchor,
}

/// What is missing to check a builder's signatures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// Its key was not handed in.
    #[error("the key {file:?} of builder {builder:?} is missing")]
    NoKey {
        /// The builder.
        builder: String,
        /// The file that the trust file names.
        file: String,
    },
    /// It demands a certificate or a log, and no trusted root was handed in.
    #[error("builder {builder:?} needs a trusted root: its certificates or log entries cannot be checked without one")]
    NoTrustedRoot {
        /// The builder.
        builder: String,
    },
}

impl BuilderAnchor {
    /// Puts the two together. `key` is the one that a key builder's rule names; a keyless builder needs none. `root` is needed
    /// by everyone except a key builder with `transparency: none`.
    ///
    /// # Errors
    /// When the builder needs what is not there.
    pub fn new(builder: Builder, key: Option<PublicKey>, root: Option<&TrustedRoot>) -> Result<Self, AnchorError> {
        let no_root = || AnchorError::NoTrustedRoot { builder: builder.name.clone() };
        let root = root.cloned().map(Box::new).ok_or_else(no_root);
        let anchor = match &builder.identity {
            BuilderIdentity::Keyless(rule) => Anchor::Keyless(root?, IdentityRule::from_policy(rule)),
            BuilderIdentity::Key(rule) => {
                let no_key = || AnchorError::NoKey { builder: builder.name.clone(), file: rule.file.clone() };
                let key = key.ok_or_else(no_key)?;
                match builder.transparency {
                    Transparency::None => Anchor::Key(key),
                    Transparency::Required => Anchor::LoggedKey(key, root?),
                }
            }
        };
        Ok(Self { builder, anchor })
    }

    /// The builder.
    pub fn builder(&self) -> &Builder {
        &self.builder
    }

    /// What its signatures are checked with.
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }
}
