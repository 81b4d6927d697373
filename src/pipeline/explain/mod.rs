//! What enforcement would deny of images: by their references, and of those that have to have evidence by what the registry has.
//!
//! It foretells admission and not `verify`: evidence counts where Kyverno looks for it (bundles beside the image), by what Kyverno
//! compares (issuer and name of a certificate, not its other claims), about the digest that a Pod gets and none below it.

pub mod kubectl;
pub mod pods;
mod registry;
mod statements;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sealwright_admission::explain::{Image, Judgment, Known, Place, Rules, Stated, Verdict};
use sealwright_core::{Digest, ImageRef, PinnedRef};
use sealwright_registry::Client;
use sealwright_verify::BuilderAnchor;

use super::evidence::Stored;
use crate::context::Context;
use crate::exit::Exit;
use pods::{Named, Workload};
use registry::{Resolved, bundles, resolve, side_by_side};
use statements::{Signer, stated};

/// Whose digest it is that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestOf {
    /// The reference's own.
    Reference,
    /// What runs.
    Running,
    /// What the tag names now.
    Tag,
    /// Nobody's: it is not known, or was not asked for.
    Nobody,
}

impl DigestOf {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Running => "running",
            Self::Tag => "tag",
            Self::Nobody => "none",
        }
    }
}

/// An image and what would become of it.
#[derive(Debug)]
pub struct Explained {
    /// As it was named. Hostile.
    pub reference: String,
    /// Where Pods have it.
    pub place: Place,
    /// The digest that was judged.
    pub digest: Option<Digest>,
    /// Whose that is.
    pub digest_of: DigestOf,
    /// What the policies say.
    pub judgment: Judgment,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// Who uses it, with the number of Pods.
    pub used_by: Vec<(Workload, usize)>,
}

/// What each image comes to.
#[derive(Debug, Default)]
pub struct Explanation {
    /// The images: those that are denied first.
    pub images: Vec<Explained>,
}

impl Explanation {
    /// How many there are of a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.images.iter().filter(|one| one.judgment.verdict() == verdict).count()
    }

    /// What is certainly denied counts before what could not be asked.
    pub fn exit(&self) -> Exit {
        match (self.count(Verdict::Denied), self.count(Verdict::Unknown)) {
            (0, 0) => Exit::Passed,
            (0, _) => Exit::Unavailable,
            _ => Exit::NotVerified,
        }
    }
}

/// An image as it is named, and who uses it.
pub type Users = BTreeMap<Named, BTreeMap<Workload, usize>>;

/// Explains images by rules and builders.
pub struct Explainer<'a> {
    /// The policies.
    pub rules: Rules<'a>,
    /// Whose signatures count.
    pub builders: &'a [BuilderAnchor],
    /// The registry.
    pub client: Arc<Client>,
    /// Time and limits.
    pub context: &'a Context,
}

impl Explainer<'_> {
    /// Asks the registries and judges. `step` is told how many of how many images are done. A registry that does not answer is a
    /// verdict about its images and ends nothing.
    pub async fn explain(&self, images: &Users, step: impl Fn(usize, usize)) -> Explanation {
        let asked: HashMap<String, ImageRef> = images
            .keys()
            .filter(|one| self.rules.ask_for_evidence(&one.reference))
            .filter_map(|one| Some((one.reference.clone(), one.reference.parse().ok()?)))
            .collect();
        let mut resolved: HashMap<String, Resolved> = HashMap::new();
        let client = &self.client;
        let work = |(name, reference): (String, ImageRef)| {
            let client = client.clone();
            async move { (name, resolve(&client, &reference).await) }
        };
        side_by_side(asked.clone(), work, |(name, one)| {
            resolved.insert(name, one);
        })
        .await;
        let mut explained = Vec::new();
        let mut waiting: HashMap<PinnedRef, Vec<Candidate<'_>>> = HashMap::new();
        for (named, users) in images {
            for candidate in candidates(named, users, asked.get(&named.reference), &resolved, &self.rules) {
                match candidate.pinned.clone() {
                    Some(pinned) => waiting.entry(pinned).or_default().push(candidate),
                    None => explained.push(self.judge(candidate, None)),
                }
            }
        }
        let all = explained.len() + waiting.values().map(Vec::len).sum::<usize>();
        step(explained.len(), all);
        let signers = Signer::at_admission(self.builders);
        let pinned: Vec<PinnedRef> = waiting.keys().cloned().collect();
        let limits = &self.context.limits;
        let work = |image: PinnedRef| {
            let (client, limits) = (client.clone(), limits.clone());
            async move {
                let found = bundles(&client, &image, &limits).await;
                (image, found)
            }
        };
        // Judged as they come: the bundles of one image may be large, and are let go of.
        side_by_side(pinned, work, |(image, found)| {
            let (found, broken) = match found {
                // Which of them is the last one is not known then.
                Ok(Stored { broken, unread: 1.., .. }) => (Err(broken.join("; ")), vec![]),
                Ok(Stored { bundles, broken, .. }) => (Ok(bundles), broken),
                Err(why) => (Err(why), vec![]),
            };
            let read = found.map(|bundles| stated(&bundles, image.digest(), &signers, limits));
            for mut candidate in waiting.remove(&image).into_iter().flatten() {
                // Kyverno may read more of it than we do, or less.
                candidate.notes.extend(broken.iter().map(|why| format!("left aside: {why}")));
                explained.push(self.judge(candidate, Some(read.as_ref().map_err(String::as_str).map(Vec::as_slice))));
            }
            step(explained.len(), all);
        })
        .await;
        explained.sort_by_cached_key(|one| (one.judgment.verdict(), one.reference.clone(), one.place, one.digest));
        Explanation { images: explained }
    }

    fn judge(&self, candidate: Candidate<'_>, read: Option<Result<&[Stated], &str>>) -> Explained {
        let Candidate { named, users, digest, digest_of, why_unknown, notes, .. } = candidate;
        let known = match (&why_unknown, read) {
            (Some(why), _) => Known::Nothing(why),
            (None, Some(Err(why))) => Known::Nothing(why),
            (None, Some(Ok(stated))) => Known::Statements(stated),
            (None, None) => Known::Statements(&[]),
        };
        let image = Image { reference: &named.reference, place: named.place, digest, known };
        Explained {
            reference: named.reference.clone(),
            place: named.place,
            digest,
            digest_of,
            judgment: self.rules.judge(&image, self.context.now),
            notes,
            used_by: users.iter().map(|(by, pods)| (by.clone(), *pods)).collect(),
        }
    }
}

/// A digest of an image that is to be judged.
struct Candidate<'a> {
    named: &'a Named,
    users: &'a BTreeMap<Workload, usize>,
    digest: Option<Digest>,
    digest_of: DigestOf,
    /// Where its evidence is to be read.
    pinned: Option<PinnedRef>,
    /// Why there is nothing to judge.
    why_unknown: Option<String>,
    notes: Vec<String>,
}

/// What is judged of an image: the digest that it is named by; else the one that runs, and where its tag names another one now,
/// that one too, because a new Pod gets it.
fn candidates<'a>(
    named: &'a Named,
    users: &'a BTreeMap<Workload, usize>,
    reference: Option<&ImageRef>,
    resolved: &HashMap<String, Resolved>,
    rules: &Rules<'_>,
) -> Vec<Candidate<'a>> {
    let new = |digest: Option<Digest>, digest_of: DigestOf| {
        let pinned = reference.zip(digest).map(|(reference, digest)| reference.repository.pinned(digest));
        Candidate { named, users, digest, digest_of, pinned, why_unknown: None, notes: vec![] }
    };
    let unknown = |digest: Option<Digest>, digest_of: DigestOf, why: String| {
        vec![Candidate { pinned: None, why_unknown: Some(why), ..new(digest, digest_of) }]
    };
    let runs = || new(named.running, named.running.map_or(DigestOf::Nobody, |_| DigestOf::Running));
    let Some(reference) = reference else {
        return match named.reference.parse::<ImageRef>() {
            // No policy asks for evidence of it, and no registry is asked.
            Ok(ImageRef { digest: Some(digest), .. }) => vec![new(Some(digest), DigestOf::Reference)],
            Err(why) if rules.ask_for_evidence(&named.reference) => unknown(None, DigestOf::Nobody, why.to_string()),
            _ => vec![runs()],
        };
    };
    let now = match resolved.get(&named.reference) {
        Some(Ok(now)) => now,
        Some(Err(why)) => {
            let runs = runs();
            let (digest, of) = match reference.digest {
                Some(digest) => (Some(digest), DigestOf::Reference),
                None => (runs.digest, runs.digest_of),
            };
            return unknown(digest, of, why.clone());
        }
        None => return unknown(None, DigestOf::Nobody, "the registry was not asked to the end".to_owned()),
    };
    if reference.digest.is_some() {
        return vec![new(Some(now.digest), DigestOf::Reference)];
    }
    match named.running {
        // What runs may be one image of the index that the tag names: admission pins the index.
        Some(running) if running == now.digest || now.images.contains(&running) => {
            vec![new(Some(now.digest), DigestOf::Running)]
        }
        Some(running) => {
            let old = Candidate {
                notes: vec![format!("the tag names {} now: a new Pod gets that one", now.digest)],
                ..new(Some(running), DigestOf::Running)
            };
            let new = Candidate {
                notes: vec![format!("the tag was moved: what runs is {running}")],
                ..new(Some(now.digest), DigestOf::Tag)
            };
            vec![old, new]
        }
        None => vec![new(Some(now.digest), DigestOf::Tag)],
    }
}
