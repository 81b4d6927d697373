//! `sealwright seal`: the main job. Read, SBOM, scan, gate, push by digest, sign, attest, read back and verify, tag last.

use std::sync::Arc;

use jiff::Timestamp;
use sealwright_advisory::AdvisorySource;
use sealwright_attest::same_claim;
use sealwright_core::{Decision, Digest, ImageRef, PinnedRef, Platform, Repository};
use sealwright_gate::ClearedImage;
use sealwright_oci::{ImageSource, ResolvedImage, Wanted};
use sealwright_policy::Policy;
use sealwright_registry::Client;
use sealwright_source::Transport;
use sealwright_verify::{BuilderAnchor, ImageEvidence, Report, Requirement, verify_image};
use serde_json::json;
use tokio::runtime::Handle;

use super::verify::{check_children, counted};
use crate::cli::arguments::{self, Format};
use crate::cli::output::{SealFormat, or_stdout};
use crate::cli::parameters::Parameters;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::builders;
use crate::pipeline::ecr::Ecr;
use crate::pipeline::evidence::Keeper;
use crate::pipeline::evidence_files;
use crate::pipeline::github::Delivery;
use crate::pipeline::judge::{Facts, Verdict, judge_all};
use crate::pipeline::publish::{Pending, Publisher, Written, can_store, push_image, tag_before};
use crate::pipeline::scan::open_store;
use crate::pipeline::signer::{self, Sealer};
use crate::pipeline::source::{self, Opened, open};
use crate::pipeline::statements::Common;
use crate::pipeline::trust_file::{self, TrustFile};
use crate::pipeline::trust_root::TrustRoots;
use crate::pipeline::verify_command::verify_command;
use crate::report::console::{Style, write_document};
use crate::report::judged::{Judged, Places};
use crate::report::sarif::Analysis;
use crate::report::{annotations, decision, statements, summary, verification};

/// Everything that can be refused is refused before an image byte is read; nothing is sent before the gate.
///
/// # Errors
/// When something cannot be read, signed or sent. A refusal is no error but exit 3.
pub fn run(arguments: &arguments::Seal, context: &Context, handle: &Handle) -> Result<Exit, Failure> {
    if let Transport::Sbom { .. } = arguments.source {
        return Err(Failure::usage("sbom: is a document, expected an image: what is sealed has to be read"));
    }
    if arguments.push.digest.is_some() {
        return Err(Failure::usage("--push names a digest, expected REPOSITORY[:TAG]: the digest is the image's own"));
    }
    let trust = rules(arguments, context)?;
    let evidence = context.evidence_repository(&arguments.push.repository)?;
    let roots = TrustRoots::new(&arguments.signing.trust, context, handle);
    let sealer = signer::open(&arguments.signing, &roots, context, handle)?;
    can_store(arguments.format, &sealer)?;
    let delivery = Delivery::plan(arguments.signing.push_to_github, arguments.format, &sealer, context)?;
    let builders = builders::admit(&trust, &sealer, &roots, context)?;
    let directory = context.store_directory(arguments.rules.db.as_ref())?;
    let store = open_store(&directory, context)?;
    let written = [&arguments.push.repository, &evidence];
    let registry = source::Registry::for_writing(handle.clone(), &written, &arguments.ecr, context)?;
    let client = registry.client(context)?;
    let ecr = registry.ecr.clone();
    let wanted = arguments.platform.clone().map_or(Wanted::All, Wanted::One);
    let opened = open(&arguments.source, &wanted, context, &registry)?;
    expect(arguments.expect_digest, &opened)?;
    let (format, database) = (arguments.format, "OSV".to_owned());
    let parameters = arguments.parameters.clone();
    let job =
        Job { trust, builders, sealer, client, ecr, evidence, format, delivery, context, handle, database, parameters };
    let done = job.seal(&opened, &store, &arguments.push)?;
    evidence_files::write(arguments.evidence.folder.as_deref(), &done.written)?;
    let command = done.image.as_ref().map(|image| verify_command(image, &job.sealer, &arguments.signing.trust));
    report(&done, command.as_deref(), arguments, &opened.name, context)?;
    Ok(done.exit())
}

/// What was built has to be what is sealed: another job of the same run could have replaced it on the way.
fn expect(expected: Option<Digest>, opened: &Opened) -> Result<(), Failure> {
    let found = opened.image.root.digest;
    match expected {
        Some(expected) if expected != found => {
            Err(Failure::new(Exit::NotVerified, format!("{} is {found}, expected {expected}", opened.name))
                .hint("it is not what --expect-digest names; nothing was pushed, signed or tagged"))
        }
        _ => Ok(()),
    }
}

fn rules(arguments: &arguments::Seal, context: &Context) -> Result<TrustFile, Failure> {
    let trust = trust_file::find(arguments.rules.policy.as_deref(), context)?;
    let trust = trust.unwrap_or_else(|| TrustFile { policy: Policy::built_in(), name: "built-in".into() });
    let digest = trust.policy.digest();
    context.console.note(&format!("rules of {} ({})", trust.name, digest.short()));
    if trust.name == "built-in" {
        context.console.note("built-in: fail-on critical, unknown severity, known exploited, unknown distribution, advisories older than 5 days");
    }
    if !trust.policy.covers(&arguments.push.repository) {
        return Err(Failure::usage(format!(
            "{} is none of the images that {} is about",
            arguments.push.repository, trust.name
        )));
    }
    Ok(trust)
}

/// What one seal needs.
pub struct Job<'a> {
    /// The rules.
    pub trust: TrustFile,
    /// Those by whom the seal is judged when it is read back.
    pub builders: Vec<BuilderAnchor>,
    /// The signer.
    pub sealer: Sealer,
    /// The registry.
    pub client: Arc<Client>,
    /// Knows which tags may move, where the registry is one of Amazon ECR.
    pub ecr: Arc<Ecr>,
    /// Where evidence is kept.
    pub evidence: Repository,
    /// How it is stored.
    pub format: Format,
    /// Where it goes besides.
    pub delivery: Option<Delivery>,
    /// Time, limits and console.
    pub context: &'a Context,
    /// Where network work runs.
    pub handle: &'a Handle,
    /// Where the advisories came from, in words.
    pub database: String,
    /// The declared inputs of the reusable workflow that runs this.
    pub parameters: Option<Parameters>,
}

/// The decision about the image of one platform.
pub struct Decided {
    /// The platform.
    pub platform: Platform,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The decision.
    pub decision: Decision,
    /// Where its packages are.
    pub places: Places,
}

impl Decided {
    fn of(facts: &Facts, decision: Decision) -> Self {
        let platform = facts.image.platform.clone();
        Self { platform, digest: facts.image.descriptor.digest, decision, places: Places::of(&facts.inventory) }
    }

    fn judged(&self) -> Judged<'_> {
        Judged::new(Some(&self.platform), self.digest, &[], Some(&self.decision), &self.places)
    }
}

/// What came out.
pub struct Done {
    /// The image by digest, once it is pushed.
    pub image: Option<PinnedRef>,
    /// The decision about each platform.
    pub decisions: Vec<Decided>,
    /// The statements.
    pub written: Vec<Written>,
    /// What the read-back came to.
    pub verification: Option<Report>,
    /// The tag that names the image now.
    pub tag: Option<String>,
}

impl Done {
    /// 3 for a refusal, 4 for a read-back that does not verify.
    pub fn exit(&self) -> Exit {
        match (&self.image, &self.verification) {
            (None, _) => Exit::Refused,
            (Some(_), Some(report)) if report.passed() => Exit::Passed,
            (Some(_), _) => Exit::NotVerified,
        }
    }
}

impl Job<'_> {
    /// Judges the image and, if it is cleared, pushes, signs, attests, reads back, verifies and tags it.
    ///
    /// # Errors
    /// As [`run`].
    pub fn seal(&self, opened: &Opened, advisories: &dyn AdvisorySource, push: &ImageRef) -> Result<Done, Failure> {
        let Opened { source, image, name } = opened;
        let (facts, verdict) = judge_all(&**source, image, advisories, &self.trust.policy, self.context)?;
        let cleared = match verdict {
            Verdict::Refused(decisions) => {
                let decisions = facts.iter().zip(decisions).map(|(facts, (_, one))| Decided::of(facts, one)).collect();
                return Ok(Done { image: None, decisions, written: vec![], verification: None, tag: None });
            }
            Verdict::Cleared(cleared) => cleared,
        };
        let repository = &push.repository;
        if let Some(tag) = &push.tag {
            let console = &self.context.console;
            let before = tag_before(&self.client, &self.ecr, (repository, tag), cleared.root(), console);
            self.handle.block_on(before)?;
        }
        let repository_name = repository.to_string();
        let common = Common {
            repository: &repository_name,
            source_name: name,
            trust: &self.trust,
            sealer: &self.sealer,
            snapshot: advisories.snapshot().digest(),
            database: &self.database,
            parameters: self.parameters.as_ref().map(|parameters| &parameters.0),
            context: self.context,
        };
        let decisions = facts
            .iter()
            .zip(cleared.children())
            .map(|(facts, child)| Decided::of(facts, child.decision().clone()))
            .collect();
        let (pinned, written) =
            self.handle.block_on(self.publish(&**source, image, &cleared, &facts, &common, repository))?;
        let verification = self.read_back(&pinned, image)?;
        let mut done =
            Done { image: Some(pinned.clone()), decisions, written, verification: Some(verification), tag: None };
        if done.exit() != Exit::Passed {
            return Ok(done);
        }
        // What was read back goes elsewhere too. Who waits for the tag finds it there.
        if let Some(delivery) = &self.delivery {
            let place = "the registry, and no tag was set";
            let delivered = delivery.deliver(&mut done.written, &self.sealer, &self.context.limits, place);
            self.handle.block_on(delivered)?;
        }
        if let Some(tag) = &push.tag {
            let root = &image.root;
            self.handle.block_on(self.client.tag(&pinned, tag, &root.media_type, &image.root_bytes))?;
            done.tag = Some(tag.clone());
        }
        Ok(done)
    }

    /// A scan that is kept has to last for the builders that demand a young one.
    fn oldest_scan(&self) -> Option<Timestamp> {
        let ages = self.builders.iter().filter_map(|anchor| anchor.builder().evidence.scan.max_age);
        let age = ages.min().and_then(|seconds| i64::try_from(seconds).ok())?;
        Timestamp::from_second(self.context.now.as_second().saturating_sub(age)).ok()
    }

    async fn publish(
        &self,
        source: &dyn ImageSource,
        image: &ResolvedImage,
        cleared: &ClearedImage,
        facts: &[Facts],
        common: &Common<'_>,
        repository: &Repository,
    ) -> Result<(PinnedRef, Vec<Written>), Failure> {
        let limits = &self.context.limits;
        let pinned = push_image(&self.client, repository, source, image, cleared, limits).await?;
        let created = facts.iter().filter_map(|f| f.image.config.created.as_deref()).max();
        let mut publisher = Publisher {
            client: &self.client,
            repository: &self.evidence,
            sealer: &self.sealer,
            format: self.format,
            limits,
            created: self.context.document_time(created)?.to_string(),
            same: same_claim,
            oldest_scan: self.oldest_scan(),
            ecr: &self.ecr,
            console: &self.context.console,
            pending: Pending::new(),
            to_github: self.delivery.is_some(),
        };
        let mut written = Vec::new();
        for (facts, child) in facts.iter().zip(cleared.children()) {
            let about = common.image(facts, child.decision())?;
            let subject = facts.image.descriptor.plain();
            written.extend(publisher.judged(common, &about, &subject).await?);
        }
        let root = image.root.plain();
        if image.index.is_some() {
            let about = common.index(root.digest, facts, &cleared.merged())?;
            written.extend(publisher.judged(common, &about, &root).await?);
        }
        let children: Vec<_> = cleared.children().iter().map(|child| child.subject()).collect();
        written.extend(publisher.all(&common.root(root.digest, &children), &root).await?);
        publisher.finish().await?;
        Ok((pinned, written))
    }

    /// Everything again from the registry, with the rules that anyone else would use.
    fn read_back(&self, pinned: &PinnedRef, image: &ResolvedImage) -> Result<Report, Failure> {
        let limits = &self.context.limits;
        let (policy, builders) = (&self.trust.policy, self.builders.as_slice());
        self.handle.block_on(async {
            self.client.manifest(pinned).await?;
            let keeper = Keeper::Registry { client: &self.client, repository: self.evidence.clone() };
            let requirement = Requirement::Sealed { policy, builders };
            let verify = |found: &ImageEvidence| verify_image(found, &requirement, self.context.now, limits);
            let mut report = keeper.judge(pinned.digest(), None, limits, verify).await?;
            if image.index.is_some() {
                let children: Vec<_> = image.images.iter().map(|i| i.descriptor.digest).collect();
                let counted = counted(&report, builders);
                let judged = check_children(&keeper, &children, policy, counted, self.context).await?;
                report.add(judged.check);
            }
            Ok(report)
        })
    }
}

fn report(
    done: &Done,
    command: Option<&str>,
    arguments: &arguments::Seal,
    name: &str,
    context: &Context,
) -> Result<(), Failure> {
    let judged: Vec<Judged<'_>> = done.decisions.iter().map(Decided::judged).collect();
    let sealed = summary::Sealed {
        name,
        image: done.image.as_ref(),
        written: &done.written,
        verification: done.verification.as_ref(),
        tag: done.tag.as_deref(),
        command,
    };
    for output in or_stdout(&arguments.output, SealFormat::Text).iter() {
        let bytes = match output.format {
            SealFormat::Text => as_text(done, context.console.style()).into_bytes(),
            SealFormat::Json => {
                let mut bytes = serde_json::to_vec_pretty(&as_json(done, command)).unwrap_or_default();
                bytes.push(b'\n');
                bytes
            }
            SealFormat::Sarif => {
                // The image as it is known where it goes: a later scan of it there has the same category.
                let image = arguments.push.repository.to_string();
                let document = Analysis { image: &image, time: context.now, judged: &judged }.document();
                document.left_out.iter().for_each(|line| context.console.warn(line));
                document.bytes
            }
            SealFormat::Markdown => summary::seal(&sealed, &judged, summary::STEP).into_bytes(),
            SealFormat::Comment => summary::seal(&sealed, &judged, summary::COMMENT).into_bytes(),
            SealFormat::Annotations => annotations::text(&judged).into_bytes(),
        };
        write_document(&bytes, output.file.as_deref())?;
    }
    Ok(())
}

/// The report for a person.
pub fn as_text(done: &Done, style: Style) -> String {
    let mut text = String::new();
    for Decided { platform, decision, .. } in &done.decisions {
        text.push_str(&format!("{}\n{}", style.heading(&platform.to_string()), decision::decision(decision, style)));
    }
    let Some(image) = &done.image else {
        text.push_str("nothing was pushed, signed or tagged\n");
        return text;
    };
    text.push_str(&statements::text(&done.written, style));
    if let Some(report) = &done.verification {
        if report.passed() {
            text.push_str(&format!(
                "{} {} on what was read back\n",
                style.good("verified"),
                verification::summary(report)
            ));
        } else {
            text.push_str(&format!("{}\n", style.bad("what was read back does not verify; no tag was set")));
            text.push_str(&verification::text(report, style));
        }
    }
    if let Some(tag) = &done.tag {
        text.push_str(&format!("tagged   {tag} names it now\n"));
    }
    text.push_str(&format!("{image}\n"));
    text
}

fn as_json(done: &Done, command: Option<&str>) -> serde_json::Value {
    let decisions: Vec<_> =
        done.decisions.iter().map(|d| json!({ "platform": d.platform.to_string(), "decision": d.decision })).collect();
    json!({
        "schema": 1,
        "image": done.image.as_ref().map(ToString::to_string),
        "decisions": decisions,
        "statements": statements::json(&done.written),
        "verification": done.verification,
        "tag": done.tag,
        "verifyCommand": command,
    })
}
