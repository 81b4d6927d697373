//! What is signed where it lies: a manifest or index in a registry.

use std::sync::Arc;

use sealwright_bundle::Statement;
use sealwright_core::{Digest, ImageRef, PinnedRef, Platform, Repository};
use sealwright_oci::{Descriptor, Document};
use sealwright_registry::Client;
use tokio::runtime::Handle;

use super::ecr::Ecr;
use super::github::Delivery;
use super::publish::{Pending, Publisher, Written, can_store};
use super::signer::Sealer;
use super::source::Registry;
use crate::cli::arguments::{EcrFlags, Format};
use crate::context::Context;
use crate::failure::Failure;

/// A digest in a registry, and those below it that are meant too.
pub struct Target {
    /// What the reference named when it was looked up.
    pub image: PinnedRef,
    client: Arc<Client>,
    ecr: Arc<Ecr>,
    evidence: Repository,
    subjects: Vec<Descriptor>,
}

impl Target {
    /// Looks the reference up once. With `recursive` the images of an index are meant too, in its order, and then itself.
    ///
    /// # Errors
    /// When the registry does not have it.
    pub fn find(
        reference: &ImageRef,
        recursive: bool,
        ecr: &EcrFlags,
        context: &Context,
        handle: &Handle,
    ) -> Result<Self, Failure> {
        let evidence = context.evidence_repository(&reference.repository)?;
        let registry = Registry::for_writing(handle.clone(), &[&evidence], ecr, context)?;
        let (client, ecr) = (registry.client(context)?, registry.ecr);
        let (image, root, bytes) = handle.block_on(client.resolve(reference))?;
        if let (None, Some(tag)) = (&reference.digest, &reference.tag) {
            context.console.note(&format!("tag {tag} names {} now", image.digest()));
        }
        let document = Document::parse(&bytes, Some(&root.media_type));
        let document = document.map_err(|e| Failure::usage(e.to_string()).at(&image))?;
        let mut subjects = match document {
            Document::Index(index) if recursive => index.manifests,
            _ => vec![],
        };
        // What BuildKit stores beside images says something about them and is none.
        subjects.retain(|d| !d.platform.as_ref().is_some_and(Platform::is_unknown));
        subjects.push(root);
        Ok(Self { image, client, ecr, evidence, subjects })
    }

    /// Signs a statement about each digest and attaches it, unless this signer stated the same before. The delivery is where it
    /// goes besides.
    ///
    /// # Errors
    /// When one cannot be signed or attached.
    pub fn attach(
        &self,
        (sealer, delivery): (&Sealer, Option<&Delivery>),
        context: &Context,
        handle: &Handle,
        format: Format,
        statement: impl Fn(Digest) -> Statement,
    ) -> Result<Vec<Written>, Failure> {
        can_store(format, sealer)?;
        let mut publisher = Publisher {
            client: &self.client,
            repository: &self.evidence,
            sealer,
            format,
            limits: &context.limits,
            created: context.document_time(Some(&context.now.to_string()))?.to_string(),
            same: |one, other| one == other,
            oldest_scan: None,
            ecr: &self.ecr,
            console: &context.console,
            pending: Pending::new(),
            to_github: delivery.is_some(),
        };
        let mut written = Vec::new();
        for subject in &self.subjects {
            let subject = subject.plain();
            written.extend(handle.block_on(publisher.all(&[statement(subject.digest)], &subject))?);
        }
        handle.block_on(publisher.finish())?;
        if let Some(delivery) = delivery {
            handle.block_on(delivery.deliver(&mut written, sealer, &context.limits, "the registry"))?;
        }
        Ok(written)
    }
}
