//! What single statements say about source, build, packages, flaws and decision.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealwright_bundle::{predicate_type as types, vocabulary};
use sealwright_core::{Digest, Finding, Inventory, Limits, Untrusted};
use sealwright_verify::{Signed, VerifiedSigner};
use serde_json::Value;

use super::claims;
use super::model::{Build, Counts, Decision, Sbom, Scan, Signature, Signer, Source, SourceProof, Waiver};

/// The types of provenance that are looked into; slsa-github-generator writes the older one.
pub(super) const PROVENANCE: [&str; 2] = [types::PROVENANCE, "https://slsa.dev/provenance/v0.2"];

const GITHUB: &str = "https://github.com/";

fn text(signed: &Signed, pointer: &str) -> Option<Untrusted> {
    signed.statement.predicate.pointer(pointer)?.as_str().map(Untrusted::from)
}

fn of_types<'a>(statements: &'a [Signed], kinds: &'a [&str]) -> impl Iterator<Item = &'a Signed> {
    statements.iter().filter(|signed| kinds.contains(&signed.statement.predicate_type.as_str()))
}

/// The latest by what a log or a timestamp authority says, else by what `pointer` names: the signer's own words.
fn latest<'a>(statements: impl Iterator<Item = &'a Signed>, pointer: &str) -> Option<&'a Signed> {
    let stated = |signed: &Signed| text(signed, pointer).and_then(|time| time.raw().parse::<Timestamp>().ok());
    statements.max_by_key(|signed| (signed.time, stated(signed), signed.digest))
}

/// The source that the provenance names, else any other statement. A certificate's word goes before the signer's own.
pub(super) fn source(statements: &[Signed], subject: &Digest) -> Option<Source> {
    let named: Vec<(bool, Source)> = statements
        .iter()
        .filter_map(|signed| {
            let provenance = PROVENANCE.contains(&signed.statement.predicate_type.as_str());
            Some((provenance, by_certificate(signed).or_else(|| by_signer(signed, subject))?))
        })
        .collect();
    let rank = |(provenance, source): &&(bool, Source)| (source.proof == SourceProof::Signer, !provenance);
    let chosen = named.iter().min_by_key(rank).map(|(_, source)| source.clone())?;
    let others = named.iter().filter(|(_, source)| source.commit != chosen.commit).count();
    Some(Source { others, ..chosen })
}

fn by_certificate(signed: &Signed) -> Option<Source> {
    let claims = claims(signed)?;
    let uri = claims.source_repository_uri.as_deref()?;
    let own = |claim: &Option<String>| claim.as_deref().map(Untrusted::from);
    let commit = claims.source_repository_digest.as_deref();
    let is_commit = |text: &&str| matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let link = github_repository(uri).zip(commit.filter(is_commit));
    Some(Source {
        proof: SourceProof::Certificate,
        repository: Some(github_repository(uri).unwrap_or(uri).into()),
        repository_id: own(&claims.source_repository_identifier),
        reference: own(&claims.source_repository_ref),
        commit: own(&claims.source_repository_digest),
        link: link.map(|(repository, commit)| format!("{GITHUB}{repository}/commit/{commit}")),
        others: 0,
    })
}

fn by_signer(signed: &Signed, subject: &Digest) -> Option<Source> {
    let annotations = &signed.statement.about(subject)?.annotations;
    let word = |key: &str| annotations.get(key).map(|value| Untrusted::from(value.as_str()));
    let repository = word(vocabulary::SOURCE_REPOSITORY);
    let commit = word(vocabulary::SOURCE_COMMIT);
    if repository.is_none() && commit.is_none() {
        return None;
    }
    Some(Source {
        proof: SourceProof::Signer,
        repository,
        repository_id: word(vocabulary::SOURCE_REPOSITORY_ID),
        reference: word(vocabulary::SOURCE_REF),
        commit,
        link: None,
        others: 0,
    })
}

/// `owner/name` of exactly such an address. Whatever is made a link must not lead elsewhere.
pub(super) fn github_repository(uri: &str) -> Option<&str> {
    let path = uri.strip_prefix(GITHUB)?;
    let is_name = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    let (owner, name) = path.split_once('/')?;
    (is_name(owner) && is_name(name)).then_some(path)
}

/// The run of that repository, as Fulcio writes it: `…/actions/runs/42/attempts/1`.
fn run_link(run: &str, repository: Option<&str>) -> Option<String> {
    let repository = github_repository(repository?)?;
    let rest = run.strip_prefix(GITHUB)?.strip_prefix(repository)?.strip_prefix("/actions/runs/")?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let fits = match rest.split_once("/attempts/") {
        Some((run, attempt)) => is_number(run) && is_number(attempt),
        None => is_number(rest),
    };
    fits.then(|| run.to_owned())
}

/// What provenance says, and what its certificate proves.
pub(super) fn build(statements: &[Signed], level: Option<u8>) -> Option<Build> {
    let provenance = latest(of_types(statements, &PROVENANCE), "/runDetails/metadata/finishedOn");
    let proven = provenance.filter(|signed| claims(signed).is_some());
    let claims =
        proven.or_else(|| statements.iter().find(|s| claims(s).is_some_and(|c| !c.is_empty()))).and_then(claims);
    if provenance.is_none() && claims.is_none() {
        return None;
    }
    let claim = |claim: Option<&String>| claim.map(|value| Untrusted::from(value.as_str()));
    let said = |pointers: &[&str]| pointers.iter().find_map(|pointer| text(provenance?, pointer));
    let run = claims.and_then(|c| c.run_invocation_uri.as_ref());
    Some(Build {
        workflow: claim(claims.and_then(|c| c.build_config_uri.as_ref())).or_else(|| {
            said(&["/buildDefinition/externalParameters/workflow/path", "/invocation/configSource/entryPoint"])
        }),
        trigger: claim(claims.and_then(|c| c.build_trigger.as_ref())),
        run: claim(run).or_else(|| said(&["/runDetails/metadata/invocationId", "/metadata/buildInvocationID"])),
        run_link: run.and_then(|run| run_link(run, claims?.source_repository_uri.as_deref())),
        runner: claim(claims.and_then(|c| c.runner_environment.as_ref())),
        builder: said(&["/runDetails/builder/id", "/builder/id"]),
        build_type: said(&["/buildDefinition/buildType", "/buildType"]),
        level,
        statement: provenance.map(|signed| signed.digest),
    })
}

/// The packages of an SBOM statement; nothing of others, and of one that cannot be read.
pub(super) fn inventory(signed: &Signed, limits: &Limits) -> Option<Inventory> {
    if !is_sbom(signed) {
        return None;
    }
    read(signed, limits).ok()
}

fn is_sbom(signed: &Signed) -> bool {
    [types::CYCLONEDX, types::SPDX, types::SPDX_V2_3].contains(&signed.statement.predicate_type.as_str())
}

fn read(signed: &Signed, limits: &Limits) -> Result<Inventory, String> {
    let bytes = serde_json::to_vec(&signed.statement.predicate).map_err(|e| e.to_string())?;
    sealwright_sbom::read(&bytes, limits).map_err(|e| e.to_string())
}

/// An SBOM statement in a few numbers.
pub(super) fn sbom(signed: &Signed, limits: &Limits) -> Option<Sbom> {
    if !is_sbom(signed) {
        return None;
    }
    let version = text(signed, "/specVersion").map(|v| format!("CycloneDX {}", v.raw()));
    let format = version.or_else(|| text(signed, "/spdxVersion").map(Untrusted::into_raw));
    let (inventory, problem) = match read(signed, limits) {
        Ok(inventory) => (inventory, None),
        Err(why) => (Inventory::default(), Some(why.into())),
    };
    let mut packages = BTreeMap::new();
    for package in &inventory.packages {
        *packages.entry(package.kind.word()).or_default() += 1;
    }
    let distribution = inventory.distribution.map(|d| match (d.pretty_name, d.version_id) {
        (Some(name), _) => name,
        (None, Some(version)) => format!("{} {}", d.id.raw(), version.raw()).into(),
        (None, None) => d.id,
    });
    let format = format.map_or_else(|| "unknown format".into(), Untrusted::from);
    Some(Sbom { format, statement: signed.digest, packages, distribution, problem })
}

/// The scan that the decision was made from, else the latest, with its findings if they can be read.
pub(super) fn scan(
    statements: &[Signed],
    decision: Option<&(Decision, Vec<String>)>,
) -> Option<(Scan, Option<Vec<Finding>>)> {
    let scans = || of_types(statements, &[types::VULN]);
    let named = decision.and_then(|(_, inputs)| scans().find(|signed| inputs.contains(&signed.digest.hex())));
    let signed = named.or_else(|| latest(scans(), "/metadata/scanFinishedOn"))?;
    let findings = signed.statement.predicate.pointer("/scanner/result/findings");
    let findings: Option<Vec<Finding>> = findings.and_then(|list| serde_json::from_value(list.clone()).ok());
    let word = |pointer: &str| text(signed, pointer).map_or_else(String::new, Untrusted::into_raw);
    let scan = Scan {
        statement: signed.digest,
        finished: text(signed, "/metadata/scanFinishedOn"),
        scanner: format!("{} {}", word("/scanner/uri"), word("/scanner/version")).trim().into(),
        database: text(signed, "/scanner/result/database/digest").or_else(|| text(signed, "/scanner/db/version")),
        newest: text(signed, "/scanner/result/database/newest"),
        flaws: findings.as_deref().map(Counts::of),
    };
    Some((scan, findings))
}

/// The decision by the rules that were given, else the latest, and the statements that it was made from.
pub(super) fn decision(
    statements: &[Signed],
    rules: Option<Digest>,
    now: Timestamp,
) -> Option<(Decision, Vec<String>)> {
    let all = || of_types(statements, &[types::VERIFICATION_SUMMARY]);
    let same = |signed: &Signed| {
        rules.is_some_and(|rules| text(signed, "/policy/digest/sha256").is_some_and(|hex| hex.raw() == rules.hex()))
    };
    let signed = latest(all().filter(|s| same(s)), "/timeVerified").or_else(|| latest(all(), "/timeVerified"))?;
    let list = |key: &str| signed.statement.predicate.get(key).and_then(Value::as_array).into_iter().flatten();
    let inputs = list("inputAttestations").filter_map(|i| i.pointer("/digest/sha256")?.as_str().map(str::to_owned));
    let id = text(signed, "/verifier/id").unwrap_or_default();
    let version = text(signed, "/verifier/version/sealwright").map(|v| format!(" {}", v.raw())).unwrap_or_default();
    let decision = Decision {
        statement: signed.digest,
        result: text(signed, "/verificationResult").unwrap_or_default(),
        levels: list("verifiedLevels").filter_map(|level| level.as_str().map(Untrusted::from)).collect(),
        verifier: format!("{}{version}", id.raw()).into(),
        time: text(signed, "/timeVerified"),
        policy: text(signed, "/policy/uri").unwrap_or_default(),
        policy_digest: text(signed, "/policy/digest/sha256"),
        same_rules: rules.map(|_| same(signed)),
        waivers: list(vocabulary::WAIVERS).map(|waiver| self::waiver(waiver, now)).collect(),
    };
    Some((decision, inputs.collect()))
}

fn waiver(waiver: &Value, now: Timestamp) -> Waiver {
    let word = |key: &str| waiver.get(key).and_then(Value::as_str).map(Untrusted::from);
    // The last day counts, in UTC.
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let expires = word("expires");
    let expired =
        expires.as_ref().and_then(|day| day.raw().parse::<jiff::civil::Date>().ok()).is_some_and(|d| d < today);
    Waiver {
        id: word("id").unwrap_or_default(),
        package: word("package"),
        reason: word("reason").unwrap_or_default(),
        owner: word("owner"),
        expires,
        expired,
    }
}

/// Who signed a statement.
pub(super) fn signature(signed: &Signed) -> Signature {
    let signer = match &signed.signer {
        VerifiedSigner::Key { fingerprint } => Signer::Key { fingerprint: *fingerprint },
        VerifiedSigner::Certificate { identity, issuer, .. } => {
            Signer::Certificate { identity: identity.as_str().into(), issuer: issuer.as_str().into() }
        }
    };
    let vouchers = &signed.vouchers;
    Signature {
        predicate_type: signed.statement.predicate_type.as_str().into(),
        digest: signed.digest,
        signer,
        time: signed.time,
        time_source: vouchers.time_source,
        log_entries: vouchers.log_entries.clone(),
        valid_from: vouchers.validity.map(|(from, _)| from),
        valid_until: vouchers.validity.map(|(_, until)| until),
        media_type: vouchers.media_type.as_str().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_address_at_github_becomes_a_link() {
        assert_eq!(github_repository("https://github.com/acme/shop.js"), Some("acme/shop.js"));
        for other in [
            "http://github.com/acme/shop",
            "https://github.com.evil/acme/shop",
            "https://github.com/acme",
            "https://github.com/acme/shop/../../x",
            "https://github.com/acme/shop?x",
            "https://github.com/acme/..",
            "https://github.com/acme/\u{202e}shop",
            "https://github.com/acme/shop\"><script>",
        ] {
            assert_eq!(github_repository(other), None, "{other}");
        }
        let repository = Some("https://github.com/acme/shop");
        for run in
            ["https://github.com/acme/shop/actions/runs/42", "https://github.com/acme/shop/actions/runs/42/attempts/1"]
        {
            assert_eq!(run_link(run, repository).as_deref(), Some(run));
        }
        for other in [
            "https://github.com/mallory/shop/actions/runs/42",
            "https://github.com/acme/shop/actions/runs/42/../x",
            "https://github.com/acme/shop/actions/runs/",
            "javascript:alert(1)",
        ] {
            assert_eq!(run_link(other, repository), None, "{other}");
        }
        assert_eq!(run_link("https://github.com/acme/shop/actions/runs/42", None), None);
    }
}
