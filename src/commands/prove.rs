//! `sealwright prove`: the chain of custody of a digest on one page.

use std::path::Path;

use sealwright_advisory::AdvisorySource;
use sealwright_core::{Digest, Platform};
use sealwright_feed::Store;
use sealwright_oci::Document;
use sealwright_policy::{BuilderIdentity, Transparency as Rule};
use sealwright_verify::{Check, ImageEvidence, Outcome, Report, Requirement, verify_image};
use tokio::runtime::Handle;

use super::verify::{Demand, counted, first_failure, running};
use crate::cli::arguments::{self, Transparency};
use crate::cli::output::{ProofFormat, or_stdout};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::evidence::{Keeper, altered};
use crate::pipeline::prove::{Demanded, Flags, ImageReport, Known, prove, shell};
use crate::pipeline::scan::open_store;
use crate::pipeline::source::Registry;
use crate::pipeline::trust_root::TrustRoots;
use crate::report::console::write_document;
use crate::report::proof;
use crate::report::trust_root::{origin_json, origin_lines};

/// Verifies as `verify` does, and writes the page also when a check does not hold: then exit 4.
///
/// # Errors
/// When the registry does not answer, or what is needed for the checks cannot be read.
pub fn run(arguments: &arguments::Prove, context: &Context, handle: &Handle) -> Result<Exit, Failure> {
    let roots = TrustRoots::new(&arguments.signer.trust, context, handle);
    let demand = Demand::of((arguments.policy.as_deref(), None), None, &arguments.signer, &roots, context)?;
    demand.check_covers(&arguments.reference.repository)?;
    let store = advisories(arguments, context)?;
    let client = Registry::new(handle.clone(), context).client(context)?;
    let kept = context.evidence_repository(&arguments.reference.repository)?;
    let (pinned, report, images) = handle.block_on(async {
        let (pinned, descriptor, bytes) = client.resolve(&arguments.reference).await.map_err(altered)?;
        let document = Document::parse(&bytes, Some(&descriptor.media_type))
            .map_err(|e| Failure::new(Exit::NotVerified, format!("{pinned} is {e}")))?;
        let keeper = Keeper::Registry { client: &client, repository: kept.clone() };
        let judge = Judge { keeper, demand: &demand, context };
        let (report, images) = judge.all(pinned.digest(), &document).await?;
        Ok::<_, Failure>((pinned, report, images))
    })?;
    let proof = prove(Known {
        reference: &arguments.reference,
        image: &pinned,
        demanded: demanded(arguments, &report, &roots, context),
        rules: match &demand {
            Demand::Policy { trust, .. } => Some(trust.policy.digest()),
            Demand::Plain { .. } => None,
        },
        advisories: store.as_ref().map(|store| store as &dyn AdvisorySource).map_err(Clone::clone),
        flags: flags(arguments, &demand, &report, (kept != arguments.reference.repository).then(|| kept.to_string())),
        report: &report,
        images: &images,
        now: context.now,
        limits: &context.limits,
    });
    for output in or_stdout(&arguments.output, ProofFormat::Text).iter() {
        let bytes = match output.format {
            ProofFormat::Text => proof::text(&proof, context.console.style()).into_bytes(),
            ProofFormat::Markdown => proof::markdown(&proof).into_bytes(),
            ProofFormat::Html => proof::html(&proof).into_bytes(),
            ProofFormat::Json => proof::json(&proof),
        };
        write_document(&bytes, output.file.as_deref())?;
    }
    Ok(if proof.passed { Exit::Passed } else { Exit::NotVerified })
}

/// A store that was named has to be there. Without one in the cache folder the page says that nothing was scanned.
fn advisories(arguments: &arguments::Prove, context: &Context) -> Result<Result<Store, String>, Failure> {
    let opened = context.store_directory(arguments.db.as_ref()).and_then(|folder| open_store(&folder, context));
    match opened {
        Err(failure) if arguments.db.is_none() => Ok(Err(failure.message)),
        opened => opened.map(Ok),
    }
}

/// Makes the checks of an image, and of those of an index.
struct Judge<'a> {
    keeper: Keeper<'a>,
    demand: &'a Demand,
    context: &'a Context,
}

impl Judge<'_> {
    async fn all(&self, image: &Digest, document: &Document) -> Result<(Report, Vec<ImageReport>), Failure> {
        let mut report = self.one(image, &self.demand.requirement()).await?;
        let mut images = Vec::new();
        if let Document::Index(index) = document {
            let named: Vec<(Option<Platform>, Digest)> =
                running(index).map(|descriptor| (descriptor.platform.clone(), descriptor.digest)).collect();
            for (platform, digest) in named {
                let (report, result) = match self.demand {
                    Demand::Policy { trust, builders, .. } => {
                        let builders = counted(&report, builders);
                        let report = self.one(&digest, &Requirement::Child { policy: &trust.policy, builders }).await?;
                        let result = first_failure(&report).map_or(Outcome::Passed, Outcome::Failed);
                        (report, result)
                    }
                    Demand::Plain { anchor, predicate_type } => {
                        let report = self.one(&digest, &Requirement::Plain { anchor, predicate_type }).await?;
                        let count = report.signed.len();
                        let why = format!("demanded by a trust file only; {count} statements of the same signer");
                        (report, Outcome::NotChecked(why))
                    }
                };
                images.push(ImageReport { platform, digest, report, result });
            }
            report.add(Check::images(of_images(&images)));
        }
        report.add(Check::scan_today(Outcome::NotChecked("sealwright verify --db judges it".into())));
        report.add(Check::layers(Outcome::NotChecked("sealwright verify --layers reads them".into())));
        Ok((report, images))
    }

    async fn one(&self, image: &Digest, requirement: &Requirement<'_>) -> Result<Report, Failure> {
        let Context { now, limits, .. } = self.context;
        let verify = |found: &ImageEvidence| verify_image(found, requirement, *now, limits);
        self.keeper.judge(image, None, limits, verify).await
    }
}

/// The check of an index's images from what came of each.
fn of_images(images: &[ImageReport]) -> Outcome {
    if images.is_empty() {
        return Outcome::Failed("the index names no image that runs".into());
    }
    for image in images {
        match &image.result {
            Outcome::Passed => {}
            Outcome::Failed(why) => return Outcome::Failed(format!("{}: {why}", image.digest.short())),
            Outcome::NotChecked(_) => {
                return Outcome::NotChecked("only a trust file demands evidence of an index's images".into());
            }
        }
    }
    Outcome::Passed
}

fn demanded(arguments: &arguments::Prove, report: &Report, roots: &TrustRoots<'_>, context: &Context) -> Demanded {
    let signer = &arguments.signer;
    let either = |exact: &Option<String>, pattern: &Option<String>| {
        exact.clone().or_else(|| pattern.as_ref().map(|p| format!("/{p}/"))).unwrap_or_default()
    };
    let by = match (&arguments.policy, &signer.key) {
        (Some(file), _) => format!("trust file {}", file.display()),
        (None, Some(key)) => format!("key {}", key.display()),
        (None, None) => {
            let identity = either(&signer.certificate_identity, &signer.certificate_identity_regexp);
            let issuer = either(&signer.certificate_oidc_issuer, &signer.certificate_oidc_issuer_regexp);
            format!("identity {identity} of {issuer}")
        }
    };
    let line = roots.origin().map(|origin| origin_lines(origin, context.now).trim_end().replace('\n', "; "));
    Demanded {
        by,
        builder: report.builder.clone(),
        trust_root: roots.origin().map(|origin| origin_json(origin, context.now)),
        trust_root_line: line,
    }
}

/// How the same is said to other tools.
fn flags(arguments: &arguments::Prove, demand: &Demand, report: &Report, kept: Option<String>) -> Flags {
    let signer = &arguments.signer;
    let (key, logged) = match demand {
        Demand::Plain { .. } => {
            (signer.key.as_ref().map(|file| file.display().to_string()), signer.transparency == Transparency::Required)
        }
        Demand::Policy { trust, builders, .. } => {
            let folder = Path::new(&trust.name).parent().unwrap_or(Path::new(""));
            let named = counted(report, builders).first().map(|anchored| anchored.builder());
            let key = named.and_then(|builder| match &builder.identity {
                BuilderIdentity::Key(rule) => Some(folder.join(&rule.file).display().to_string()),
                BuilderIdentity::Keyless(_) => None,
            });
            (key, named.is_some_and(|builder| builder.transparency == Rule::Required))
        }
    };
    let trust = &signer.trust;
    let needed = key.is_none() || logged;
    Flags {
        key,
        logged,
        trusted_root: trust.trusted_root.as_ref().filter(|_| needed).map(|file| file.display().to_string()),
        initialize: trust.tuf.as_ref().filter(|_| needed).map(|url| {
            let root = trust.tuf_root.as_ref().map(|file| format!(" --root {}", shell(&file.display().to_string())));
            format!("cosign initialize --mirror {}{}", shell(url), root.unwrap_or_default())
        }),
        evidence_repository: kept,
    }
}
