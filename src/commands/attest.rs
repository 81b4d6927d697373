//! `sealwright attest`: a statement of any type about an image in a registry, or about a file.

use std::path::Path;

use sealwright_attest::{Subject, predicate};
use sealwright_bundle::{Statement, predicate_type};
use sealwright_core::Digest;
use sealwright_github::check_size;
use sealwright_sbom::read as read_sbom;
use sealwright_verify::verify_bundle;
use tokio::runtime::Handle;

use super::{hash_file, is_same_file, read_input};
use crate::cli::arguments;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::evidence_files;
use crate::pipeline::github::Delivery;
use crate::pipeline::publish::{Written, WrittenBundle};
use crate::pipeline::signer::{self, Sealer};
use crate::pipeline::target::Target;
use crate::pipeline::trust_root::TrustRoots;
use crate::report::console::write_document;
use crate::report::statements;

/// Signs the predicate and attaches it, or writes the bundle where a file is meant.
///
/// # Errors
/// When something cannot be read, signed or attached.
pub fn run(arguments: &arguments::Attest, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let kind = kind(&arguments.kind)?;
    let document = read_input(&arguments.predicate, context.limits.evidence)?;
    check(kind, &document, context).map_err(|e| e.at(arguments.predicate.display()))?;
    let sealer =
        signer::open(&arguments.signing, &TrustRoots::new(&arguments.signing.trust, context, handle), context, handle)?;
    let delivery = Delivery::plan(arguments.signing.push_to_github, arguments.format, &sealer, context)?;
    let job = Job { kind, document: &document, context, handle };
    match (&arguments.reference, &arguments.artifact, &arguments.bundle) {
        (Some(reference), ..) => {
            let target = Target::find(reference, false, &arguments.ecr, context, handle)?;
            let name = target.image.repository().to_string();
            // Whatever is wrong with the predicate is said before anything is signed.
            let statement = job.statement(&name, *target.image.digest(), &sealer)?;
            let written = target
                .attach((&sealer, delivery.as_ref()), context, handle, arguments.format, |_| statement.clone())?;
            evidence_files::write(arguments.evidence.folder.as_deref(), &written)?;
            statements::write(
                ("image", &target.image.to_string()),
                None,
                &written,
                &arguments.output,
                context.console.style(),
            )
        }
        (None, Some(artifact), Some(bundle)) => {
            if is_same_file(artifact, bundle) {
                return Err(Failure::usage("--bundle names the artifact itself, expected another file"));
            }
            let mut written = [job.attest_file(artifact, bundle, &sealer, delivery.is_some())?];
            if let Some(delivery) = &delivery {
                let place = bundle.display().to_string();
                handle.block_on(delivery.deliver(&mut written, &sealer, &context.limits, &place))?;
            }
            statements::write(
                ("bundle", &bundle.display().to_string()),
                None,
                &written,
                &arguments.output,
                context.console.style(),
            )
        }
        _ => Err(Failure::usage("expected an image, or --artifact and --bundle")),
    }
}

struct Job<'a> {
    kind: &'a str,
    document: &'a [u8],
    context: &'a Context,
    handle: &'a Handle,
}

impl Job<'_> {
    fn statement(&self, name: &str, digest: Digest, sealer: &Sealer) -> Result<Statement, Failure> {
        let subject = Subject { name, digest, source: sealer.source.as_ref() };
        predicate(&subject, self.kind, self.document).map_err(|e| Failure::usage(e.to_string()))
    }

    fn attest_file(
        &self,
        artifact: &Path,
        bundle: &Path,
        sealer: &Sealer,
        to_github: bool,
    ) -> Result<Written, Failure> {
        let digest = hash_file(artifact)?;
        let name = artifact.file_name().unwrap_or(artifact.as_os_str()).to_string_lossy();
        let statement = self.statement(&name, digest, sealer)?;
        let statement = statement.to_bytes();
        if to_github {
            check_size(&statement)?;
        }
        let signed = self.handle.block_on(sealer.signer.sign(&statement))?;
        verify_bundle(&signed, &digest, sealer.anchor(), &self.context.limits)
            .map_err(|e| Failure::new(Exit::NotVerified, format!("what was signed does not verify: {e}")))?;
        write_document(&signed, Some(bundle))?;
        let bundle = Some(WrittenBundle { statement: Digest::of(&statement), bytes: signed, new: true });
        Ok(Written {
            subject: digest,
            predicate_type: self.kind.to_owned(),
            new: true,
            referrer: None,
            bundle,
            attestation: None,
        })
    }
}

fn kind(word: &str) -> Result<&str, Failure> {
    let kind = super::predicate_type(word)?;
    if kind == predicate_type::SIGNATURE {
        return Err(Failure::usage("a signature is no attestation").hint("sealwright sign makes one"));
    }
    Ok(kind)
}

/// An SBOM that nobody can read would be found out only when somebody needs it.
fn check(kind: &str, document: &[u8], context: &Context) -> Result<(), Failure> {
    if [predicate_type::CYCLONEDX, predicate_type::SPDX, predicate_type::SPDX_V2_3].contains(&kind) {
        read_sbom(document, &context.limits).map_err(|e| Failure::usage(e.to_string()))?;
    }
    Ok(())
}
