//! A trust file's builders, said in the words of others: a trust policy of AWS, a role of Vault, or plain JSON.
//!
//! What is written takes no token that the builder's own words refuse, as far as the other side can say them; what it cannot say
//! is told.

mod aws;
mod demands;
mod values;
mod vault;

use sealwright_policy::{Builder, BuilderIdentity, SubjectRule};
use serde_json::{Value, json};

pub use aws::aws_trust_policy;
pub use vault::vault_role;

/// A document, and what it does not say.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// For the other side.
    pub document: Value,
    /// What is left out, each for a person.
    pub notes: Vec<String>,
}

/// Why nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct Inexpressible(pub Vec<String>);

/// Keyless builders as they are, for programs.
pub fn json(builders: &[&Builder]) -> Value {
    let listed = builders.iter().filter_map(|builder| {
        let BuilderIdentity::Keyless(rule) = &builder.identity else { return None };
        let identity = match &rule.subject {
            SubjectRule::Exact(text) => json!({ "identities": [text] }),
            SubjectRule::OneOf(texts) => json!({ "identities": texts }),
            SubjectRule::Pattern(pattern) => json!({ "identity_regexp": pattern.as_str() }),
            SubjectRule::Workflow { path, tags, commits, level } => {
                let tags: Vec<&str> = tags.iter().map(|tag| tag.as_str()).collect();
                json!({ "workflow": { "path": path, "tags": tags, "commits": commits, "level": level } })
            }
        };
        let source = builder.source.as_ref().map(|source| {
            let refs: Vec<&str> = source.refs.iter().map(|pattern| pattern.as_str()).collect();
            json!({
                "repository": source.repository, "repository_id": source.repository_id, "owner_id": source.owner_id,
                "refs": refs,
            })
        });
        Some(json!({
            "name": builder.name, "issuer": rule.issuer, "identity": identity, "source": source,
            "runner": rule.runner.map(|runner| runner.word()), "triggers": rule.triggers,
        }))
    });
    json!({ "schema": 1, "builders": listed.collect::<Vec<_>>() })
}
