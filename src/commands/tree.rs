//! `sealwright tree`: what evidence is stored with an image. It reads claims; nothing is verified.

use std::collections::BTreeMap;

use sealwright_bundle::Bundle;
use sealwright_core::{Limits, Repository};
use sealwright_oci::Document;
use sealwright_registry::{Client, RegistryError};
use tokio::runtime::Handle;

use crate::cli::arguments;
use crate::cli::output::{TableFormat, or_stdout};
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::evidence::bundle_layer;
use crate::pipeline::graph::{self, Bounds, Content, Node};
use crate::pipeline::source::Registry;
use crate::report::console::write_document;
use crate::report::tree::{Signer, Signers, TreeReport};

/// A bundle up to this size is read for the kind of its signer. Larger ones are SBOMs, which are not read for one word.
const CHEAP: u64 = 1 << 20;

/// Reads the graph of the image and writes it in every format that was asked for.
///
/// # Errors
/// When the registry does not answer, or the report cannot be written.
pub fn run(arguments: &arguments::Tree, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let client = Registry::new(handle.clone(), context).client(context)?;
    let evidence = context.evidence_repository(&arguments.reference.repository)?;
    let (pinned, root, signers) = handle.block_on(async {
        let (pinned, root, _) = client.resolve(&arguments.reference).await?;
        let root = graph::read(&client, &pinned, &evidence, root, Bounds::default()).await?;
        let signers = signers(&client, &evidence, &root, &context.limits).await?;
        Ok::<_, Failure>((pinned, root, signers))
    })?;
    let report = TreeReport::new(&pinned, &root, &signers);
    for output in or_stdout(&arguments.output, TableFormat::Table).iter() {
        let bytes = match output.format {
            TableFormat::Table => report.table(context.console.style()).into_bytes(),
            TableFormat::Json => report.json(),
        };
        write_document(&bytes, output.file.as_deref())?;
    }
    Ok(())
}

/// Who signed each bundle, by the digest of its manifest.
async fn signers(
    client: &Client,
    repository: &Repository,
    root: &Node,
    limits: &Limits,
) -> Result<Signers, RegistryError> {
    let mut found = BTreeMap::new();
    let mut left = vec![root];
    while let Some(node) = left.pop() {
        if let Some(signer) = signer(client, repository, &node.content, limits).await? {
            found.insert(node.descriptor.digest, signer);
        }
        left.extend(node.referrers.iter().chain(&node.images));
    }
    Ok(found)
}

async fn signer(
    client: &Client,
    repository: &Repository,
    content: &Content,
    limits: &Limits,
) -> Result<Option<Signer>, RegistryError> {
    let Content::Read { document, .. } = content else { return Ok(None) };
    let Document::Manifest(manifest) = &**document else { return Ok(None) };
    let Some(layer) = bundle_layer(manifest) else { return Ok(None) };
    let bytes = match client.blob(repository, layer, CHEAP).await {
        Ok(bytes) => bytes,
        Err(error) if error.is_about_content() => return Ok(None),
        Err(error) => return Err(error),
    };
    let Ok(bundle) = Bundle::parse(&bytes, limits) else { return Ok(None) };
    Ok(Some(if bundle.has_key() { Signer::Key } else { Signer::Certificate }))
}
