//! Findings as SARIF 2.1.0 (OASIS standard, with errata 01), within what GitHub's code scanning takes (GitHub Docs, "SARIF support
//! for code scanning", "SARIF results exceed one or more limits").
//!
//! - One run for each image and platform, with a category of its own, so that one upload does not close the alerts of another.
//! - `ruleId` is the flaw's id, or the id of another finding.
//! - A result lies where the image says that the package is installed: in its package database or its own metadata file. No
//!   source file is known from an image. Code scanning opens a new alert where a path or a fingerprint changes, so the version of
//!   the package is taken out of the path, and neither version nor digest is in the fingerprint: an update that does not fix the
//!   flaw leaves the alert as it is.
//! - Texts of images and advisories stand in `text`, never in `markdown`, without the marks for links and placeholders.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use sealwright_core::{Digest, Finding, Purl, Severity, Untrusted, Vulnerability};
use serde_json::{Value, json};

use super::judged::{Item, Judged, Standing, advisory_url, fixed_in, severity};

/// The schema that a document names: the one of the standard with errata 01.
pub(super) const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Results of a run that code scanning shows. It takes 25,000 and keeps these; we say which.
const MOST_RESULTS: usize = 5_000;
/// Runs of a file that code scanning takes.
const MOST_RUNS: usize = 20;
/// The largest upload, compressed, in bytes.
const LARGEST: usize = 10_000_000;
/// Other names of a flaw in the text of its rule.
const MOST_ALIASES: usize = 8;
/// Where a result lies whose file is not known. Code scanning wants a path, and the same one each time; this is the file that says
/// what is in an image.
const PLACE: &str = "Dockerfile";
const PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/reference/findings.md");

/// What a document says.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// The image as its category names it: without tag and digest, which change.
    pub image: &'a str,
    /// When.
    pub time: Timestamp,
    /// What was found, one for each platform.
    pub judged: &'a [Judged<'a>],
}

/// A document.
#[derive(Debug)]
pub struct Document {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What is not in it, in a line each.
    pub left_out: Vec<String>,
}

impl Analysis<'_> {
    /// For code scanning and other readers of the format.
    pub fn document(&self) -> Document {
        self.document_within(MOST_RESULTS, LARGEST)
    }

    /// The least bad results are left out until it fits.
    fn document_within(&self, results: usize, largest: usize) -> Document {
        let mut most = results;
        loop {
            let document = self.with(most);
            if most <= 1 || fits(&document.bytes, largest) {
                return document;
            }
            most /= 2;
        }
    }

    fn with(&self, most: usize) -> Document {
        let mut left_out = Vec::new();
        let runs: Vec<Value> =
            self.judged.iter().take(MOST_RUNS).map(|judged| self.run(judged, most, &mut left_out)).collect();
        if let Some(more @ 1..) = self.judged.len().checked_sub(MOST_RUNS) {
            left_out.push(format!("{more} platforms are not in the SARIF document: {MOST_RUNS} runs are the most"));
        }
        let document = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": runs });
        let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
        bytes.push(b'\n');
        Document { bytes, left_out }
    }

    fn run(&self, judged: &Judged<'_>, most: usize, left_out: &mut Vec<String>) -> Value {
        let mut rules = Rules::default();
        let mut seen = BTreeMap::<Digest, usize>::new();
        let results: Vec<Value> =
            judged.items.iter().take(most).map(|item| self.result(item, judged, &mut rules, &mut seen)).collect();
        let mut invocation =
            json!({ "executionSuccessful": true, "endTimeUtc": self.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() });
        if let (Some(more @ 1..), Some(members)) = (judged.items.len().checked_sub(most), invocation.as_object_mut()) {
            let platform = judged.platform.map(|platform| format!(" of {platform}")).unwrap_or_default();
            let line = format!("the {most} worst findings{platform} are in the SARIF document, {more} are left out");
            let notification = json!({ "level": "warning", "message": { "text": plain(&line, 300) } });
            members.insert("toolExecutionNotifications".to_owned(), json!([notification]));
            left_out.push(line);
        }
        json!({
            "tool": { "driver": {
                "name": "Sealwright",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.list,
            } },
            "automationDetails": { "id": self.category(judged) },
            "originalUriBaseIds": { "IMAGE": { "description": { "text": "The root of the image's file system." } } },
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": { "image": plain(self.image, 300), "digest": judged.digest },
        })
    }

    /// `sealwright/IMAGE/PLATFORM/`: up to the last slash it is the category (GitHub Docs, "Category").
    fn category(&self, judged: &Judged<'_>) -> String {
        let image: String = plain(self.image, 300).chars().map(|c| if c.is_whitespace() { '-' } else { c }).collect();
        match judged.platform {
            Some(platform) => format!("sealwright/{image}/{platform}/"),
            None => format!("sealwright/{image}/"),
        }
    }

    fn result(
        &self,
        item: &Item<'_>,
        judged: &Judged<'_>,
        rules: &mut Rules,
        seen: &mut BTreeMap<Digest, usize>,
    ) -> Value {
        let (id, index) = rules.of(item.finding);
        let path = item.paths.first().map_or_else(|| PLACE.to_owned(), |path| place(path, item.finding));
        let fingerprint = fingerprint(item.finding, &path);
        let count = seen.entry(fingerprint).and_modify(|count| *count += 1).or_insert(1);
        let fingerprint: String = fingerprint.hex().chars().take(32).collect();
        let mut result = json!({
            "ruleId": id,
            "ruleIndex": index,
            "level": level(item),
            "message": { "text": self.message(item, judged) },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": path, "uriBaseId": "IMAGE" },
                "region": { "startLine": 1 },
            } }],
            "partialFingerprints": {
                // The only one that code scanning reads. Two versions of one package are told apart by their number.
                "primaryLocationLineHash": format!("{fingerprint}:{count}"),
                "packageAndAdvisory/v1": fingerprint,
            },
        });
        let Some(members) = result.as_object_mut() else { return result };
        if let Finding::Vulnerability(v) = item.finding {
            members.insert("properties".to_owned(), json!({ "purl": plain(&v.package.purl.to_string(), 300) }));
        }
        if let Standing::Waived { reason, owner, expires } = item.standing {
            let owner = owner.map(|owner| format!(", {owner}")).unwrap_or_default();
            let expires = expires.map(|day| format!(", until {day}")).unwrap_or_default();
            let justification = plain(&format!("{reason}{owner}{expires}"), 500);
            let suppression = json!({ "kind": "external", "status": "accepted", "justification": justification });
            members.insert("suppressions".to_owned(), json!([suppression]));
        }
        result
    }

    fn message(&self, item: &Item<'_>, judged: &Judged<'_>) -> String {
        let platform = judged.platform.map(|platform| format!(" ({platform})")).unwrap_or_default();
        let image = format!("{}{platform}", plain(self.image, 300));
        let mut text = match item.finding {
            Finding::Vulnerability(v) => {
                let fix = fixed_in(v).map_or_else(
                    || "no fix is known".to_owned(),
                    |version| format!("fixed in {}", plain(version.raw(), 100)),
                );
                let (name, version) = (plain(v.package.name.raw(), 150), plain(v.package.version.raw(), 100));
                format!("{name} {version} in {image} has {}: severity {}, {fix}.", plain(v.id.raw(), 100), severity(v))
            }
            Finding::Observation { id, detail, .. } => format!("{id} in {image}: {}.", plain(detail.raw(), 400)),
        };
        if let Standing::Refused(rule) = item.standing {
            text.push_str(&format!(" Refused by {}.", plain(rule, 100)));
        }
        text
    }
}

/// Whether code scanning takes it.
fn fits(bytes: &[u8], largest: usize) -> bool {
    // What is small as it is needs no compressing; nothing grows by more than this much.
    if bytes.len() + bytes.len() / 1000 + 100 <= largest {
        return true;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).is_ok_and(|packed| packed.len() <= largest)
}

/// The rules of a run, in the order in which results name them.
#[derive(Debug, Default)]
struct Rules {
    list: Vec<Value>,
    positions: BTreeMap<String, (usize, Option<Severity>)>,
}

impl Rules {
    /// The id and the position of a finding's rule. Results come worst first, but a flaw may have another severity in another
    /// package: the rule has the worst that is known.
    fn of(&mut self, finding: &Finding) -> (String, usize) {
        let (id, severity) = match finding {
            Finding::Vulnerability(v) => (plain(v.id.raw(), 100), v.severity),
            Finding::Observation { id, .. } => (id.to_string(), None),
        };
        if let Some((index, known)) = self.positions.get_mut(&id) {
            if severity > *known {
                *known = severity;
                if let (Some(rule), Finding::Vulnerability(v)) = (self.list.get_mut(*index), finding) {
                    *rule = flaw_rule(&id, v);
                }
            }
            return (id, *index);
        }
        let index = self.list.len();
        self.list.push(match finding {
            Finding::Vulnerability(v) => flaw_rule(&id, v),
            Finding::Observation { .. } => observation_rule(finding),
        });
        self.positions.insert(id.clone(), (index, severity));
        (id, index)
    }
}

fn flaw_rule(id: &str, v: &Vulnerability) -> Value {
    let summary = v.summary.as_ref().map(|text| plain(text.raw(), 400)).filter(|text| !text.is_empty());
    let summary = summary.unwrap_or_else(|| format!("{id} is a known flaw."));
    let aliases: Vec<String> = v.aliases.iter().take(MOST_ALIASES).map(|alias| plain(alias.raw(), 60)).collect();
    let also = if aliases.is_empty() { String::new() } else { format!("\nAlso known as {}.", aliases.join(", ")) };
    let mut tags = vec!["security", "vulnerability"];
    if v.known_exploited {
        tags.push("known-exploited");
    }
    let mut rule = json!({
        "id": id,
        "shortDescription": { "text": summary },
        "fullDescription": { "text": format!("{id}: {summary}") },
        "help": { "text": format!("{summary}{also}\nUpdate the package, or the image that this one is built from.") },
        "defaultConfiguration": { "level": severity_level(v.severity) },
        "properties": { "tags": tags },
    });
    if let (Some(score), Some(properties)) =
        (v.severity.map(score), rule.pointer_mut("/properties").and_then(Value::as_object_mut))
    {
        properties.insert("security-severity".to_owned(), json!(score));
    }
    if let (Some(address), Some(members)) = (advisory_url(v.id.raw()), rule.as_object_mut()) {
        members.insert("helpUri".to_owned(), json!(address));
    }
    rule
}

fn observation_rule(finding: &Finding) -> Value {
    let id = finding.id();
    // Meanings are ours. Their quotation marks are those of Markdown.
    let meaning = plain(&id.meaning().replace('`', "'"), 500);
    json!({
        "id": id.word(),
        "shortDescription": { "text": meaning },
        "fullDescription": { "text": meaning },
        "help": { "text": meaning },
        "helpUri": format!("{PAGES}#{id}"),
        "defaultConfiguration": { "level": "warning" },
        "properties": { "tags": ["security"] },
    })
}

/// What is refused and no flaw has no severity of its own: it is an error.
fn level(item: &Item<'_>) -> &'static str {
    match (item.finding, item.standing) {
        (Finding::Vulnerability(v), _) => severity_level(v.severity),
        (Finding::Observation { .. }, Standing::Refused(_)) => "error",
        (Finding::Observation { .. }, _) => "warning",
    }
}

fn severity_level(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical | Severity::High) => "error",
        Some(Severity::Medium) | None => "warning",
        Some(Severity::Low | Severity::Negligible) => "note",
    }
}

/// A number for code scanning's words, which are those of CVSS (GitHub Docs, "SARIF support for code scanning", property
/// `security-severity`): the middle of what the word covers. Records of distributions state words and no numbers.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Negligible => "0.1",
    }
}

/// What is the same of a finding in every scan: the package and the flaw, of others the kind and the place.
fn fingerprint(finding: &Finding, path: &str) -> Digest {
    let text = match finding {
        Finding::Vulnerability(v) => {
            let Purl { kind, namespace, name, subpath, .. } = &v.package.purl;
            let package =
                Purl { subpath: subpath.clone(), ..Purl::new(kind.as_str(), namespace.as_deref(), name.as_str()) };
            format!("{package}\n{}", v.id.raw())
        }
        Finding::Observation { id, .. } => format!("{id}\n{path}"),
    };
    Digest::of(text.as_bytes())
}

/// A path inside the image as a relative reference (RFC 3986), without the version of the package that it may name
/// (`NAME-1.0.dist-info`).
fn place(path: &Untrusted, finding: &Finding) -> String {
    let mut path: String = path.raw().chars().take(300).collect();
    if let Finding::Vulnerability(v) = finding
        && !v.package.version.is_empty()
    {
        path = path.replace(&format!("-{}", v.package.version.raw()), "");
    }
    let segments = path.split('/').filter(|segment| !["", ".", ".."].contains(segment));
    let uri = segments.map(encoded).collect::<Vec<_>>().join("/");
    if uri.is_empty() { PLACE.to_owned() } else { uri }
}

pub(super) fn encoded(segment: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    segment.bytes().map(one).collect()
}

/// Text for a `text` property of at most so many characters. Brackets would make a link (SARIF, §3.11.6) and braces a placeholder
/// (§3.11.5), and readers differ about escaping them: they become round ones.
pub(super) fn plain(text: &str, most: usize) -> String {
    let shown = Untrusted::from(text).to_string();
    let round = |c| match c {
        '[' | '{' => '(',
        ']' | '}' => ')',
        c => c,
    };
    let mut clipped: String = shown.chars().take(most).map(round).collect();
    if shown.chars().count() > most {
        clipped.push('…');
    }
    clipped
}

#[cfg(test)]
mod tests {
    use sealwright_core::{AdvisoryId, Decision, FindingId, Inventory, Location, Package, PackageKind, Platform};

    use super::*;
    use crate::report::judged::Places;
    use crate::report::judged::tests::{decision, flaw};

    fn document(judged: &[Judged<'_>]) -> (Value, Vec<String>) {
        let time = "2030-01-02T03:04:05Z".parse().expect("time");
        let document = Analysis { image: "registry.example/shop/app", time, judged }.document();
        (serde_json::from_slice(&document.bytes).expect("JSON"), document.left_out)
    }

    fn of(decision: &Decision, places: &Places) -> Value {
        let platform: Platform = "linux/amd64".parse().expect("platform");
        document(&[Judged::new(Some(&platform), Digest::of(b"i"), &[], Some(decision), places)]).0
    }

    fn installed(name: &str, version: &str, path: &str) -> Package {
        Package {
            kind: PackageKind::Python,
            name: name.into(),
            version: version.into(),
            architecture: None,
            source: None,
            licenses: vec![],
            supplier: None,
            purl: Purl::new("deb", Some("debian"), name).with_version(version),
            location: Location { path: path.into(), layer: Digest::of(b"") },
            cataloger: "test".into(),
        }
    }

    fn at(path: &str, name: &str) -> Places {
        Places::of(&Inventory::new(None, vec![installed(name, "1.0", path)], vec![], vec![]))
    }

    #[test]
    fn results_name_their_rules_places_and_waivers() {
        let document = of(&decision(), &at("var/lib/dpkg/status", "zlib"));
        let run = &document["runs"][0];
        assert_eq!(run["automationDetails"]["id"], "sealwright/registry.example/shop/app/linux/amd64/");
        let results = run["results"].as_array().expect("results");
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("index")).expect("index");
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
        let rows: Vec<_> = results
            .iter()
            .map(|r| {
                let uri = r.pointer("/locations/0/physicalLocation/artifactLocation/uri").expect("uri");
                (r["ruleId"].as_str(), r["level"].as_str(), uri.as_str(), r.get("suppressions").is_some())
            })
            .collect();
        let row = |id, level, uri, waived| (Some(id), Some(level), Some(uri), waived);
        assert_eq!(
            rows,
            [
                row("CVE-2030-1", "error", "var/lib/dpkg/status", false),
                row("denied-content", "error", "root/.aws/credentials", false),
                row("CVE-2030-3", "error", "Dockerfile", true),
                row("CVE-2030-5", "warning", "Dockerfile", false),
                row("CVE-2030-4", "note", "Dockerfile", false),
            ]
        );
        assert_eq!(results[2]["suppressions"][0]["justification"], "not reachable, ops, until 2030-12-31");
        let rules = &run["tool"]["driver"]["rules"];
        assert_eq!(rules[0]["properties"]["security-severity"], "8.0");
        assert_eq!(rules[0]["helpUri"], "https://osv.dev/vulnerability/CVE-2030-1");
        assert!(rules[1]["helpUri"].as_str().is_some_and(|uri| uri.ends_with("findings.md#denied-content")));
        assert!(rules[3]["properties"].get("security-severity").is_none(), "unknown is not zero");
        assert!(run["invocations"][0].get("toolExecutionNotifications").is_none());
    }

    #[test]
    fn an_update_that_does_not_fix_the_flaw_changes_neither_place_nor_fingerprint() {
        let with = |version: &str, digest: &[u8]| {
            let path = format!("usr/lib/python3/site-packages/requests-{version}.dist-info/METADATA");
            let package = installed("requests", version, &path);
            let places = Places::of(&Inventory::new(None, vec![package], vec![], vec![]));
            let mut found = flaw("CVE-2030-1", "requests", None);
            if let Finding::Vulnerability(v) = &mut found {
                v.package.version = version.into();
                v.package.purl = v.package.purl.clone().with_version(version).with_qualifier("arch", version);
                v.package.purl.qualifiers.clear();
            }
            let findings = [found];
            let judged = Judged::new(None, Digest::of(digest), &findings, None, &places);
            document(&[judged]).0["runs"][0]["results"][0].clone()
        };
        let (before, after) = (with("1.0", b"a"), with("2.31.0", b"b"));
        for part in ["/partialFingerprints", "/locations"] {
            assert_eq!(before.pointer(part), after.pointer(part), "{part}");
        }
        assert_ne!(before["message"], after["message"]);
        let uri = before.pointer("/locations/0/physicalLocation/artifactLocation/uri").expect("uri");
        assert_eq!(uri, "usr/lib/python3/site-packages/requests.dist-info/METADATA");
        // Another flaw of the package, and the flaw in another package, are others.
        let others = [flaw("CVE-2030-2", "requests", None), flaw("CVE-2030-1", "urllib3", None)];
        let places = Places::default();
        let document = document(&[Judged::new(None, Digest::of(b""), &others, None, &places)]).0;
        let print = |n: usize| &document["runs"][0]["results"][n]["partialFingerprints"]["packageAndAdvisory/v1"];
        let first = &before["partialFingerprints"]["packageAndAdvisory/v1"];
        assert!(print(0) != first && print(1) != first && print(0) != print(1));
    }

    #[test]
    fn two_versions_of_one_package_are_two_alerts() {
        let mut second = flaw("CVE-2030-1", "lodash", None);
        if let Finding::Vulnerability(v) = &mut second {
            v.package.version = "1.1".into();
        }
        let (findings, places) = ([flaw("CVE-2030-1", "lodash", None), second], Places::default());
        let document = document(&[Judged::new(None, Digest::of(b""), &findings, None, &places)]).0;
        let hash = |n: usize| {
            document["runs"][0]["results"][n]["partialFingerprints"]["primaryLocationLineHash"].as_str().expect("hash")
        };
        assert!(hash(0).ends_with(":1") && hash(1).ends_with(":2"), "{} {}", hash(0), hash(1));
    }

    #[test]
    fn what_code_scanning_would_drop_is_left_out_and_said() {
        let low: Vec<Finding> =
            (0..MOST_RESULTS + 3).map(|n| flaw(&format!("CVE-1-{n}"), "a", Some(Severity::Low))).collect();
        let mut findings = low;
        findings.push(flaw("CVE-2-1", "z", Some(Severity::Critical)));
        let places = Places::default();
        let judged = Judged::new(None, Digest::of(b""), &findings, None, &places);
        let (document, left_out) = document(&[judged]);
        let run = &document["runs"][0];
        assert_eq!(run["results"].as_array().map(Vec::len), Some(MOST_RESULTS));
        assert_eq!(run["results"][0]["ruleId"], "CVE-2-1");
        let said = "the 5000 worst findings are in the SARIF document, 4 are left out";
        assert_eq!(run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"], said);
        assert_eq!(left_out, [said]);
    }

    #[test]
    fn more_platforms_than_runs_are_said_and_a_document_that_is_too_large_is_cut() {
        let (findings, places) = ([flaw("CVE-1-1", "a", None)], Places::default());
        let many: Vec<_> = (0..22).map(|_| Judged::new(None, Digest::of(b""), &findings, None, &places)).collect();
        let (document, left_out) = document(&many);
        assert_eq!(document["runs"].as_array().map(Vec::len), Some(20));
        assert!(left_out[0].starts_with("2 platforms"), "{left_out:?}");
        // Texts that hardly compress.
        let noise = |n: usize| Digest::of(&n.to_le_bytes()).hex();
        let findings: Vec<Finding> = (0..400).map(|n| flaw(&noise(n), &noise(n + 1000), None)).collect();
        let judged = [Judged::new(None, Digest::of(b""), &findings, None, &places)];
        let time = "2030-01-02T03:04:05Z".parse().expect("time");
        let document = Analysis { image: "a", time, judged: &judged }.document_within(400, 40_000);
        assert!(fits(&document.bytes, 40_000) && document.bytes.len() > 40_000);
        assert!(document.left_out[0].contains("worst findings"), "{:?}", document.left_out);
    }

    #[test]
    fn hostile_text_is_neither_link_nor_placeholder_nor_another_path() {
        let mut found = flaw("[x](https://evil.example) {0}", "a](b)\n\u{202e}", None);
        if let Finding::Vulnerability(v) = &mut found {
            v.summary = Some("**bold** <img src=x> [click](https://evil.example)".into());
            v.aliases = vec![AdvisoryId::new("{1}")];
        }
        let package = "a](b)\n\u{202e}";
        let places = at("../../etc/./x y?#%[é", package);
        let findings =
            [found, Finding::observation(FindingId::SkippedForSize, sealwright_core::Place::default(), "{0}")];
        let document = document(&[Judged::new(None, Digest::of(b""), &findings, None, &places)]).0;
        fn texts<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(members) => members.iter().for_each(|(key, value)| texts(value, key, found)),
                Value::Array(values) => values.iter().for_each(|value| texts(value, key, found)),
                Value::String(text) if !key.starts_with('$') => found.push(text),
                _ => {}
            }
        }
        let mut found = Vec::new();
        texts(&document, "", &mut found);
        assert!(found.len() > 20);
        for text in found {
            assert!(!text.contains(['[', ']', '{', '}', '\u{202e}']), "{text}");
        }
        assert!(!document.to_string().contains("\"markdown\""));
        let uri = document.pointer("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri");
        assert_eq!(uri.and_then(Value::as_str), Some("etc/x%20y%3F%23%25%5B%C3%A9"));
        assert!(document["runs"][0]["tool"]["driver"]["rules"][0].get("helpUri").is_none());
    }
}
