//! The statements about a cleared image, in the order in which they are signed: SBOMs and scan, the decision that was made
//! from them, provenance, signature.

use jiff::Timestamp;
use sealwright_attest as attest;
use sealwright_attest::{DecisionInput, PolicyName, ProvenanceInput, ScanInput, Subject};
use sealwright_bundle::Statement;
use sealwright_core::{Decision, Digest, Finding, Inventory};
use sealwright_sbom::{CycloneDx, merge};
use serde_json::{Map, Value};

use super::judge::Facts;
use super::signer::Sealer;
use super::trust_file::TrustFile;
use crate::context::Context;
use crate::failure::Failure;

/// The version of this tool, as documents name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the statements of one seal have in common.
pub struct Common<'a> {
    /// The repository.
    pub repository: &'a str,
    /// The source as it was named.
    pub source_name: &'a str,
    /// The rules.
    pub trust: &'a TrustFile,
    /// The signer.
    pub sealer: &'a Sealer,
    /// The digest of the advisory snapshot.
    pub snapshot: Digest,
    /// Where the advisories came from.
    pub database: &'a str,
    /// The declared inputs of the reusable workflow that builds.
    pub parameters: Option<&'a Map<String, Value>>,
    /// Time and limits.
    pub context: &'a Context,
}

/// One digest and what is stated about it before the decision.
#[derive(Debug)]
pub struct About {
    /// The digest.
    pub digest: Digest,
    /// SBOMs and scan.
    pub inputs: Vec<Statement>,
    /// What the gate decided.
    pub decision: Decision,
}

impl Common<'_> {
    fn subject(&self, digest: Digest) -> Subject<'_> {
        Subject { name: self.repository, digest, source: self.sealer.source.as_ref() }
    }

    fn policy(&self) -> PolicyName<'_> {
        PolicyName { uri: &self.trust.name, digest: self.trust.policy.digest() }
    }

    /// SBOMs and scan of one platform's image.
    ///
    /// # Errors
    /// When `SOURCE_DATE_EPOCH` is no time.
    pub fn image(&self, facts: &Facts, decision: &Decision) -> Result<About, Failure> {
        let platform = Some(&facts.image.platform);
        let created = self.context.document_time(facts.image.config.created.as_deref())?;
        let digest = facts.image.descriptor.digest;
        let findings = &facts.scanned.findings;
        let newest = newest(std::slice::from_ref(facts));
        self.about(digest, &facts.inventory, findings, decision, newest, (platform, created))
    }

    /// The merged SBOMs and scan of an index.
    ///
    /// # Errors
    /// When `SOURCE_DATE_EPOCH` is no time.
    pub fn index(&self, digest: Digest, all: &[Facts], decision: &Decision) -> Result<About, Failure> {
        let parts: Vec<_> = all.iter().map(|facts| (&facts.image.platform, &facts.inventory)).collect();
        let mut findings: Vec<Finding> = all.iter().flat_map(|facts| facts.scanned.findings.clone()).collect();
        findings.sort();
        findings.dedup();
        let created = all.iter().filter_map(|f| f.image.config.created.as_deref()).max();
        let created = self.context.document_time(created)?;
        self.about(digest, &merge(&parts), &findings, decision, newest(all), (None, created))
    }

    fn about(
        &self,
        digest: Digest,
        inventory: &Inventory,
        findings: &[Finding],
        decision: &Decision,
        newest: Option<Timestamp>,
        (platform, created): (Option<&sealwright_core::Platform>, Timestamp),
    ) -> Result<About, Failure> {
        let subject = self.subject(digest);
        let about =
            sealwright_sbom::Subject { name: self.repository, digest, platform, created, tool_version: VERSION };
        let builder = self.sealer.with_builder(|builder| builder.id());
        let scan = ScanInput {
            tool_version: VERSION,
            builder: &builder,
            database_uri: self.database,
            snapshot: self.snapshot,
            newest,
            policy: self.policy(),
            findings,
            decision,
            started: self.context.now,
            finished: self.context.now,
        };
        let inputs = vec![
            attest::cyclonedx(&subject, &sealwright_sbom::cyclonedx(inventory, &about, CycloneDx::V1_6))?,
            attest::spdx(&subject, &sealwright_sbom::spdx(inventory, &about))?,
            attest::scan(&subject, &scan),
        ];
        Ok(About { digest, inputs, decision: decision.clone() })
    }

    /// The decision about a digest, made from the statements with these digests.
    pub fn decision(&self, about: &About, inputs: &[Digest]) -> Statement {
        let level = self.sealer.with_builder(|builder| builder.level());
        let input = DecisionInput {
            tool_version: VERSION,
            time: self.context.now,
            policy: self.policy(),
            inputs,
            decision: &about.decision,
            level,
        };
        attest::decision(&self.subject(about.digest), &input)
    }

    /// Provenance and signature of what the image is called by.
    pub fn root(&self, digest: Digest, children: &[Digest]) -> Vec<Statement> {
        let subject = self.subject(digest);
        let provenance = self.sealer.with_builder(|builder| {
            let (source_name, parameters) = (self.source_name, self.parameters);
            let input = ProvenanceInput { builder, tool_version: VERSION, source_name, children, parameters };
            attest::provenance(&subject, &input)
        });
        vec![provenance, attest::signature(&subject)]
    }
}

fn newest(all: &[Facts]) -> Option<Timestamp> {
    all.iter().flat_map(|facts| &facts.scanned.ages).filter_map(|age| age.newest).max()
}
