//! The golden statements: `verify` is tested with the same files, so that writer and reader cannot drift apart.
//!
//! After a wanted change: `UPDATE_GOLDEN=1 cargo test -p sealwright-attest`.

use std::path::PathBuf;

use jiff::Timestamp;
use sealwright_attest::{
    DecisionInput, PolicyName, ProvenBuilder, ProvenanceInput, ScanInput, SourceIdentity, Subject, cyclonedx, decision,
    provenance, scan, signature, spdx,
};
use sealwright_bundle::Statement;
use sealwright_core::{
    AdvisoryId, AffectedPackage, Decision, Digest, Finding, Fix, Severity, Untrusted, Vulnerability, Waived,
};

pub(crate) const CYCLONEDX: &[u8] = br#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]}"#;
pub(crate) const SPDX: &[u8] = br#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","packages":[]}"#;

pub(crate) fn source() -> SourceIdentity {
    SourceIdentity {
        repository: Some("acme/shop".into()),
        repository_id: Some("123456".into()),
        owner_id: Some("77".into()),
        reference: Some("refs/tags/v1.2.3".into()),
        commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
    }
}

pub(crate) fn subject(source: Option<&SourceIdentity>) -> Subject<'_> {
    Subject { name: "registry.example/shop/app", digest: Digest::of(b"the image"), source }
}

pub(crate) fn time() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("time")
}

pub(crate) fn policy() -> PolicyName<'static> {
    PolicyName { uri: "sealwright.yaml", digest: Digest::of(b"the rules") }
}

pub(crate) fn finding() -> Finding {
    Finding::Vulnerability(Box::new(Vulnerability {
        id: AdvisoryId::new("CVE-2024-0001"),
        aliases: vec![],
        package: AffectedPackage {
            name: Untrusted::new("zlib1g"),
            version: Untrusted::new("1:1.2.13"),
            purl: "pkg:deb/debian/zlib1g@1%3A1.2.13".parse().expect("purl"),
        },
        severity: Some(Severity::High),
        severity_source: None,
        known_exploited: false,
        fix: Fix::NoneKnown,
        evidence: vec![],
        summary: None,
    }))
}

pub(crate) fn passed() -> Decision {
    let waived = Waived {
        finding: finding(),
        rule: "gate.fail-on".into(),
        reason: "not reachable, see SEC-12".into(),
        owner: Some("@sec".into()),
        expires: Some("2027-01-31".into()),
    };
    Decision::new(vec![], vec![waived], vec![])
}

pub(crate) fn scanned(subject: &Subject<'_>, decision: &Decision) -> Statement {
    let findings: Vec<Finding> = decision.waived.iter().map(|w| w.finding.clone()).collect();
    scan(
        subject,
        &ScanInput {
            tool_version: "0.1.0",
            builder: "https://sealwright.dev/key/sha256/00",
            database_uri: "https://advisories.example",
            snapshot: Digest::of(b"the advisories"),
            newest: Some("2026-11-19T08:30:00Z".parse().expect("time")),
            policy: policy(),
            findings: &findings,
            decision,
            started: time(),
            finished: time(),
        },
    )
}

pub(crate) fn decided(subject: &Subject<'_>, decided: &Decision, inputs: &[Digest]) -> Statement {
    let policy = policy();
    decision(
        subject,
        &DecisionInput { tool_version: "0.1.0", time: time(), policy, inputs, decision: decided, level: 0 },
    )
}

pub(crate) fn workload() -> ProvenBuilder<'static> {
    ProvenBuilder::Workload {
        builder: "https://github.com/sealwright/sealwright/.github/workflows/seal.yml@refs/tags/v1.2.0",
        workflow: Some("https://github.com/acme/shop/.github/workflows/release.yml@refs/tags/v1.2.3"),
        run: Some("https://github.com/acme/shop/actions/runs/1/attempts/1"),
        hosted: true,
    }
}

pub(crate) fn proven(subject: &Subject<'_>, builder: ProvenBuilder<'_>) -> Statement {
    let input =
        ProvenanceInput { builder, tool_version: "0.1.0", source_name: "oci:image", children: &[], parameters: None };
    provenance(subject, &input)
}

#[test]
fn the_statements_are_the_golden_ones_byte_for_byte() {
    let source = source();
    let subject = subject(Some(&source));
    let decision = passed();
    let cyclonedx = cyclonedx(&subject, CYCLONEDX).expect("JSON");
    let spdx = spdx(&subject, SPDX).expect("JSON");
    let scan = scanned(&subject, &decision);
    let inputs: Vec<Digest> = [&cyclonedx, &spdx, &scan].map(|s| Digest::of(&s.to_bytes())).to_vec();
    let fingerprint = Digest::of(b"the key");
    for (name, statement) in [
        ("signature", signature(&subject)),
        ("decision", decided(&subject, &decision, &inputs)),
        ("cyclonedx", cyclonedx),
        ("spdx", spdx),
        ("scan", scan),
        ("provenance-key", proven(&subject, ProvenBuilder::Key { fingerprint: &fingerprint })),
        ("provenance-workload", proven(&subject, workload())),
    ] {
        golden(name, &statement);
    }
}

fn golden(name: &str, statement: &Statement) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
    let bytes = statement.to_bytes();
    if std::option_env!("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &bytes).expect("write");
    }
    let stored = sealwright_core::bounded::read_file(&path, 1 << 20).expect("the golden file");
    assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&stored), "{name}");
}
