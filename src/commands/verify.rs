//! `sealwright verify`: the evidence of an image in a registry, or a bundle in a file.

use std::path::Path;

use sealwright_bundle::predicate_type;
use sealwright_core::bounded::read_file;
use sealwright_core::{Digest, ImageRef, PinnedRef, Repository};
use sealwright_feed::Store;
use sealwright_oci::{
    Descriptor, Document, EntryMeta, EntryVisitor, ImageSource, Index, PlatformImage, Wanted, read_layer, resolve,
};
use sealwright_policy::{Policy, Runner};
use sealwright_registry::RemoteImage;
use sealwright_verify::{
    Anchor, BuilderAnchor, Check, ClaimRules, EvidenceItem, IdentityRule, ImageEvidence, Outcome, Report, Requirement,
    TriggerRule, verify_image,
};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::cli::arguments::{self, ExpectedClaims, ExpectedSigner, RunnerEnvironment, Transparency};
use crate::cli::output::{VerifyFormat, or_stdout};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::builders::{builder_anchors, read_key};
use crate::pipeline::evidence::{Keeper, altered};
use crate::pipeline::github;
use crate::pipeline::scan::open_store;
use crate::pipeline::source::Registry;
use crate::pipeline::today::judge_today;
use crate::pipeline::trust_file::{self, TrustFile};
use crate::pipeline::trust_root::{Origin, TrustRoots};
use crate::report::console::write_document;
use crate::report::{summary, verification};

const EXPECTED: &str = "expected REF, or --artifact FILE|sha256:HEX with --bundle FILE or --from-github OWNER[/REPO]";

/// Makes every check and reports. Checks that do not hold are no error but exit 4.
///
/// # Errors
/// When what is needed for the checks cannot be read.
pub fn run(arguments: &arguments::Verify, context: &Context, handle: &Handle) -> Result<Exit, Failure> {
    let roots = TrustRoots::new(&arguments.signer.trust, context, handle);
    let (policy, db, kind) = (arguments.policy.as_deref(), arguments.db.as_deref(), arguments.kind.as_deref());
    let demanded = Demand::of((policy, db), kind, &arguments.signer, &roots, context)?;
    let (subject, report) = match (&arguments.reference, &arguments.bundle, &arguments.artifact) {
        (Some(reference), _, _) => image(reference, &demanded, arguments, context, handle)?,
        (None, Some(bundle), Some(artifact)) => file(bundle, artifact, &demanded, context)?,
        (None, None, Some(artifact)) => stored_file(artifact, &demanded, arguments, context, handle)?,
        _ => return Err(Failure::usage(EXPECTED)),
    };
    for output in or_stdout(&arguments.output, VerifyFormat::Text).iter() {
        let bytes = match output.format {
            VerifyFormat::Text => as_text(&subject, &report, roots.origin(), arguments.explain, context).into_bytes(),
            VerifyFormat::Json => {
                let document = verification::json(&subject, &report, roots.origin(), context.now);
                let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
                bytes.push(b'\n');
                bytes
            }
            VerifyFormat::Markdown => summary::verification(&subject, &report, summary::STEP).into_bytes(),
            VerifyFormat::Comment => summary::verification(&subject, &report, summary::COMMENT).into_bytes(),
        };
        write_document(&bytes, output.file.as_deref())?;
    }
    Ok(if report.passed() { Exit::Passed } else { Exit::NotVerified })
}

fn as_text(subject: &str, report: &Report, root: Option<&Origin>, explain: bool, context: &Context) -> String {
    let style = context.console.style();
    let head = if report.passed() {
        format!("{} {}", style.good("verified"), verification::summary(report))
    } else {
        style.bad("NOT VERIFIED")
    };
    let explanation = if explain { verification::explanation(report, root, context.now, style) } else { String::new() };
    format!("{}{explanation}{head}\n{subject}\n", verification::text(report, style))
}

/// What is demanded, and of whom.
pub enum Demand {
    /// A statement of one type by one signer.
    Plain {
        /// The signer.
        anchor: Box<Anchor>,
        /// The type.
        predicate_type: String,
    },
    /// Everything that a trust file asks for.
    Policy {
        /// The trust file.
        trust: Box<TrustFile>,
        /// Its builders.
        builders: Vec<BuilderAnchor>,
        /// The advisories of today, where the gate of today is asked for.
        store: Option<Box<Store>>,
    },
}

impl Demand {
    /// By the trust file, and the gate of today where advisories are named; else by the signer, whose statement of type `kind` is
    /// demanded, a signature by default.
    ///
    /// # Errors
    /// When it is not said whose evidence counts, or a file cannot be read.
    pub fn of(
        (policy, db): (Option<&Path>, Option<&Path>),
        kind: Option<&str>,
        signer: &ExpectedSigner,
        roots: &TrustRoots<'_>,
        context: &Context,
    ) -> Result<Self, Failure> {
        if let Some(path) = policy {
            let trust = trust_file::read(path, &context.limits)?;
            let builders = builder_anchors(&trust, roots, context)?;
            let store = db.map(|directory| open_store(directory, context)).transpose()?;
            return Ok(Self::Policy { trust: Box::new(trust), builders, store: store.map(Box::new) });
        }
        let kind = kind.map_or(Ok(predicate_type::SIGNATURE), super::predicate_type)?;
        Ok(Self::Plain { anchor: Box::new(plain_anchor(signer, roots, context)?), predicate_type: kind.to_owned() })
    }

    /// The only type of statements that matters, unless all are to be explained.
    fn wanted(&self, arguments: &arguments::Verify) -> Option<&str> {
        match self {
            Self::Plain { predicate_type, .. } if !arguments.explain => Some(predicate_type),
            Self::Plain { .. } | Self::Policy { .. } => None,
        }
    }

    /// For the verifier.
    pub fn requirement(&self) -> Requirement<'_> {
        match self {
            Self::Plain { anchor, predicate_type } => Requirement::Plain { anchor, predicate_type },
            Self::Policy { trust, builders, .. } => Requirement::Policy { policy: &trust.policy, builders },
        }
    }

    /// # Errors
    /// When the trust file is not about images of this repository.
    pub fn check_covers(&self, repository: &Repository) -> Result<(), Failure> {
        match self {
            Self::Policy { trust, .. } if !trust.policy.covers(repository) => {
                Err(Failure::usage(format!("{repository} is none of the images that {} is about", trust.name)))
            }
            _ => Ok(()),
        }
    }
}

impl Demand {
    /// What the documents of each image list, by the gate of today.
    fn today(&self, documents: &[(Digest, Vec<Value>)], report: &mut Report, context: &Context) -> Result<(), Failure> {
        let Self::Policy { trust, store, .. } = self else { return Ok(()) };
        report.add(Check::scan_today(match store {
            Some(store) => judge_today(documents, &trust.policy.gate, store, context)?,
            None => Outcome::NotChecked("--db was not given".into()),
        }));
        Ok(())
    }
}

/// Without a key or an identity and its issuer anybody could have signed.
fn plain_anchor(signer: &ExpectedSigner, roots: &TrustRoots<'_>, context: &Context) -> Result<Anchor, Failure> {
    if let Some(path) = &signer.key {
        let key = read_key(path, context)?;
        return Ok(match signer.transparency {
            Transparency::None => Anchor::Key(key),
            Transparency::Required => Anchor::LoggedKey(key, Box::new(roots.root()?.clone())),
        });
    }
    if signer.transparency == Transparency::None {
        return Err(Failure::usage("--transparency none needs --key"));
    }
    let exact_or_pattern = |exact: &Option<String>, pattern: &Option<String>| match (exact, pattern) {
        (Some(exact), _) => Some(Ok(exact.clone())),
        (None, Some(pattern)) => Some(Err(pattern.clone())),
        (None, None) => None,
    };
    let subject = exact_or_pattern(&signer.certificate_identity, &signer.certificate_identity_regexp);
    let issuer = exact_or_pattern(&signer.certificate_oidc_issuer, &signer.certificate_oidc_issuer_regexp);
    let (Some(subject), Some(issuer)) = (subject, issuer) else {
        return Err(Failure::usage("it is not said whose signature counts")
            .hint("name --policy, or --key, or --certificate-identity and --certificate-oidc-issuer"));
    };
    let borrowed = |value: &Result<String, String>| match value {
        Ok(exact) => Ok(exact.as_str().to_owned()),
        Err(pattern) => Err(pattern.as_str().to_owned()),
    };
    let (subject, issuer) = (borrowed(&subject), borrowed(&issuer));
    let mut rule =
        IdentityRule::from_flags(subject.as_deref().map_err(String::as_str), issuer.as_deref().map_err(String::as_str))
            .map_err(Failure::usage)?;
    rule.claims = Box::new(claim_rules(&signer.claims));
    Ok(Anchor::Keyless(Box::new(roots.root()?.clone()), rule))
}

fn claim_rules(expected: &ExpectedClaims) -> ClaimRules {
    let runner = |kind: RunnerEnvironment| match kind {
        RunnerEnvironment::GithubHosted => Runner::GithubHosted,
        RunnerEnvironment::SelfHosted => Runner::SelfHosted,
    };
    ClaimRules {
        triggers: expected.trigger.clone().map_or(TriggerRule::Any, |event| TriggerRule::OneOf(vec![event])),
        commit: expected.commit.clone(),
        workflow_name: expected.workflow_name.clone(),
        repository: expected.repository.clone(),
        reference: expected.workflow_ref.clone(),
        repository_id: expected.repository_id,
        owner_id: expected.owner_id,
        runner: expected.runner.map(runner),
    }
}

fn file(bundle: &Path, artifact: &str, demanded: &Demand, context: &Context) -> Result<(String, Report), Failure> {
    let bundle = read_file(bundle, context.limits.evidence)
        .map_err(|e| Failure::usage(format!("bundle {} could not be read: {e}", bundle.display())))?;
    let (subject, item) = match artifact.parse::<Digest>() {
        Ok(digest) => (digest, EvidenceItem::Bundle(bundle)),
        Err(_) => {
            let path = Path::new(artifact);
            let subject = super::hash_file(path)?;
            // Most signatures are over the digest; of larger files only those can be checked.
            match read_file(path, context.limits.artifact) {
                Ok(content) => (subject, EvidenceItem::File { bundle, content }),
                Err(_) => (subject, EvidenceItem::Bundle(bundle)),
            }
        }
    };
    let evidence = ImageEvidence { subject, stored: vec![item] };
    let mut report = verify_image(&evidence, &demanded.requirement(), context.now, &context.limits);
    let documents = [(subject, std::mem::take(&mut report.sboms))];
    demanded.today(&documents, &mut report, context)?;
    Ok((subject.to_string(), report))
}

/// A file of which GitHub keeps the bundles.
fn stored_file(
    artifact: &str,
    demanded: &Demand,
    arguments: &arguments::Verify,
    context: &Context,
    handle: &Handle,
) -> Result<(String, Report), Failure> {
    let place = arguments.from_github.clone().ok_or_else(|| Failure::usage(EXPECTED))?;
    let (subject, limits) = (super::artifact_digest(artifact)?, &context.limits);
    let keeper = Keeper::GitHub { store: github::open(context)?, place };
    let verify = |found: &ImageEvidence| verify_image(found, &demanded.requirement(), context.now, limits);
    let mut report = handle.block_on(keeper.judge(&subject, demanded.wanted(arguments), limits, verify))?;
    let documents = [(subject, std::mem::take(&mut report.sboms))];
    demanded.today(&documents, &mut report, context)?;
    report.checks.push(Check::layers(Outcome::NotChecked("the artifact was named by its digest and not read".into())));
    Ok((subject.to_string(), report))
}

fn image(
    reference: &ImageRef,
    demanded: &Demand,
    arguments: &arguments::Verify,
    context: &Context,
    handle: &Handle,
) -> Result<(String, Report), Failure> {
    let registry = Registry::new(handle.clone(), context);
    let client = registry.client(context)?;
    demanded.check_covers(&reference.repository)?;
    let limits = &context.limits;
    let keeper = match &arguments.from_github {
        Some(place) => Keeper::GitHub { store: github::open(context)?, place: place.clone() },
        None => {
            let repository = context.evidence_repository(&reference.repository)?;
            Keeper::Registry { client: &client, repository }
        }
    };
    let (pinned, mut report, document, documents) = handle.block_on(async {
        let (pinned, descriptor, bytes) = client.resolve(reference).await.map_err(altered)?;
        let verify = |found: &ImageEvidence| verify_image(found, &demanded.requirement(), context.now, limits);
        let mut report = keeper.judge(pinned.digest(), demanded.wanted(arguments), limits, verify).await?;
        let document = Document::parse(&bytes, Some(&descriptor.media_type))
            .map_err(|e| Failure::new(Exit::NotVerified, format!("{pinned} is {e}")))?;
        let mut documents = vec![(*pinned.digest(), std::mem::take(&mut report.sboms))];
        if let (Demand::Policy { trust, builders, .. }, Document::Index(index)) = (demanded, &document) {
            let children: Vec<Digest> = running(index).map(|descriptor| descriptor.digest).collect();
            let counted = counted(&report, builders);
            let judged = check_children(&keeper, &children, &trust.policy, counted, context).await?;
            report.add(judged.check);
            documents = judged.sboms;
        }
        Ok::<_, Failure>((pinned, report, document, documents))
    })?;
    demanded.today(&documents, &mut report, context)?;
    let layers = if arguments.layers {
        check_layers(&registry, &pinned, context, handle)?
    } else {
        let only = matches!(document, Document::Manifest(_));
        let what = if only { "--layers was not given" } else { "--layers was not given; the index's images neither" };
        Outcome::NotChecked(what.into())
    };
    report.add(Check::layers(layers));
    Ok((pinned.to_string(), report))
}

/// The images of an index that run; attestations of BuildKit do not.
pub fn running(index: &Index) -> impl Iterator<Item = &Descriptor> {
    index.manifests.iter().filter(|descriptor| !descriptor.platform.as_ref().is_some_and(|p| p.is_unknown()))
}

/// The builder whose evidence counts for an index: another one's for an image in it is not what that one judged.
pub fn counted<'a>(report: &Report, builders: &'a [BuilderAnchor]) -> &'a [BuilderAnchor] {
    let named = |b: &&BuilderAnchor| report.builder.as_ref() == Some(&b.builder().name);
    builders.iter().find(named).map(std::slice::from_ref).unwrap_or_default()
}

/// What became of the images of an index.
pub struct Children {
    /// Whether each has what it needs.
    pub check: Check,
    /// The SBOM documents of each that count.
    pub sboms: Vec<(Digest, Vec<Value>)>,
}

/// Every image of an index has its own SBOM, scan and decision by one of `builders`.
///
/// # Errors
/// When the keeper of the evidence does not answer.
pub async fn check_children(
    keeper: &Keeper<'_>,
    children: &[Digest],
    policy: &Policy,
    builders: &[BuilderAnchor],
    context: &Context,
) -> Result<Children, Failure> {
    let mut failed = None;
    let mut sboms = Vec::new();
    for child in children {
        let requirement = Requirement::Child { policy, builders };
        let verify = |found: &ImageEvidence| verify_image(found, &requirement, context.now, &context.limits);
        let report = keeper.judge(child, None, &context.limits, verify).await?;
        if let Some(why) = first_failure(&report) {
            failed.get_or_insert_with(|| format!("{}: {why}", child.short()));
        }
        sboms.push((*child, report.sboms));
    }
    let nothing = || children.is_empty().then(|| "the index names no image that runs".to_owned());
    let outcome = failed.or_else(nothing).map_or(Outcome::Passed, Outcome::Failed);
    Ok(Children { check: Check::images(outcome), sboms })
}

/// The first check that does not hold, and why.
pub fn first_failure(report: &Report) -> Option<String> {
    report.failures().find_map(|failed| match &failed.outcome {
        Outcome::Failed(why) => Some(format!("{}: {why}", failed.name)),
        _ => None,
    })
}

/// Reads every layer of every image to its end.
fn check_layers(
    registry: &Registry,
    image: &PinnedRef,
    context: &Context,
    handle: &Handle,
) -> Result<Outcome, Failure> {
    let client = registry.client(context)?;
    let reference = ImageRef { repository: image.repository().clone(), tag: None, digest: Some(*image.digest()) };
    let remote = handle.block_on(RemoteImage::open(client, &reference, handle.clone())).map_err(altered)?;
    let failed = |failure: Failure| match failure.exit {
        Exit::Usage => Ok(Outcome::Failed(failure.message)),
        _ => Err(failure),
    };
    let resolved = match resolve(&remote, &Wanted::All, &context.limits) {
        Ok(resolved) => resolved,
        Err(e) => return failed(e.into()),
    };
    for PlatformImage { manifest, config, .. } in &resolved.images {
        for (layer, diff_id) in manifest.layers.iter().zip(&config.rootfs.diff_ids) {
            if let Err(e) = read_layer(remote.as_blobs(), layer, diff_id, &context.limits, &mut Unread) {
                return failed(e.into());
            }
        }
    }
    Ok(Outcome::Passed)
}

/// Only the digests matter.
struct Unread;

impl EntryVisitor for Unread {
    fn entry(&mut self, _: &EntryMeta, _: &mut dyn std::io::Read) -> std::io::Result<()> {
        Ok(())
    }
}
