//! One file as it is written: every key may be absent, every value knows its place.

use sealwright_core::{Digest, Severity};

use crate::pattern::PathPattern;
use crate::reader::{At, Map, Result, Value};
use crate::rules::{
    Builder, BuilderIdentity, EvidenceRules, KeyRule, KeylessRule, Runner, SbomFormat, SourceRule, SubjectRule,
    Transparency, Waiver, Word,
};
use crate::whole::whole_regex;

pub(crate) struct Document {
    pub(crate) extends: Option<At<Extends>>,
    pub(crate) images: Option<At<Vec<PathPattern>>>,
    pub(crate) builders: Option<At<Vec<BuilderDocument>>>,
    pub(crate) evidence: EvidenceDocument,
    pub(crate) gate: GateDocument,
}

pub(crate) struct Extends {
    pub(crate) file: String,
    pub(crate) sha256: String,
}

pub(crate) struct BuilderDocument {
    pub(crate) name: At<String>,
    pub(crate) source: Option<SourceRule>,
    pub(crate) identity: BuilderIdentity,
    pub(crate) transparency: Transparency,
    pub(crate) evidence: EvidenceDocument,
}

#[derive(Default)]
pub(crate) struct EvidenceDocument {
    pub(crate) signature: Option<At<bool>>,
    pub(crate) threshold: Option<At<u64>>,
    pub(crate) signers_of: Option<At<Vec<At<String>>>>,
    pub(crate) decision: Option<At<bool>>,
    pub(crate) verifiers: Option<At<Vec<String>>>,
    pub(crate) policies: Option<At<Vec<Digest>>>,
    pub(crate) sbom_required: Option<At<bool>>,
    pub(crate) sbom_formats: Option<At<Vec<SbomFormat>>>,
    pub(crate) scan_required: Option<At<bool>>,
    pub(crate) scan_max_age: Option<At<Option<u64>>>,
    pub(crate) provenance_required: Option<At<bool>>,
    pub(crate) provenance_level: Option<At<u8>>,
    pub(crate) provenance_parameters: Option<At<Vec<String>>>,
}

#[derive(Default)]
pub(crate) struct GateDocument {
    pub(crate) fail_on: Option<At<Severity>>,
    pub(crate) unknown_severity: Option<At<Word>>,
    pub(crate) known_exploited: Option<At<Word>>,
    pub(crate) only_fixed: Option<At<bool>>,
    pub(crate) unknown_distro: Option<At<Word>>,
    pub(crate) max_advisory_age: Option<At<Option<u64>>>,
    pub(crate) contents_deny: Option<At<Vec<PathPattern>>>,
    pub(crate) waivable: Option<At<Vec<Severity>>>,
    pub(crate) waivers: Vec<At<Waiver>>,
}

const WORDS: [(&str, Word); 2] = [("fail", Word::Fail), ("report", Word::Report)];

impl Document {
    pub(crate) fn read(root: &Value<'_>) -> Result<Self> {
        let mut map = root.map()?;
        let version = map.required("version")?;
        if version.number()? != 1 {
            return Err(version.error("this version reads trust files of version 1"));
        }
        let document = Self {
            extends: map.take_at("extends", extends)?,
            images: map.take_at("images", |value| patterns(value))?,
            builders: map.take_at("builders", builders)?,
            evidence: map.take_with("evidence", evidence)?.unwrap_or_default(),
            gate: map.take_with("gate", gate)?.unwrap_or_default(),
        };
        map.refuse("pin", "pinning is not part of it yet")?;
        map.finish()?;
        Ok(document)
    }
}

fn extends(value: &Value<'_>) -> Result<Extends> {
    let mut map = value.map()?;
    let file = map.required("file")?.non_empty_text()?;
    let digest = map.required("sha256")?;
    let sha256 = digest.text()?;
    if sha256.len() != 64 || !sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(digest.error("expected 64 lower-case hex digits, as sha256sum prints them"));
    }
    map.finish()?;
    Ok(Extends { file, sha256 })
}

fn patterns(value: &Value<'_>) -> Result<Vec<PathPattern>> {
    let items = value.list()?;
    if items.is_empty() {
        return Err(value.error("this list is empty, expected at least one pattern"));
    }
    items.iter().map(Value::parsed).collect()
}

fn builders(value: &Value<'_>) -> Result<Vec<BuilderDocument>> {
    let items = value.list()?;
    if items.is_empty() {
        return Err(value.error("this list is empty, so that nobody could build, expected at least one builder"));
    }
    let mut found: Vec<BuilderDocument> = Vec::new();
    for item in items {
        let builder = builder(&item)?;
        if found.iter().any(|other| other.name.value == builder.name.value) {
            return Err(item.error(format!("there is another builder named {:?}", builder.name.value)));
        }
        found.push(builder);
    }
    Ok(found)
}

fn builder(value: &Value<'_>) -> Result<BuilderDocument> {
    let mut map = value.map()?;
    let name = map.required("name")?;
    let name = name.at(name.non_empty_text()?);
    let source = map.take_with("source", source)?;
    let keyless = map.take_with("keyless", keyless)?;
    let key = map.take_with("key", key)?;
    let words = [("required", Transparency::Required), ("none", Transparency::None)];
    let transparency = map.take("transparency");
    let chosen = transparency.as_ref().map(|value| value.word(&words)).transpose()?;
    let evidence = map.take_with("evidence", evidence)?.unwrap_or_default();
    let identity = match (keyless, key) {
        (Some(rule), None) => BuilderIdentity::Keyless(rule),
        (None, Some(rule)) => BuilderIdentity::Key(rule),
        (None, None) => {
            return Err(map.error("expected `keyless` or `key`: a builder without an identity would be anybody"));
        }
        (Some(_), Some(_)) => return Err(map.error("both `keyless` and `key` are there, expected one of them")),
    };
    if let (BuilderIdentity::Keyless(_), Some(Transparency::None), Some(value)) = (&identity, chosen, &transparency) {
        return Err(value.error("a certificate lives for minutes: without a log and a trusted time it proves nothing"));
    }
    map.finish()?;
    Ok(BuilderDocument { name, source, identity, transparency: chosen.unwrap_or(Transparency::Required), evidence })
}

fn source(value: &Value<'_>) -> Result<SourceRule> {
    let mut map = value.map()?;
    let repository = map.take_with("repository", |value| {
        let text = value.non_empty_text()?;
        let parts: Vec<&str> = text.split('/').collect();
        let fits = parts.len() == 2 && parts.iter().all(|p| !p.is_empty()) && !text.contains(['*', '?', ' ']);
        if fits { Ok(text) } else { Err(value.error("expected owner/name, without patterns")) }
    })?;
    let repository_id = map.take_with("repository-id", Value::number)?;
    let owner_id = map.take_with("owner-id", Value::number)?;
    let refs = map.take_with("refs", |value| {
        let refs = patterns(value)?;
        let full = |r: &PathPattern| r.as_str().starts_with("refs/");
        if refs.iter().all(full) {
            Ok(refs)
        } else {
            Err(value.error("expected full refs, for example refs/heads/main"))
        }
    })?;
    if repository.is_none() && repository_id.is_none() && owner_id.is_none() {
        return Err(map.error("expected `repository`, `repository-id` or `owner-id`"));
    }
    map.finish()?;
    Ok(SourceRule { repository, repository_id, owner_id, refs: refs.unwrap_or_default() })
}

fn keyless(value: &Value<'_>) -> Result<KeylessRule> {
    let mut map = value.map()?;
    let issuer = map.required("issuer")?;
    let issuer = match issuer.non_empty_text()?.as_str() {
        "github" => "https://token.actions.githubusercontent.com".to_owned(),
        url if url.contains(['*', '?', ' ']) => return Err(issuer.error("expected one issuer, without patterns")),
        url if url.starts_with("https://") || url.starts_with("http://127.0.0.1:") => url.to_owned(),
        _ => return Err(issuer.error("expected `github` or a URL that starts with https://")),
    };
    let exact = map.take_with("identity", identities)?;
    let pattern = map.take_with("identity-regexp", identity_pattern)?;
    let workflow = map.take_with("workflow", workflow)?;
    let runners = [("github-hosted", Runner::GithubHosted), ("self-hosted", Runner::SelfHosted)];
    let runner = map.take_with("runner", |value| value.word(&runners))?;
    let triggers = map.take_with("triggers", triggers)?.unwrap_or_default();
    let mut subjects = [exact, pattern, workflow].into_iter().flatten();
    let missing = "expected one of `identity`, `identity-regexp` and `workflow`";
    let subject = subjects.next().ok_or_else(|| map.error(missing))?;
    if subjects.next().is_some() {
        return Err(map.error(missing));
    }
    map.finish()?;
    Ok(KeylessRule { issuer, subject, runner, triggers })
}

/// One identity, or a list of them.
fn identities(value: &Value<'_>) -> Result<SubjectRule> {
    if !value.is_list() {
        return value.non_empty_text().map(SubjectRule::Exact);
    }
    let mut identities = value.list()?.iter().map(Value::non_empty_text).collect::<Result<Vec<_>>>()?;
    identities.sort();
    identities.dedup();
    match identities.as_slice() {
        [] => Err(value.error("this list is empty, expected at least one identity")),
        [one] => Ok(SubjectRule::Exact(one.clone())),
        _ => Ok(SubjectRule::OneOf(identities)),
    }
}

/// Names of events, as GitHub writes them.
fn triggers(value: &Value<'_>) -> Result<Vec<String>> {
    let event = |item: &Value<'_>| {
        let text = item.text()?;
        let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if fits { Ok(text) } else { Err(item.error("expected the name of an event, for example push")) }
    };
    let mut events = value.list()?.iter().map(event).collect::<Result<Vec<_>>>()?;
    if events.is_empty() {
        return Err(value.error("this list is empty, expected at least one event"));
    }
    events.sort();
    events.dedup();
    Ok(events)
}

/// An expression without anchors matches a longer name that somebody else can get.
fn identity_pattern(value: &Value<'_>) -> Result<SubjectRule> {
    let text = value.non_empty_text()?;
    let body = text.strip_prefix('^').and_then(|t| t.strip_suffix('$')).filter(|t| !t.ends_with('\\'));
    let Some(body) = body else {
        return Err(value.error("the expression is not anchored, expected ^…$: it would match longer names too"));
    };
    if body.trim_matches(['.', '*', '+', '(', ')', '?']).is_empty() {
        return Err(value.error("the expression matches every name"));
    }
    whole_regex(body).map(SubjectRule::Pattern).map_err(|why| value.error(why))
}

fn workflow(value: &Value<'_>) -> Result<SubjectRule> {
    let mut map = value.map()?;
    let path = map.required("path")?;
    let text = path.non_empty_text()?;
    if text.contains(['*', '?', '@', ' ']) || !text.contains("/.github/workflows/") {
        return Err(path.error("expected owner/name/.github/workflows/file.yml, without patterns"));
    }
    let tags = map.take("tags").map(|value| value.list()).transpose()?.unwrap_or_default();
    let tags = tags.iter().map(tag).collect::<Result<Vec<_>>>()?;
    let commits = map.take("commits").map(|value| value.list()).transpose()?.unwrap_or_default();
    let commits = commits.iter().map(commit).collect::<Result<Vec<_>>>()?;
    if tags.is_empty() && commits.is_empty() {
        return Err(
            map.error("expected at least one of `tags` and `commits`: any revision of a workflow is nobody's promise")
        );
    }
    let level = map.take("level").map(|value| level(&value)).transpose()?;
    map.finish()?;
    Ok(SubjectRule::Workflow { path: text, tags, commits, level })
}

fn tag(value: &Value<'_>) -> Result<PathPattern> {
    let pattern: PathPattern = value.parsed()?;
    if pattern.as_str().trim_matches(['*', '?', '/', '.']).is_empty() {
        return Err(value.error("the pattern matches every tag"));
    }
    Ok(pattern)
}

fn commit(value: &Value<'_>) -> Result<String> {
    let text = value.text()?;
    let full = text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if full { Ok(text) } else { Err(value.error("expected a commit of 40 lower-case hex digits, without patterns")) }
}

fn key(value: &Value<'_>) -> Result<KeyRule> {
    let file = value.non_empty_text()?;
    if file.contains("://") {
        // Where a key service is, the environment says: whoever can change that could swap the key.
        return Err(value.error("expected a public key file, as `sealwright public-key --key URI` writes it"));
    }
    Ok(KeyRule { file })
}

fn required(value: &Value<'_>) -> Result<bool> {
    value.word(&[("required", true), ("optional", false)])
}

fn evidence(value: &Value<'_>) -> Result<EvidenceDocument> {
    let mut map = value.map()?;
    let mut document = EvidenceDocument::default();
    if let Some(value) = map.take("signature") {
        document.signature = Some(value.at(value.is_map() || required(&value)?));
        if value.is_map() {
            let mut signature = value.map()?;
            document.threshold = signature.take_at("threshold", threshold)?;
            document.signers_of = signature.take_at("of", names)?;
            signature.finish()?;
        }
    }
    if let Some(value) = map.take("decision") {
        document.decision = Some(value.at(value.is_map() || required(&value)?));
        if value.is_map() {
            let mut decision = value.map()?;
            document.verifiers = decision.take_at("verifiers", texts)?;
            document.policies = decision.take_at("policies", digests)?;
            decision.finish()?;
        }
    }
    if let Some(mut sbom) = map.take("sbom").map(|v| v.map()).transpose()? {
        document.sbom_required = sbom.take_at("required", Value::bool)?;
        document.sbom_formats = sbom.take_at("formats", formats)?;
        sbom.finish()?;
    }
    if let Some(mut scan) = map.take("scan").map(|v| v.map()).transpose()? {
        document.scan_required = scan.take_at("required", Value::bool)?;
        document.scan_max_age = scan.take_at("max-age", age)?;
        scan.finish()?;
    }
    if let Some(mut provenance) = map.take("provenance").map(|v| v.map()).transpose()? {
        document.provenance_required = provenance.take_at("required", Value::bool)?;
        document.provenance_level = provenance.take_at("level", level)?;
        document.provenance_parameters = provenance.take_at("parameters", texts)?;
        provenance.finish()?;
    }
    map.finish()?;
    Ok(document)
}

fn threshold(value: &Value<'_>) -> Result<u64> {
    match value.number()? {
        0 => Err(value.error("this is 0, expected at least 1: nobody would have to sign")),
        number => Ok(number),
    }
}

/// Names of builders; whether there are such is seen when all are known.
fn names(value: &Value<'_>) -> Result<Vec<At<String>>> {
    let items = value.list()?;
    if items.is_empty() {
        return Err(value.error("this list is empty, so that nobody's signature would count"));
    }
    let mut names =
        items.iter().map(|item| Ok(item.at(item.non_empty_text()?))).collect::<Result<Vec<At<String>>>>()?;
    names.sort_by(|one, other| one.value.cmp(&other.value));
    names.dedup_by(|one, other| one.value == other.value);
    Ok(names)
}

fn digests(value: &Value<'_>) -> Result<Vec<Digest>> {
    let mut digests = value.list()?.iter().map(Value::parsed).collect::<Result<Vec<Digest>>>()?;
    digests.sort();
    digests.dedup();
    Ok(digests)
}

fn texts(value: &Value<'_>) -> Result<Vec<String>> {
    let mut texts = value.list()?.iter().map(Value::non_empty_text).collect::<Result<Vec<_>>>()?;
    texts.sort();
    texts.dedup();
    Ok(texts)
}

fn formats(value: &Value<'_>) -> Result<Vec<SbomFormat>> {
    let words = [("cyclonedx", SbomFormat::CycloneDx), ("spdx", SbomFormat::Spdx)];
    let mut formats = value.list()?.iter().map(|item| item.word(&words)).collect::<Result<Vec<_>>>()?;
    if formats.is_empty() {
        return Err(value.error("this list is empty, expected cyclonedx or spdx"));
    }
    formats.sort();
    formats.dedup();
    Ok(formats)
}

fn level(value: &Value<'_>) -> Result<u8> {
    match value.number()? {
        level @ 0..=3 => Ok(u8::try_from(level).unwrap_or_default()),
        other => Err(value.error(format!("this is {other}, expected an SLSA build level from 0 to 3"))),
    }
}

/// `7d`, `12h`, `off`; in seconds.
fn age(value: &Value<'_>) -> Result<Option<u64>> {
    let text = value.text()?;
    if text == "off" {
        return Ok(None);
    }
    let fail = || value.error(format!("this is {text:?}, expected a number of days or hours, for example 7d, or off"));
    let (number, unit) = [("d", crate::rules::DAY), ("h", 3_600)]
        .into_iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))
        .ok_or_else(fail)?;
    let number: u64 = number.parse().map_err(|_| fail())?;
    number.checked_mul(unit).filter(|n| *n > 0 && *n < crate::rules::DAY * 36_500).map(Some).ok_or_else(fail)
}

fn gate(value: &Value<'_>) -> Result<GateDocument> {
    let mut map = value.map()?;
    let document = GateDocument {
        fail_on: map.take_at("fail-on", Value::parsed)?,
        unknown_severity: map.take_at("unknown-severity", |v| v.word(&WORDS))?,
        known_exploited: map.take_at("known-exploited", |v| v.word(&WORDS))?,
        only_fixed: map.take_at("only-fixed", Value::bool)?,
        unknown_distro: map.take_at("unknown-distro", |v| v.word(&WORDS))?,
        max_advisory_age: map.take_at("max-advisory-age", age)?,
        contents_deny: contents(&mut map)?,
        waivable: map.take_at("waivable", |v| v.list()?.iter().map(Value::parsed).collect())?,
        waivers: map.take_with("waivers", |v| v.list()?.iter().map(waiver).collect())?.unwrap_or_default(),
    };
    map.refuse("grace", "the day on which a fix appeared is not recorded yet")?;
    map.refuse("epss-at-least", "EPSS scores are not part of the advisory data yet")?;
    map.finish()?;
    Ok(document)
}

fn contents(map: &mut Map<'_>) -> Result<Option<At<Vec<PathPattern>>>> {
    let Some(mut contents) = map.take("contents").map(|v| v.map()).transpose()? else { return Ok(None) };
    let deny = contents.take_at("deny", |value| patterns(value))?;
    contents.finish()?;
    Ok(deny)
}

fn waiver(value: &Value<'_>) -> Result<At<Waiver>> {
    let mut map = value.map()?;
    let waiver = Waiver {
        id: map.required("id")?.non_empty_text()?,
        package: map.take_with("package", Value::parsed)?,
        reason: map.required("reason")?.non_empty_text()?,
        owner: map.take_with("owner", Value::non_empty_text)?,
        expires: map.take_with("expires", |value| {
            value.text()?.parse().map_err(|_| value.error("expected a day, for example 2027-01-31"))
        })?,
    };
    map.finish()?;
    Ok(value.at(waiver))
}

impl Document {
    /// A signer that no builder is named like.
    pub(crate) fn unknown_signer(&self, builders: &[Builder]) -> Option<&At<String>> {
        let own = self.builders.iter().flat_map(|builders| &builders.value).map(|builder| &builder.evidence);
        let named = own.chain([&self.evidence]).filter_map(|evidence| evidence.signers_of.as_ref());
        named.flat_map(|of| &of.value).find(|name| builders.iter().all(|builder| builder.name != name.value))
    }
}

impl EvidenceDocument {
    /// `base`, with what this document says.
    pub(crate) fn over(&self, base: &EvidenceRules) -> EvidenceRules {
        fn or<T: Clone>(stated: &Option<At<T>>, base: &T) -> T {
            stated.as_ref().map_or_else(|| base.clone(), |at| at.value.clone())
        }
        let mut rules = base.clone();
        rules.signature = or(&self.signature, &base.signature);
        rules.signers.threshold = or(&self.threshold, &base.signers.threshold);
        if let Some(of) = &self.signers_of {
            rules.signers.of = of.value.iter().map(|name| name.value.clone()).collect();
        }
        rules.decision = or(&self.decision, &base.decision);
        rules.verifiers = or(&self.verifiers, &base.verifiers);
        rules.policies = or(&self.policies, &base.policies);
        rules.sbom.required = or(&self.sbom_required, &base.sbom.required);
        rules.sbom.formats = or(&self.sbom_formats, &base.sbom.formats);
        rules.scan.required = or(&self.scan_required, &base.scan.required);
        rules.scan.max_age = or(&self.scan_max_age, &base.scan.max_age);
        rules.provenance.required = or(&self.provenance_required, &base.provenance.required);
        rules.provenance.level = or(&self.provenance_level, &base.provenance.level);
        rules.provenance.parameters = or(&self.provenance_parameters, &base.provenance.parameters);
        rules
    }
}

impl BuilderDocument {
    pub(crate) fn effective(&self, evidence: &EvidenceRules) -> Builder {
        Builder {
            name: self.name.value.clone(),
            source: self.source.clone(),
            identity: self.identity.clone(),
            transparency: self.transparency,
            evidence: self.evidence.over(evidence),
        }
    }
}
