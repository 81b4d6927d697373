//! The builders of a trust file with what their signatures are checked with, and whether a signer is one of them.

use std::path::Path;

use sealwright_core::bounded::read_file;
use sealwright_policy::{Builder, BuilderIdentity, Transparency};
use sealwright_verify::{BuilderAnchor, PublicKey};

use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::signer::Sealer;
use crate::pipeline::trust_file::TrustFile;
use crate::pipeline::trust_root::TrustRoots;

/// Each builder of a trust file with its key, or with the trusted root for its certificate. Where all have keys and none
/// demands a log, no trusted root is opened.
///
/// # Errors
/// When a key or the trusted root cannot be had.
pub fn builder_anchors(
    trust: &TrustFile,
    roots: &TrustRoots<'_>,
    context: &Context,
) -> Result<Vec<BuilderAnchor>, Failure> {
    let folder = Path::new(&trust.name).parent().unwrap_or(Path::new(""));
    // A keyless builder demands a log.
    let needed = trust.policy.builders.iter().any(|builder| builder.transparency == Transparency::Required);
    let root = if needed { Some(roots.root()?) } else { None };
    let anchor = |builder: &Builder| {
        let key = match &builder.identity {
            BuilderIdentity::Key(rule) => Some(read_key(&folder.join(&rule.file), context)?),
            BuilderIdentity::Keyless(_) => None,
        };
        Ok(BuilderAnchor::new(builder.clone(), key, root)?)
    };
    trust.policy.builders.iter().map(anchor).collect()
}

/// The builders by whom a seal will be judged when it is read back; the built-in policy's is whoever signs.
///
/// # Errors
/// As [`builder_anchors`], and when the signer is none of them: what it signed would be refused by everyone.
pub fn admit(
    trust: &TrustFile,
    sealer: &Sealer,
    roots: &TrustRoots<'_>,
    context: &Context,
) -> Result<Vec<BuilderAnchor>, Failure> {
    if trust.policy.builders.is_empty() {
        return Ok(vec![sealer.builder.clone()]);
    }
    let builders = builder_anchors(trust, roots, context)?;
    let mut reasons = Vec::new();
    for builder in &builders {
        match sealer.mismatch(builder) {
            None => return Ok(builders),
            Some(why) => reasons.push(format!("{}: {why}", builder.builder().name)),
        }
    }
    Err(Failure::usage(format!("the signer is no builder of {}", trust.name)).hint(reasons.join("; ")))
}

/// A public key from a file.
///
/// # Errors
/// When it cannot be read or is none.
pub fn read_key(path: &Path, context: &Context) -> Result<PublicKey, Failure> {
    let bytes = read_file(path, context.limits.configuration)
        .map_err(|e| Failure::usage(format!("key {} could not be read: {e}", path.display())))?;
    PublicKey::from_pem(&bytes).map_err(|e| Failure::usage(format!("key {}: {e}", path.display())))
}
