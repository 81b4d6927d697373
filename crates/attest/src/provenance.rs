//! SLSA provenance v1: who built, from what. Only what was proved is claimed.

use sealwright_bundle::vocabulary::{GITHUB_WORKFLOW, SEAL_WORKFLOW, SEALED};
use sealwright_bundle::{Statement, StatementSubject, known_builder, predicate_type};
use sealwright_core::Digest;
use serde_json::{Map, Value, json};

use crate::{SourceIdentity, Subject};

/// Who built, as it was proved.
#[derive(Debug, Clone)]
pub enum ProvenBuilder<'a> {
    /// Nobody but the holder of a key: level 0.
    Key {
        /// sha256 over the key's SPKI.
        fingerprint: &'a Digest,
    },
    /// A CI workload, by the certificate that it was issued: level 2, where the workload itself makes this statement, and 3
    /// where it is a workflow that is known to keep the build apart.
    Workload {
        /// The signer workflow's URI, from the certificate.
        builder: &'a str,
        /// The workflow that ran, from the certificate.
        workflow: Option<&'a str>,
        /// The run, from the certificate.
        run: Option<&'a str>,
        /// Whether a machine of the platform ran it, not one of its owner.
        hosted: bool,
    },
    /// Somebody with an identity that names no workload: level 0.
    Identity {
        /// The certificate's subject.
        identity: &'a str,
        /// The issuer of the identity.
        issuer: &'a str,
    },
}

/// What provenance is made of.
#[derive(Debug)]
pub struct ProvenanceInput<'a> {
    /// Who built.
    pub builder: ProvenBuilder<'a>,
    /// The version of this tool.
    pub tool_version: &'a str,
    /// Where the image came from, as it was named.
    pub source_name: &'a str,
    /// Of an index: the digests of its images.
    pub children: &'a [Digest],
    /// The declared inputs of the reusable workflow that builds.
    pub parameters: Option<&'a Map<String, Value>>,
}

impl ProvenBuilder<'_> {
    /// The SLSA build level that can honestly be claimed.
    pub fn level(&self) -> u8 {
        match self {
            Self::Key { .. } | Self::Identity { .. } => 0,
            // The same as the verifier finds out: a known workflow, called by another one, on a machine of the platform.
            Self::Workload { builder, workflow: Some(workflow), hosted: true, .. } if builder != workflow => {
                known_builder(builder).map_or(2, |known| known.level)
            }
            Self::Workload { .. } => 2,
        }
    }

    /// The URI that names the builder.
    pub fn id(&self) -> String {
        match self {
            Self::Key { fingerprint } => format!("https://sealwright.dev/key/sha256/{}", fingerprint.hex()),
            Self::Workload { builder, .. } => (*builder).to_owned(),
            Self::Identity { identity, issuer } => format!("{issuer}#{identity}"),
        }
    }
}

/// Provenance of the subject; of an index of all its images too.
pub fn provenance(subject: &Subject<'_>, input: &ProvenanceInput<'_>) -> Statement {
    let mut subjects = vec![subject.named()];
    let child = |digest: &Digest| StatementSubject::new(Some(subject.name), digest, subject.annotations());
    subjects.extend(input.children.iter().filter(|digest| **digest != subject.digest).map(child));
    let (build_type, mut parameters) = match (&input.builder, input.parameters) {
        (ProvenBuilder::Workload { workflow, .. }, None) => {
            (GITHUB_WORKFLOW, workflow_parameters(*workflow, subject.source))
        }
        (ProvenBuilder::Workload { workflow, .. }, Some(_)) => {
            (SEAL_WORKFLOW, workflow_parameters(*workflow, subject.source))
        }
        _ => (SEALED, json!({ "source": input.source_name })),
    };
    if let (Some(inputs), Some(members)) = (input.parameters, parameters.as_object_mut()) {
        members.insert("inputs".to_owned(), Value::Object(inputs.clone()));
    }
    let run = match &input.builder {
        ProvenBuilder::Workload { run: Some(run), .. } => json!({ "invocationId": run }),
        _ => json!({}),
    };
    let predicate = json!({
        "buildDefinition": {
            "buildType": build_type,
            "externalParameters": parameters,
            "internalParameters": internal_parameters(input, subject.source),
            "resolvedDependencies": dependencies(subject.source),
        },
        "runDetails": { "builder": { "id": input.builder.id() }, "metadata": run },
    });
    Statement::new(subjects, predicate_type::PROVENANCE, predicate)
}

/// GitHub's own statements carry the ids too (actions/toolkit, `packages/attest/src/provenance.ts`).
fn internal_parameters(input: &ProvenanceInput<'_>, source: Option<&SourceIdentity>) -> Value {
    let mut parameters = json!({ "sealwright": { "version": input.tool_version } });
    let ids = source.filter(|_| matches!(input.builder, ProvenBuilder::Workload { .. })).map(|source| {
        without_nulls([("repository_id", &source.repository_id), ("repository_owner_id", &source.owner_id)])
    });
    if let (Some(ids), Some(members)) = (ids, parameters.as_object_mut()) {
        members.insert("github".to_owned(), ids);
    }
    parameters
}

/// `https://github.com/owner/name/.github/workflows/file.yml@ref` in the parts that GitHub's build type names.
fn workflow_parameters(workflow: Option<&str>, source: Option<&SourceIdentity>) -> Value {
    let (path, reference) = workflow.and_then(|w| w.rsplit_once('@')).unzip();
    let path = path.and_then(|p| p.split_once("/.github/")).map(|(_, rest)| format!(".github/{rest}"));
    let repository = source.and_then(|s| s.repository.as_ref()).map(|r| format!("https://github.com/{r}"));
    let parts = [("ref", &reference.map(str::to_owned)), ("repository", &repository), ("path", &path)];
    json!({ "workflow": without_nulls(parts) })
}

fn dependencies(source: Option<&SourceIdentity>) -> Value {
    let Some(SourceIdentity { repository: Some(repository), reference, commit: Some(commit), .. }) = source else {
        return json!([]);
    };
    let reference = reference.as_deref().map(|r| format!("@{r}")).unwrap_or_default();
    json!([{ "uri": format!("git+https://github.com/{repository}{reference}"), "digest": { "gitCommit": commit } }])
}

fn without_nulls<const N: usize>(members: [(&str, &Option<String>); N]) -> Value {
    let stated = members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::from(value.clone()?))));
    Value::Object(stated.collect())
}
