//! A trusted root: where it came from, until when it is used, and whom it names.

use jiff::Timestamp;
use sealwright_core::Untrusted;
use sealwright_verify::TrustedRoot;
use serde_json::{Value, json};

use super::columns::columns;
use super::console::Style;
use crate::pipeline::trust_root::Origin;

/// The version of the JSON document.
pub const SCHEMA: u32 = 1;

/// Somebody whom a trusted root names.
struct Named {
    kind: &'static str,
    name: String,
    url: String,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// For a person.
pub fn text(root: &TrustedRoot, origin: &Origin, now: Timestamp, style: Style) -> String {
    let mut text = origin_lines(origin, now);
    text.push('\n');
    let day = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |t| t.strftime("%Y-%m-%d").to_string());
    let shown = |text: &str| Untrusted::from(text).to_string();
    let mut rows = vec![["kind", "name", "address", "since", "until"].map(str::to_owned).to_vec()];
    rows.extend(
        named(root)
            .iter()
            .map(|one| vec![one.kind.to_owned(), shown(&one.name), shown(&one.url), day(one.since), day(one.until)]),
    );
    text.push_str(&columns(&rows, style, |_, _, padded| padded));
    text
}

/// Where a trusted root came from, and until when it is used.
pub fn origin_lines(origin: &Origin, now: Timestamp) -> String {
    match origin {
        Origin::File(path) => format!("file {}; nobody says whether it is the newest one\n", path.display()),
        Origin::Tuf(material) => {
            let versions: Vec<String> =
                material.roles.iter().map(|role| format!("{} {}", role.name, role.version)).collect();
            let until = material.fresh_until();
            let word = if until < now { "expired at" } else { "used until" };
            let (instance, url) = (&material.instance, &material.url);
            format!("{instance}, by TUF from {url}\n{}; {word} {until}\n", versions.join(", "))
        }
    }
}

/// The same for a machine.
pub fn origin_json(origin: &Origin, now: Timestamp) -> Value {
    match origin {
        Origin::File(path) => json!({ "file": path.display().to_string() }),
        Origin::Tuf(material) => {
            let role = |role: &sealwright_trust::RoleState| json!({ "role": role.name, "version": role.version, "expires": role.expires });
            json!({
                "instance": material.instance, "repository": material.url,
                "metadata": material.roles.iter().map(role).collect::<Vec<_>>(),
                "fresh_until": material.fresh_until(), "expired": material.fresh_until() < now,
            })
        }
    }
}

/// For a machine.
pub fn json(root: &TrustedRoot, origin: &Origin, now: Timestamp) -> Value {
    let one = |one: &Named| json!({ "kind": one.kind, "name": one.name, "url": one.url, "since": one.since, "until": one.until });
    let named: Vec<Value> = named(root).iter().map(one).collect();
    json!({ "schema": SCHEMA, "trust_root": origin_json(origin, now), "names": named })
}

fn named(root: &TrustedRoot) -> Vec<Named> {
    let range = |range: Option<&sealwright_verify::TimeRange>| (range.map(|r| r.start), range.and_then(|r| r.end));
    let mut all = Vec::new();
    let mut add = |kind, name: String, url: &str, (since, until)| {
        all.push(Named { kind, name, url: url.to_owned(), since, until });
    };
    let subject = |common: &Option<String>, organization: &Option<String>| {
        common.clone().or_else(|| organization.clone()).unwrap_or_default()
    };
    for authority in &root.certificate_authorities {
        let name = subject(&authority.subject.common_name, &authority.subject.organization);
        add("certificates", name, &authority.uri, range(authority.valid_for.as_ref()));
    }
    for log in &root.ctlogs {
        let key = &log.public_key;
        add("certificate log", key.key_details.as_str().to_owned(), &log.base_url, range(key.valid_for.as_ref()));
    }
    for log in &root.tlogs {
        let key = &log.public_key;
        add("log", key.key_details.as_str().to_owned(), &log.base_url, range(key.valid_for.as_ref()));
    }
    for authority in &root.timestamp_authorities {
        let name = subject(&authority.subject.common_name, &authority.subject.organization);
        add("timestamps", name, authority.uri.as_deref().unwrap_or_default(), range(authority.valid_for.as_ref()));
    }
    all
}
