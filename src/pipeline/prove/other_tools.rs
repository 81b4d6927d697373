//! The commands with which cosign, GitHub's `gh` and slsa-verifier check the same (cosign 3, `verify` and `verify-attestation`;
//! `gh attestation verify`; slsa-verifier 2, `verify-image`), and where they cannot.

use sealwright_bundle::predicate_type as types;
use sealwright_core::PinnedRef;
use sealwright_verify::{Signed, TimeSource, VerifiedSigner};

use super::model::OtherTool;
use super::statement::{PROVENANCE, github_repository};

/// What other tools have to be told besides the image.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// The file with the public key, if a key is asked for.
    pub key: Option<String>,
    /// Whether a log entry is demanded.
    pub logged: bool,
    /// The file with the trusted root, if one was named.
    pub trusted_root: Option<String>,
    /// What makes cosign trust a private instance.
    pub initialize: Option<String>,
    /// Where evidence is kept, if not beside the image.
    pub evidence_repository: Option<String>,
}

const GENERATOR: &str = "https://github.com/slsa-framework/slsa-github-generator/";
const GITHUB_ISSUER: &str = "https://token.actions.githubusercontent.com";

/// All three.
pub(super) fn all(image: &PinnedRef, statements: &[Signed], flags: &Flags) -> Vec<OtherTool> {
    vec![cosign(image, statements, flags), gh(image, statements, flags), slsa_verifier(image, statements)]
}

fn impossible(tool: &'static str, why: impl Into<String>) -> OtherTool {
    OtherTool { tool, commands: vec![], note: Some(why.into()) }
}

/// Who signed, by the signature if there is one.
fn signer(statements: &[Signed]) -> Option<&Signed> {
    let kind = |kind: &str| statements.iter().find(|signed| signed.statement.predicate_type == kind);
    kind(types::SIGNATURE).or_else(|| kind(types::PROVENANCE)).or(statements.first())
}

fn cosign(image: &PinnedRef, statements: &[Signed], flags: &Flags) -> OtherTool {
    let Some(signed) = signer(statements) else {
        return impossible("cosign", "no statement counts, so that there is nothing that cosign could accept");
    };
    let mut who = match &signed.signer {
        VerifiedSigner::Key { .. } => {
            let key = shell(flags.key.as_deref().unwrap_or("cosign.pub"));
            if flags.logged { format!("--key {key}") } else { format!("--key {key} --insecure-ignore-tlog=true") }
        }
        VerifiedSigner::Certificate { identity, issuer, .. } => {
            if signed.vouchers.log_entries.is_empty() {
                return impossible("cosign", "cosign asks for a log entry, and this instance of Sigstore has no log");
            }
            let by_authority = signed.vouchers.time_source == Some(TimeSource::TimestampAuthority);
            let time = if by_authority { " --use-signed-timestamps" } else { "" };
            format!("--certificate-identity {} --certificate-oidc-issuer {}{time}", shell(identity), shell(issuer))
        }
    };
    if let Some(root) = &flags.trusted_root {
        who.push_str(&format!(" --trusted-root {}", shell(root)));
    }
    let kept = flags.evidence_repository.as_ref().map(|r| format!("COSIGN_REPOSITORY={} ", shell(r)));
    let kept = kept.unwrap_or_default();
    let has = |kind: &str| statements.iter().any(|signed| signed.statement.predicate_type == kind);
    let mut commands: Vec<String> = flags.initialize.iter().cloned().collect();
    if has(types::SIGNATURE) {
        commands.push(format!("{kept}cosign verify {who} {image}"));
    }
    let attested = [
        ("cyclonedx", types::CYCLONEDX),
        ("spdxjson", types::SPDX),
        (types::SPDX_V2_3, types::SPDX_V2_3),
        ("vuln", types::VULN),
        ("slsaprovenance1", types::PROVENANCE),
        (types::VERIFICATION_SUMMARY, types::VERIFICATION_SUMMARY),
    ];
    let words: Vec<&str> = attested.iter().filter(|(_, kind)| has(kind)).map(|(word, _)| *word).collect();
    if let [only] = words.as_slice() {
        commands.push(format!("{kept}cosign verify-attestation --type {only} {who} {image}"));
    } else if !words.is_empty() {
        let list = words.join(" ");
        commands.push(format!(
            "for type in {list}; do\n  {kept}cosign verify-attestation --type \"$type\" {who} {image} >/dev/null || break\ndone"
        ));
    }
    let note = "cosign checks signatures and types. It asks neither which rules decided nor what a scan found, and cosign verify takes any statement of the signer for a signature.";
    OtherTool { tool: "cosign", commands, note: Some(note.into()) }
}

fn gh(image: &PinnedRef, statements: &[Signed], flags: &Flags) -> OtherTool {
    let provenance = statements.iter().find(|signed| signed.statement.predicate_type == types::PROVENANCE);
    let Some(signed) = provenance else {
        return impossible("gh", "gh looks for SLSA provenance, and no such statement counts");
    };
    let VerifiedSigner::Certificate { identity, issuer, claims } = &signed.signer else {
        return impossible("gh", "gh reads no bundles that a key signed: it asks for a certificate");
    };
    let Some(repository) = claims.source_repository_uri.as_deref().and_then(github_repository) else {
        return impossible("gh", "gh looks for certificates of workflows at github.com, and this one names none");
    };
    let mut command = format!(
        "gh attestation verify {} --repo {} --bundle-from-oci --cert-identity {}",
        shell(&format!("oci://{image}")),
        shell(repository),
        shell(identity)
    );
    if issuer != GITHUB_ISSUER {
        command.push_str(&format!(" --cert-oidc-issuer {}", shell(issuer)));
    }
    if let Some(root) = &flags.trusted_root {
        command.push_str(&format!(" --custom-trusted-root {}", shell(root)));
    }
    let note = "Only the provenance is checked. A trusted root has to stand on one line of its file.";
    let note = flags.trusted_root.as_ref().map(|_| note).unwrap_or("Only the provenance is checked.");
    OtherTool { tool: "gh", commands: vec![command], note: Some(note.into()) }
}

fn slsa_verifier(image: &PinnedRef, statements: &[Signed]) -> OtherTool {
    let tool = "slsa-verifier";
    let provenance = statements.iter().filter(|s| PROVENANCE.contains(&s.statement.predicate_type.as_str()));
    let mut by_generator = provenance.filter_map(|signed| {
        let claims = super::claims(signed)?;
        let builder = claims.build_signer_uri.as_deref().filter(|uri| uri.starts_with(GENERATOR))?;
        Some((builder, github_repository(claims.source_repository_uri.as_deref()?)?, claims))
    });
    let Some((builder, repository, claims)) = by_generator.next() else {
        return impossible(
            tool,
            "slsa-verifier knows the builders of slsa-github-generator only, and none of them signed provenance here",
        );
    };
    let reference = claims.source_repository_ref.as_deref().unwrap_or_default();
    let place = match (reference.strip_prefix("refs/heads/"), reference.strip_prefix("refs/tags/")) {
        (Some(branch), _) => format!(" --source-branch {}", shell(branch)),
        (_, Some(tag)) => format!(" --source-tag {}", shell(tag)),
        _ => String::new(),
    };
    let builder = builder.split_once('@').map_or(builder, |(path, _)| path);
    let command = format!(
        "slsa-verifier verify-image {image} --source-uri {}{place} --builder-id {}",
        shell(&format!("github.com/{repository}")),
        shell(builder)
    );
    OtherTool { tool, commands: vec![command], note: None }
}

/// A word for a POSIX shell. Nothing in it can end it or start another command; what would be shown escaped is left out, so
/// that what is copied is what is seen.
pub fn shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let visible: String = word.chars().filter(|c| c.is_ascii_graphic() || *c == ' ' || c.is_alphanumeric()).collect();
    format!("'{}'", visible.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_statement_cannot_become_a_command() {
        assert_eq!(shell("https://github.com/a/b@refs/heads/main"), "https://github.com/a/b@refs/heads/main");
        for (hostile, quoted) in [
            ("a; rm -rf /", "'a; rm -rf /'"),
            ("$(id)`id`", "'$(id)`id`'"),
            ("it's", "'it'\\''s'"),
            ("a\nb\u{1b}[2J\u{202e}c", "'ab[2Jc'"),
            ("", "''"),
            ("--flag", "'--flag'"),
        ] {
            assert_eq!(shell(hostile), quoted);
        }
    }
}
