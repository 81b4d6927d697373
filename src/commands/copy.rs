//! `sealwright copy`: an image with all its evidence to another repository. Digests stay the same; nothing is verified.

use sealwright_core::Digest;
use sealwright_oci::ImageSource as _;
use sealwright_registry::RemoteImage;
use tokio::runtime::Handle;

use crate::cli::arguments;
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::copy::{Copied, Copier, Count, Plan};
use crate::pipeline::ecr::Ecr;
use crate::pipeline::graph::{self, Bounds, Content, Node};
use crate::pipeline::publish::tag_before;
use crate::pipeline::source::Registry;
use crate::report::console::{Console, write_document};

/// Everything is read of the source before anything is written.
///
/// # Errors
/// When something cannot be read or sent. There may then be blobs and manifests without a tag, never a tag without evidence.
pub fn run(arguments: &arguments::Copy, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let (source, destination) = (&arguments.source, &arguments.destination);
    if destination.digest.is_some() {
        return Err(Failure::usage("DST names a digest, expected REPOSITORY[:TAG]: the digest is the image's own"));
    }
    if context.environment.evidence_repository.is_some() {
        return Err(Failure::usage("COSIGN_REPOSITORY is set, and copy takes the evidence that is beside the image")
            .hint("unset it; evidence elsewhere stays valid for the copy, because the digest is the same"));
    }
    let registry = Registry::for_writing(handle.clone(), &[&destination.repository], &arguments.ecr, context)?;
    let client = registry.client(context)?;
    let remote = handle
        .block_on(RemoteImage::open(client.clone(), source, handle.clone()))
        .map_err(|e| Failure::from(e).at(source))?;
    let (image, root) = (remote.pinned(), remote.root().clone());
    let root = handle.block_on(graph::read(&client, image, image.repository(), root, Bounds::default()))?;
    let plan = Plan::of(&root).map_err(|failure| failure.at(source))?;
    for digest in &plan.left_aside {
        let why = "is not there as a whole or not about what it is listed for";
        context.console.warn(&format!("left aside: {digest} is listed at {source} and {why}"));
    }
    let copier = Copier {
        client: &client,
        source: remote.as_blobs(),
        destination: &destination.repository,
        limits: &context.limits,
    };
    let (copied, tagged) =
        handle.block_on(write(&copier, &plan, &root, (destination.tag.as_deref(), &registry.ecr), &context.console))?;
    let tag = destination.tag.as_deref().map(|tag| (tag, tagged));
    let pinned = destination.repository.pinned(root.descriptor.digest);
    write_document(format!("{}{pinned}\n", as_text(&copied, tag)).as_bytes(), None)
}

async fn write(
    copier: &Copier<'_>,
    plan: &Plan<'_>,
    root: &Node,
    (tag, ecr): (Option<&str>, &Ecr),
    console: &Console,
) -> Result<(Copied, bool), Failure> {
    let digest = root.descriptor.digest;
    let before = match tag {
        Some(tag) => tag_before(copier.client, ecr, (copier.destination, tag), digest, console).await?,
        None => None,
    };
    let copied = copier.copy(plan).await?;
    let tagged = match (tag, &root.content) {
        (Some(tag), Content::Read { bytes, .. }) => {
            // A copy can take long.
            let now = copier.client.tag_state(copier.destination, tag).await?;
            if let Some(moved) = moved(tag, before, now).filter(|_| now != Some(digest)) {
                console.warn(&moved);
            }
            copier.tag(tag, now, &root.descriptor, bytes).await?
        }
        _ => false,
    };
    Ok((copied, tagged))
}

/// What became of a tag while other things were written.
fn moved(tag: &str, before: Option<Digest>, now: Option<Digest>) -> Option<String> {
    let named = |state: Option<Digest>| state.map_or("nothing".to_owned(), |digest| digest.short());
    let (then, since) = (named(before), named(now));
    (before != now)
        .then(|| format!("tag {tag} named {then} when the copy began and names {since} now; it is set anyway"))
}

fn as_text(copied: &Copied, tag: Option<(&str, bool)>) -> String {
    let line = |what: &str, count: Count| format!("{what:<9} {} sent, {} were there\n", count.sent, count.was_there);
    let tag = match tag {
        Some((tag, true)) => format!("tagged    {tag} names it now\n"),
        Some((tag, false)) => format!("kept      {tag} named it already\n"),
        None => String::new(),
    };
    format!("{}{}{tag}", line("manifests", copied.manifests), line("blobs", copied.blobs))
}
