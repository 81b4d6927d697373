//! The steps, in the order in which a person would take them.

use std::sync::Arc;

use jiff::Timestamp;
use sealwright_advisory::{Advisory, AdvisorySource, Kev, MemorySource};
use sealwright_bundle::predicate_type;
use sealwright_core::{Digest, ImageRef, Inventory, PinnedRef, Redacted};
use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};
use sealwright_loopback::registry::{Registry, Switches};
use sealwright_match::match_inventory;
use sealwright_oci::{Wanted, resolve};
use sealwright_policy::Policy;
use sealwright_registry::{Client, Options};
use sealwright_verify::{
    Anchor, EvidenceItem, IdentityRule, ImageEvidence, Report, Requirement, TrustedRoot, verify_image,
};
use tokio::runtime::Handle;

use super::sample::{SampleImage, alpine_with_zlib};
use crate::cli::arguments::Format;
use crate::commands::seal::{Done, Job, as_text};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::ecr::Ecr;
use crate::pipeline::evidence;
use crate::pipeline::signer::Sealer;
use crate::pipeline::source::Opened;
use crate::pipeline::trust_file::TrustFile;
use crate::report::console::write_document;
use crate::report::verification;

/// What Alpine's security database says about zlib (alpine-secdb, v3.16, `main.yaml`), with the CVSS vector of the CVE.
const ADVISORY: &str = r#"{
  "id": "ALPINE-CVE-2022-37434", "modified": "2022-08-09T00:00:00Z", "upstream": ["CVE-2022-37434"],
  "summary": "zlib: heap-based buffer over-read or overflow in inflate",
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
  "affected": [{"package": {"ecosystem": "Alpine:v3.16", "name": "zlib"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.12-r2"}]}]}]
}"#;
const VULNERABLE: &str = "1.2.12-r1";
const FIXED: &str = "1.2.12-r2";

/// Somebody whose workflow has the same name.
const STRANGER: &str = "https://github.com/mallory/shop/.github/workflows/release.yml@refs/heads/main";

struct Stage<'a> {
    registry: Registry,
    authority: Authority,
    root: TrustedRoot,
    job: Job<'a>,
    advisories: MemorySource,
    image: ImageRef,
    context: &'a Context,
    handle: &'a Handle,
}

/// Tells it.
///
/// # Errors
/// When a step does not end as it has to.
pub(super) fn tell(context: &Context, handle: &Handle) -> Result<(), Failure> {
    let stage = Stage::set(context, handle)?;
    stage.say("1. A vulnerable image is refused", "The gate reads the image itself. Nothing reaches the registry.")?;
    stage.vulnerable_is_refused()?;
    stage.say(
        "2. The fixed image is sealed",
        "Pushed by digest; signed and attested by a workflow's identity, logged and timestamped; read back; tagged last.",
    )?;
    let sealed = stage.fixed_is_sealed()?;
    stage.say(
        "3. Anyone can check it",
        "Every rule has a number; `sealwright verify` and cosign read the same evidence.",
    )?;
    let found = stage.is_verified(&sealed)?;
    stage.say(
        "4. Tampering is caught",
        "One changed byte of the manifest, of a statement; another identity; another authority.",
    )?;
    stage.tampering_is_caught(&sealed, &found)?;
    stage.say(
        "5. Questions are answered from verified evidence",
        "The SBOM counts because its signature was checked.",
    )?;
    stage.questions_are_answered(&sealed, &found)?;
    stage.print("\nThat was all of it: no network, no account, and no file is left behind.\n")
}

fn root_of(authority: &Authority) -> Result<TrustedRoot, Failure> {
    let document = authority.trusted_root().map_err(|e| wrong(&e.to_string()))?;
    TrustedRoot::from_json(&document).map_err(|e| wrong(&e.to_string()))
}

fn wrong(what: &str) -> Failure {
    Failure::new(Exit::Internal, format!("the demo went another way: {what}"))
}

impl<'a> Stage<'a> {
    fn set(context: &'a Context, handle: &'a Handle) -> Result<Self, Failure> {
        let unable =
            |e: std::io::Error| Failure::new(Exit::Internal, format!("nothing can be served on loopback: {e}"));
        let registry = Registry::start(Switches::default()).map_err(unable)?;
        let authority = Authority::start().map_err(unable)?;
        let root = root_of(&authority)?;
        let token = Redacted::new(authority.token(&workflow_claims()).map_err(unable)?);
        let config = authority.signing_config(LogVersion::V2);
        let image = format!("{}/demo/shop:v1", registry.host());
        let image: ImageRef = image.parse().map_err(|e| Failure::new(Exit::Internal, format!("{image}: {e}")))?;
        let advisory = Advisory::parse(ADVISORY.as_bytes()).map_err(|e| Failure::new(Exit::Internal, e.to_string()))?;
        let mut policy = Policy::built_in();
        // The story is the same every day: its one advisory is of 2022.
        policy.gate.max_advisory_age = None;
        let sealer = Sealer::of_token(config.as_bytes(), &token, &root, context)?;
        let job = Job {
            builders: vec![sealer.builder.clone()],
            sealer,
            delivery: None,
            trust: TrustFile { policy, name: "built-in".to_owned() },
            format: Format::Bundle,
            evidence: image.repository.clone(),
            ecr: Arc::new(Ecr::ambient(context)),
            client: Arc::new(Client::new(Options { timeout: context.timeout, ..Options::default() })?),
            context,
            handle,
            database: "OSV, one record of 2022".to_owned(),
            parameters: None,
        };
        let advisories = MemorySource::new(vec![advisory], Kev::default());
        Ok(Self { registry, authority, root, job, advisories, image, context, handle })
    }

    fn print(&self, text: &str) -> Result<(), Failure> {
        write_document(text.as_bytes(), None)
    }

    fn say(&self, title: &str, explanation: &str) -> Result<(), Failure> {
        let style = self.context.console.style();
        self.print(&format!("\n{}\n{}\n", style.heading(title), style.faint(explanation)))
    }

    fn seal(&self, source: SampleImage) -> Result<Done, Failure> {
        let image = resolve(&source, &Wanted::All, &self.context.limits)?;
        let opened = Opened { source: Box::new(source), image, name: "the sample image".to_owned() };
        self.job.seal(&opened, &self.advisories, &self.image)
    }

    fn vulnerable_is_refused(&self) -> Result<(), Failure> {
        let done = self.seal(alpine_with_zlib(VULNERABLE))?;
        self.print(&as_text(&done, self.context.console.style()))?;
        let manifests = self.registry.manifests(self.image.repository.path()).len();
        self.print(&format!("the registry holds {manifests} manifests of it\n"))?;
        if done.exit() != Exit::Refused || manifests != 0 {
            return Err(wrong("the vulnerable image was not refused"));
        }
        Ok(())
    }

    fn fixed_is_sealed(&self) -> Result<PinnedRef, Failure> {
        let done = self.seal(alpine_with_zlib(FIXED))?;
        self.print(&as_text(&done, self.context.console.style()))?;
        match (done.exit(), done.image) {
            (Exit::Passed, Some(image)) => Ok(image),
            _ => Err(wrong("the fixed image was not sealed")),
        }
    }

    fn evidence(&self, image: &PinnedRef) -> Result<ImageEvidence, Failure> {
        let found = self.handle.block_on(evidence::fetch(&self.job.client, image, &self.context.limits))?;
        Ok(found.evidence)
    }

    fn verify(&self, evidence: &ImageEvidence) -> Report {
        let requirement = Requirement::Policy { policy: &self.job.trust.policy, builders: &self.job.builders };
        verify_image(evidence, &requirement, self.context.now, &self.context.limits)
    }

    fn is_verified(&self, image: &PinnedRef) -> Result<ImageEvidence, Failure> {
        let evidence = self.evidence(image)?;
        let report = self.verify(&evidence);
        self.print(&verification::text(&report, self.context.console.style()))?;
        if report.passed() { Ok(evidence) } else { Err(wrong("the sealed image does not verify")) }
    }

    fn tampering_is_caught(&self, image: &PinnedRef, evidence: &ImageEvidence) -> Result<(), Failure> {
        let (descriptor, mut manifest) = self.handle.block_on(self.job.client.manifest(image))?;
        flip(&mut manifest);
        self.registry.alter(descriptor.digest, manifest.clone());
        let caught = self.handle.block_on(self.job.client.manifest(image)).err();
        self.caught("a byte of the manifest", caught.map(|e| e.to_string()))?;
        flip(&mut manifest);
        self.registry.alter(descriptor.digest, manifest);

        let mut changed = evidence.clone();
        for item in &mut changed.stored {
            let EvidenceItem::Bundle(bundle) = item else { continue };
            let text = String::from_utf8_lossy(bundle).into_owned();
            // One character inside the base64 of the signed statement.
            if let Some(place) = text.find("\"payload\":\"")
                && let Some(byte) = bundle.get_mut(place + 40)
            {
                *byte = if *byte == b'A' { b'B' } else { b'A' };
            }
        }
        self.caught("a byte of each statement", self.refusal(&self.verify(&changed)))?;

        self.caught("another identity", self.refusal(&self.plain(evidence, &self.root, STRANGER)?))?;
        let elsewhere = Authority::start().map_err(|e| wrong(&e.to_string()))?;
        let report = self.plain(evidence, &root_of(&elsewhere)?, ".*")?;
        self.caught("another authority", self.refusal(&report))
    }

    /// The signature alone, by whoever fits this pattern.
    fn plain(&self, evidence: &ImageEvidence, root: &TrustedRoot, identity: &str) -> Result<Report, Failure> {
        let rule = IdentityRule::from_flags(Err(identity), Ok(self.authority.issuer())).map_err(|e| wrong(&e))?;
        let anchor = Anchor::Keyless(Box::new(root.clone()), rule);
        let requirement = Requirement::Plain { anchor: &anchor, predicate_type: predicate_type::SIGNATURE };
        Ok(verify_image(evidence, &requirement, self.context.now, &self.context.limits))
    }

    fn refusal(&self, report: &Report) -> Option<String> {
        let first = report.failures().next()?;
        match &first.outcome {
            sealwright_verify::Outcome::Failed(why) => Some(format!("check {} ({}): {why}", first.number, first.name)),
            _ => None,
        }
    }

    fn caught(&self, what: &str, how: Option<String>) -> Result<(), Failure> {
        let how = how.ok_or_else(|| wrong(&format!("{what} was not noticed")))?;
        let style = self.context.console.style();
        self.print(&format!("{} {what}: {how}\n", style.good("caught ")))
    }

    fn questions_are_answered(&self, image: &PinnedRef, evidence: &ImageEvidence) -> Result<(), Failure> {
        let inventory = self.verified_inventory(image.digest(), evidence)?;
        let zlib =
            inventory.packages.iter().find(|p| p.name.raw() == "zlib").ok_or_else(|| wrong("there is no zlib"))?;
        self.print(&format!("which images contain zlib?          {} has {}\n", image.digest().short(), zlib.purl))?;
        let affected = match_inventory(&inventory, &self.advisories)?.findings;
        let answer = if affected.is_empty() { "none that was sealed" } else { "one that was sealed" };
        self.print(&format!("which are affected by CVE-2022-37434? {answer}\n"))?;
        if !affected.is_empty() {
            return Err(wrong("the sealed image is affected"));
        }
        let newer = self.advisories.snapshot().ecosystems.values().filter_map(|e| e.newest).max();
        self.print(&format!("how old is what we know?            the newest advisory is of {}\n", day(newer)))
    }

    /// The SBOM as it was signed.
    fn verified_inventory(&self, subject: &Digest, evidence: &ImageEvidence) -> Result<Inventory, Failure> {
        let limits = &self.context.limits;
        let signed =
            evidence.stored.iter().filter_map(|item| item.verify(subject, self.job.sealer.anchor(), limits).ok());
        let document = signed
            .map(|verified| verified.into_inner().statement)
            .find(|statement| statement.predicate_type == predicate_type::CYCLONEDX)
            .ok_or_else(|| wrong("there is no verified SBOM"))?;
        let bytes = serde_json::to_vec(&document.predicate).map_err(|e| wrong(&e.to_string()))?;
        Ok(sealwright_sbom::read(&bytes, limits)?)
    }
}

fn day(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "no day".to_owned(), |t| t.strftime("%Y-%m-%d").to_string())
}

/// Changes one byte in the middle, and changes it back.
fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
}
