//! `policy render`: the trust file as objects of an admission controller.
//!
//! What is written denies whatever the trust file's own words refuse, as far as the engine can see it; what it cannot say is told
//! ([`Rendered::notes`]). The same trust file gives the same bytes.

pub(crate) mod attestor;
pub(crate) mod cel;
pub(crate) mod conditions;
mod globs;
mod helm;
pub(crate) mod image_policy;
pub(crate) mod judgment;
mod kustomization;
mod legacy;
mod notes;
pub(crate) mod object;
mod policy_controller;
pub(crate) mod reference_policy;
mod yaml;

use std::collections::BTreeMap;

use sealwright_core::Digest;
use sealwright_policy::{PathPattern, Policy, SbomFormat};

use image_policy::{Evidence, ImagePolicy, image_policy};
pub use notes::notes;
pub use object::Stage;
use object::{Object, Rule};
use reference_policy::reference_policies;

/// The first version of Kyverno in which these objects hold: before it, `verifyDigest`, `mutateDigest` and `required` did
/// nothing in them, and ephemeral containers went unseen (kyverno/kyverno#16808, #16809, #16853, #16947).
pub const KYVERNO: &str = "1.19.1";

/// The name of the chart that [`helm()`] writes.
pub const HELM_CHART: &str = helm::NAME;

/// What the trust file does not say.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The public keys of the builders that have one (PEM), by the builders' names.
    pub keys: BTreeMap<String, String>,
    /// Keys that Kyverno fetches from a key service itself, by the builders' names: `awskms:///arn:…`.
    pub kms: BTreeMap<String, String>,
    /// Whose certificates, logs and times count.
    pub instance: Instance,
    /// Repositories whose images run without evidence, beside those of the trust file.
    pub also_allowed: Vec<PathPattern>,
    /// Digests that do not run any more.
    pub revoked: Vec<Digest>,
}

/// A Sigstore instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Instance {
    /// Sigstore's own, which Kyverno knows.
    #[default]
    PublicGood,
    /// One that publishes its keys by TUF.
    Tuf {
        /// Where.
        url: String,
        /// Its first `root.json`; without one Kyverno's own.
        root: Option<Vec<u8>>,
    },
    /// One whose keys are handed over.
    TrustedRoot {
        /// `trusted_root.json`.
        json: String,
        /// Whether it has logs. GitHub's own instance has none: its certificates stand on timestamps.
        logs: bool,
    },
}

/// Files of a folder, and what they do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Path in the folder, and text.
    pub files: Vec<(String, String)>,
    /// What is left out, each for a person.
    pub notes: Vec<String>,
}

/// Why nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Inexpressible(pub String);

/// Writes the trust file as Kyverno's objects: one file per policy in `base/`, and two overlays.
///
/// # Errors
/// When something of the trust file would be weaker in Kyverno's words, or a key is missing.
pub fn kyverno(policy: &Policy, settings: &Settings) -> Result<Rendered, Inexpressible> {
    somebody(policy)?;
    let digest = policy.digest().to_string();
    let mut files = Vec::new();
    for (folder, objects) in all(policy, settings).map_err(Inexpressible)? {
        let mut text = header(&digest);
        for (position, object) in objects.into_iter().enumerate() {
            text.push_str(if position == 0 { "" } else { "---\n" });
            text.push_str(&object.node(&digest).document());
        }
        files.push((format!("base/{folder}/policy.yaml"), text));
    }
    let listed: Vec<String> =
        files.iter().filter_map(|(path, _)| path.strip_prefix("base/").map(str::to_owned)).collect();
    let more = [
        ("base", kustomization::base(listed.iter().map(String::as_str))),
        ("overlays/audit", kustomization::audit()),
        ("overlays/enforce", kustomization::enforce()),
    ];
    files.extend(more.map(|(folder, text)| (format!("{folder}/kustomization.yaml"), header(&digest) + &text)));
    Ok(Rendered { files, notes: notes(policy, settings) })
}

/// Writes the same objects as a Helm chart, whose name is [`HELM_CHART`].
///
/// # Errors
/// As [`kyverno`].
pub fn helm(policy: &Policy, settings: &Settings) -> Result<Rendered, Inexpressible> {
    somebody(policy)?;
    let digest = policy.digest().to_string();
    let objects = all(policy, settings).map_err(Inexpressible)?.into_iter().flat_map(|(_, objects)| objects).collect();
    let mut files = helm::chart(objects, &digest);
    let generated = |name: &str| name == "Chart.yaml" || name.starts_with("policies/");
    files.iter_mut().filter(|(name, _)| generated(name)).for_each(|(_, text)| text.insert_str(0, &header(&digest)));
    Ok(Rendered { files, notes: notes(policy, settings) })
}

/// Writes the trust file as one `ClusterPolicy` with `verifyImages`, for Kyverno before 1.20, which does not execute it any more.
///
/// # Errors
/// When something of the trust file would be weaker in a way that matters, or a key is missing.
pub fn kyverno_legacy(policy: &Policy, settings: &Settings) -> Result<Rendered, Inexpressible> {
    somebody(policy)?;
    legacy::render(policy, settings)
}

/// Writes the trust file as objects of Sigstore's policy-controller: a `ClusterImagePolicy`, a `TrustRoot` where the instance is not
/// Sigstore's own, and the controller's configuration.
///
/// # Errors
/// When a builder has a key, or something of the trust file would be weaker in a way that matters.
pub fn policy_controller(policy: &Policy, settings: &Settings) -> Result<Rendered, Inexpressible> {
    somebody(policy)?;
    policy_controller::render(policy, settings)
}

/// Whether there is anybody whose images could be admitted.
pub(crate) fn somebody(policy: &Policy) -> Result<(), Inexpressible> {
    if policy.builders.is_empty() {
        let why = "the trust file names no builders: there is nobody whose images could be admitted";
        return Err(Inexpressible(why.to_owned()));
    }
    Ok(())
}

fn header(digest: &str) -> String {
    format!(
        "# Made by `sealwright policy render` from the trust file {digest}.\n# Do not edit: change the trust file and render again. For Kyverno {KYVERNO} or newer.\n"
    )
}

/// The objects by their folders.
fn all(policy: &Policy, settings: &Settings) -> Result<Vec<(&'static str, Vec<Object>)>, String> {
    let mut objects: Vec<(&'static str, Object)> = Vec::new();
    for what in image_policies(policy) {
        objects.push((what.folder, image_policy(&what, policy, settings)?));
    }
    for what in reference_policies(policy, &settings.also_allowed, &settings.revoked)? {
        objects.push((what.folder, reference_policy::object(what)));
    }
    objects.push(("exceptions", reference_policy::exceptions()));
    let mut folders: Vec<(&'static str, Vec<Object>)> = Vec::new();
    for (folder, object) in objects {
        match folders.last_mut() {
            Some((last, inside)) if *last == folder => inside.push(object),
            _ => folders.push((folder, vec![object])),
        }
    }
    Ok(folders)
}

/// The policies that ask for evidence.
pub(crate) fn image_policies(policy: &Policy) -> Vec<ImagePolicy> {
    let asked = |evidence: &Evidence| policy.builders.iter().any(|builder| evidence.asked_of(builder));
    let sboms: Vec<Evidence> =
        [SbomFormat::CycloneDx, SbomFormat::Spdx].map(Evidence::Sbom).into_iter().filter(asked).collect();
    // Asked of everybody: an image's builder is known by it.
    let groups: [(&str, &str, &str, &str, Vec<Evidence>); 5] = [
        (
            "signature",
            "sealwright-signature",
            "A signature of a builder",
            "Every image has a signature, as such, of a builder of the trust file, for the source that the trust file names. Its tag becomes the digest that is verified.",
            vec![Evidence::Signature],
        ),
        (
            "sbom",
            "sealwright-sbom",
            "An SBOM of a builder",
            "Every image has an SBOM that a builder of the trust file attested, for the source that the trust file names.",
            sboms,
        ),
        (
            "provenance",
            "sealwright-provenance",
            "SLSA provenance of a builder",
            "Every image has SLSA provenance that names its signer as the builder, the repository, its id and the commit that the trust file and the statement name, and no parameters that are not known.",
            vec![Evidence::Provenance],
        ),
        (
            "decision",
            "sealwright-decision",
            "The gate let it pass",
            "Every image has a decision that lets it pass, made by the rules of this trust file or of one that it replaces.",
            vec![Evidence::Decision],
        ),
        (
            "scan",
            "sealwright-scan",
            "A scan in which nothing is refused",
            "Every image has a scan by the rules of this trust file, or of one that it replaces, in which nothing is refused.",
            vec![Evidence::Scan],
        ),
    ];
    let mut policies = Vec::new();
    for (folder, name, title, about, mut evidence) in groups {
        evidence.retain(|one| *one == Evidence::Signature || asked(one));
        if !evidence.is_empty() {
            let pins = folder == "signature";
            policies.push(ImagePolicy {
                folder,
                name,
                title,
                about,
                evidence,
                rule: Rule::Pods,
                stage: Stage::Deny,
                pins,
            });
        }
    }
    let ephemeral = policies.iter().flat_map(|one| one.evidence.iter().copied()).collect();
    if asked(&Evidence::ScanAge) {
        policies.push(ImagePolicy {
            folder: "scan-age",
            name: "sealwright-scan-age",
            title: "A scan that is not old",
            about: "Every image has a scan that is not older than the trust file says. It is reported and not denied: an image that ran yesterday would not start again after a node has gone.",
            evidence: vec![Evidence::ScanAge],
            rule: Rule::Pods,
            stage: Stage::Audit,
            pins: false,
        });
    }
    policies.push(ImagePolicy {
        folder: "ephemeral-containers",
        name: "sealwright-ephemeral-evidence",
        title: "Ephemeral containers have all evidence",
        about: "The image of a debug container that is added to a running Pod has what every image has. Kyverno sees it only by a policy of its own.",
        evidence: ephemeral,
        rule: Rule::EphemeralContainers,
        stage: Stage::Deny,
        pins: true,
    });
    policies
}
