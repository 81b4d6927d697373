//! Every image of a source through catalog, match and gate.

use sealwright_advisory::AdvisorySource;
use sealwright_core::{Decision, Inventory, Platform};
use sealwright_gate::{Cleared, ClearedImage, Evidence, Judgment, judge};
use sealwright_oci::{ImageSource, PlatformImage, ResolvedImage};
use sealwright_policy::Policy;

use super::inventory::inventory;
use super::scan::{Scanned, scan};
use crate::context::Context;
use crate::failure::Failure;

/// What is known about the image of one platform.
#[derive(Debug)]
pub struct Facts {
    /// The image.
    pub image: PlatformImage,
    /// What is in it.
    pub inventory: Inventory,
    /// What the advisories say.
    pub scanned: Scanned,
}

/// What the gate made of the whole.
#[derive(Debug)]
pub enum Verdict {
    /// It may be sealed.
    Cleared(ClearedImage),
    /// It may not: the decision about every platform, refused or not.
    Refused(Vec<(Platform, Decision)>),
}

/// Reads and judges every image that runs.
///
/// # Errors
/// When an image or the advisories cannot be read.
pub fn judge_all(
    source: &dyn ImageSource,
    resolved: &ResolvedImage,
    advisories: &dyn AdvisorySource,
    policy: &Policy,
    context: &Context,
) -> Result<(Vec<Facts>, Verdict), Failure> {
    let (mut facts, mut cleared, mut decisions): (Vec<Facts>, Vec<Cleared>, Vec<(Platform, Decision)>) =
        Default::default();
    for image in &resolved.images {
        let inventory = inventory(source.as_blobs(), image, &policy.gate.contents_deny, context)?;
        let scanned = scan(&inventory, advisories)?;
        let evidence =
            Evidence { subject: image.descriptor.digest, findings: scanned.findings.clone(), ages: &scanned.ages };
        match judge(evidence, &policy.gate, context.now) {
            Judgment::Cleared(one) => {
                decisions.push((image.platform.clone(), one.decision().clone()));
                cleared.push(one);
            }
            Judgment::Refused(decision) => decisions.push((image.platform.clone(), decision)),
        }
        facts.push(Facts { image: image.clone(), inventory, scanned });
    }
    if cleared.len() < resolved.images.len() {
        return Ok((facts, Verdict::Refused(decisions)));
    }
    let digests: Vec<_> = resolved.images.iter().map(|image| image.descriptor.digest).collect();
    let image = match (&resolved.index, cleared.len()) {
        (None, 1) => match cleared.pop() {
            Some(only) => ClearedImage::single(only),
            None => ClearedImage::index(resolved.root.digest, &digests, cleared)?,
        },
        _ => ClearedImage::index(resolved.root.digest, &digests, cleared)?,
    };
    Ok((facts, Verdict::Cleared(image)))
}
