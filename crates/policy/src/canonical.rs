//! One byte sequence for one meaning (RFC 8785), and the digest that statements name it by. Waivers are left out: they are
//! listed beside it, so that a new waiver does not change which rules were in force.

use sealwright_core::{Digest, canonical_json};
use serde_json::{Value, json};

use crate::pattern::PathPattern;
use crate::rules::{Builder, BuilderIdentity, EvidenceRules, Policy, SbomFormat, SubjectRule};

impl Policy {
    /// The canonical form without the waivers.
    pub fn canonical(&self) -> Vec<u8> {
        let gate = &self.gate;
        let mut builders: Vec<Value> = self
            .builders
            .iter()
            .map(|b| json!({ "name": b.name, "identity": b.canonical_identity(), "evidence": evidence(&b.evidence) }))
            .collect();
        builders.sort_by_key(|b| b.get("name").and_then(Value::as_str).map(str::to_owned));
        canonical_json::to_vec(&json!({
            "version": 1,
            "images": sorted(&self.images),
            "builders": builders,
            "evidence": evidence(&self.evidence),
            "gate": {
                "fail-on": gate.fail_on.map(|s| s.word()),
                "unknown-severity": gate.unknown_severity.word(),
                "known-exploited": gate.known_exploited.word(),
                "only-fixed": gate.only_fixed,
                "unknown-distro": gate.unknown_distro.word(),
                "max-advisory-age": gate.max_advisory_age,
                "contents": { "deny": sorted(&gate.contents_deny) },
                "waivable": gate.waivable.as_ref().map(|list| {
                    let mut words: Vec<&str> = list.iter().map(|s| s.word()).collect();
                    words.sort_unstable();
                    words.dedup();
                    words
                }),
            },
        }))
    }

    /// The digest of the canonical form.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.canonical())
    }
}

fn sorted(patterns: &[PathPattern]) -> Vec<&str> {
    let mut texts: Vec<&str> = patterns.iter().map(PathPattern::as_str).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

fn evidence(rules: &EvidenceRules) -> Value {
    json!({
        "signature": rules.signature,
        "signers": { "threshold": rules.signers.threshold, "of": rules.signers.of },
        "decision": rules.decision,
        "verifiers": rules.verifiers,
        "policies": rules.policies.iter().map(Digest::to_string).collect::<Vec<_>>(),
        "sbom": {
            "required": rules.sbom.required,
            "formats": rules.sbom.formats.iter().map(|f| SbomFormat::word(*f)).collect::<Vec<_>>(),
        },
        "scan": { "required": rules.scan.required, "max-age": rules.scan.max_age },
        "provenance": {
            "required": rules.provenance.required, "level": rules.provenance.level,
            "parameters": rules.provenance.parameters,
        },
    })
}

impl Builder {
    /// Who it is, without its name and what is asked of it.
    pub(crate) fn canonical_identity(&self) -> Value {
        let identity = match &self.identity {
            BuilderIdentity::Key(rule) => json!({ "key": rule.file }),
            BuilderIdentity::Keyless(rule) => {
                let subject = match &rule.subject {
                    SubjectRule::Exact(text) => json!({ "identity": text }),
                    SubjectRule::OneOf(texts) => json!({ "identity": texts }),
                    SubjectRule::Pattern(pattern) => json!({ "identity-regexp": pattern.as_str() }),
                    SubjectRule::Workflow { path, tags, commits, level } => {
                        let mut commits = commits.clone();
                        commits.sort();
                        let mut workflow = json!({ "path": path, "tags": sorted(tags), "commits": commits });
                        if let (Some(level), Some(members)) = (level, workflow.as_object_mut()) {
                            members.insert("level".to_owned(), json!(level));
                        }
                        json!({ "workflow": workflow })
                    }
                };
                json!({
                    "issuer": rule.issuer, "subject": subject, "runner": rule.runner.map(|r| r.word()),
                    "triggers": rule.triggers,
                })
            }
        };
        let source = self.source.as_ref().map(|s| {
            json!({
                "repository": s.repository, "repository-id": s.repository_id, "owner-id": s.owner_id,
                "refs": sorted(&s.refs),
            })
        });
        json!({ "identity": identity, "source": source, "transparency": self.transparency.word() })
    }
}
