//! Whole inventories against records in memory.

#![expect(clippy::expect_used, reason = "a broken fixture fails the test")]

use sealwright_advisory::{Advisory, Kev, MemorySource};
use sealwright_core::{
    Digest, Distribution, Finding, FindingId, Fix, Inventory, Location, Package, PackageKind, Purl, Severity,
    SourcePackage, Vulnerability,
};
use sealwright_match::{ecosystems_needed, match_inventory};

fn distribution(id: &str, version: Option<&str>) -> Option<Distribution> {
    let version_id = version.map(Into::into);
    Some(Distribution { id: id.into(), version_id, codename: None, pretty_name: None, like: vec![] })
}

fn package(kind: PackageKind, name: &str, version: &str, source: Option<(&str, Option<&str>)>) -> Package {
    Package {
        kind,
        name: name.into(),
        version: version.into(),
        architecture: None,
        source: source.map(|(name, version)| SourcePackage { name: name.into(), version: version.map(Into::into) }),
        licenses: vec![],
        supplier: None,
        purl: Purl::new(kind.word(), None, name).with_version(version),
        location: Location { path: "db".into(), layer: Digest::of(b"layer") },
        cataloger: "test".into(),
    }
}

fn inventory(distribution: Option<Distribution>, packages: Vec<Package>) -> Inventory {
    Inventory::new(distribution, packages, vec![], vec![])
}

/// A record about every version before `fixed`.
fn record(id: &str, ecosystem: &str, name: &str, fixed: &str, more: &str) -> Advisory {
    let text = format!(
        r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z"{more},"affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},
        "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
    );
    Advisory::parse(text.as_bytes()).expect("a record")
}

fn vulnerabilities(inventory: &Inventory, records: Vec<Advisory>) -> Vec<Vulnerability> {
    let source = MemorySource::new(records, Kev::from_iter(["CVE-2024-9".to_owned()]));
    let found = match_inventory(inventory, &source).expect("matched").findings;
    found
        .into_iter()
        .filter_map(|finding| match finding {
            Finding::Vulnerability(one) => Some(*one),
            Finding::Observation { .. } => None,
        })
        .collect()
}

fn ids(inventory: &Inventory, records: Vec<Advisory>) -> Vec<String> {
    vulnerabilities(inventory, records).iter().map(|v| v.id.raw().to_owned()).collect()
}

fn observations(inventory: &Inventory, records: Vec<Advisory>) -> Vec<FindingId> {
    let source = MemorySource::new(records, Kev::default());
    let found = match_inventory(inventory, &source).expect("matched").findings;
    found.iter().map(Finding::id).filter(|id| *id != FindingId::Vulnerability).collect()
}

#[test]
fn distributions_are_judged_by_their_source_packages_in_their_own_release() {
    let debian = |version| {
        let libssl = package(PackageKind::Deb, "libssl3", "3.0.11-1+b1", Some(("openssl", Some("3.0.11-1"))));
        inventory(distribution("debian", Some(version)), vec![libssl])
    };
    let records = || {
        vec![
            record("DSA-1", "Debian:12", "openssl", "3.0.11-1+deb12u1", r#","upstream":["CVE-2024-1"]"#),
            record("DSA-2", "Debian:12", "libssl3", "9", r#","upstream":["CVE-2024-2"]"#),
            record("DSA-3", "Debian:11", "openssl", "9", r#","upstream":["CVE-2024-3"]"#),
            record("DSA-4", "Debian:12", "openssl", "3.0.11-1", r#","upstream":["CVE-2024-4"]"#),
        ]
    };
    assert_eq!(ids(&debian("12"), records()), ["CVE-2024-1"]);
    assert_eq!(ids(&debian("11"), records()), ["CVE-2024-3"]);
    let alpine = inventory(
        distribution("alpine", Some("3.20.3")),
        vec![package(PackageKind::Apk, "libcrypto3", "3.3.1-r0", Some(("openssl", None)))],
    );
    let records =
        vec![record("ALPINE-CVE-2024-5", "Alpine:v3.20", "openssl", "3.3.2-r0", r#","upstream":["CVE-2024-5"]"#)];
    let found = vulnerabilities(&alpine, records);
    assert_eq!((found[0].id.raw(), &found[0].fix), ("CVE-2024-5", &Fix::FixedIn("3.3.2-r0".into())));
    assert_eq!(found[0].aliases.iter().map(|a| a.raw()).collect::<Vec<_>>(), ["ALPINE-CVE-2024-5"]);
    assert_eq!(found[0].evidence[0].raw(), "ALPINE-CVE-2024-5: [0, 3.3.2-r0)");
}

#[test]
fn one_flaw_is_one_finding_and_a_record_about_two_flaws_is_two() {
    let python = inventory(None, vec![package(PackageKind::Python, "Jinja2", "3.0", None)]);
    let shared = vec![
        record("GHSA-x", "PyPI", "jinja2", "3.1", r#","aliases":["CVE-2024-1"]"#),
        record("PYSEC-1", "PyPI", "Jinja2", "3.2", r#","aliases":["GHSA-x"]"#),
    ];
    let found = vulnerabilities(&python, shared);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id.raw(), "CVE-2024-1");
    assert_eq!(found[0].fix, Fix::FixedIn("3.2".into()), "only there both records are fixed");
    assert!(found[0].is_named("PYSEC-1") && found[0].is_named("GHSA-x"));
    let both = vec![record("DSA-1", "PyPI", "jinja2", "4", r#","upstream":["CVE-2024-1","CVE-2024-2"]"#)];
    let found = vulnerabilities(&python, both);
    assert_eq!(found.iter().map(|v| v.id.raw()).collect::<Vec<_>>(), ["CVE-2024-1", "CVE-2024-2"]);
    assert!(!found[0].is_named("CVE-2024-2"));
    assert_eq!(ids(&python, vec![record("GHSA-y", "PyPI", "jinja2", "4", "")]), ["GHSA-y"]);
}

#[test]
fn withdrawn_records_say_nothing_and_exploited_flaws_are_marked() {
    let npm = inventory(None, vec![package(PackageKind::Npm, "left-pad", "1.0.0", None)]);
    let withdrawn = record("GHSA-w", "npm", "left-pad", "2.0.0", r#","withdrawn":"2024-01-02T00:00:00Z""#);
    assert!(ids(&npm, vec![withdrawn]).is_empty());
    let exploited = record("GHSA-e", "npm", "left-pad", "2.0.0", r#","aliases":["CVE-2024-9"]"#);
    assert!(vulnerabilities(&npm, vec![exploited])[0].known_exploited);
    let plain = record("GHSA-p", "npm", "left-pad", "2.0.0", r#","aliases":["CVE-2024-8"]"#);
    assert!(!vulnerabilities(&npm, vec![plain])[0].known_exploited);
}

#[test]
fn of_several_records_the_worst_severity_counts() {
    let go = inventory(None, vec![package(PackageKind::Go, "example.com/x", "v1.0.0", None)]);
    let records = vec![
        record(
            "GO-1",
            "Go",
            "example.com/x",
            "1.1.0",
            r#","aliases":["CVE-2024-1"],"database_specific":{"severity":"LOW"}"#,
        ),
        record(
            "GHSA-1",
            "Go",
            "example.com/x",
            "1.1.0",
            r#","aliases":["CVE-2024-1"],"database_specific":{"severity":"HIGH"}"#,
        ),
    ];
    let found = vulnerabilities(&go, records);
    assert_eq!((found.len(), found[0].severity), (1, Some(Severity::High)));
}

#[test]
fn what_is_not_known_is_a_finding() {
    let apk = || vec![package(PackageKind::Apk, "zlib", "1.3-r0", None)];
    let known = || vec![record("X", "Alpine:v3.20", "musl", "1", "")];
    assert_eq!(observations(&inventory(distribution("alpine", Some("3.20.3")), apk()), known()), []);
    assert_eq!(observations(&inventory(None, apk()), known()), [FindingId::UnknownDistribution]);
    for (id, version) in
        [("postmarketos", Some("3.20")), ("alpine", None), ("alpine", Some("edge")), ("debian", Some("12"))]
    {
        let inventory = inventory(distribution(id, version), apk());
        assert_eq!(observations(&inventory, known()), [FindingId::UnknownDistribution], "{id} {version:?}");
    }
    let release = inventory(distribution("alpine", Some("3.21.0")), apk());
    assert_eq!(observations(&release, known()), [FindingId::NoAdvisoriesForRelease]);
    let python = inventory(None, vec![package(PackageKind::Python, "x", "1", None)]);
    assert_eq!(observations(&python, known()), [FindingId::NoAdvisoriesForRelease]);
    let php = inventory(None, vec![package(PackageKind::Composer, "a/b", "1", None)]);
    assert_eq!(observations(&php, known()), [FindingId::NoAdvisoriesForRelease]);
    assert_eq!(observations(&Inventory::default(), vec![]), []);
    // A distribution's packages are judged by its own format only.
    for (kind, id) in [(PackageKind::Deb, "wolfi"), (PackageKind::Deb, "chainguard"), (PackageKind::Deb, "alpine")] {
        let odd = inventory(distribution(id, Some("3.20")), vec![package(kind, "zlib", "1", None)]);
        assert_eq!(observations(&odd, known()), [FindingId::UnknownDistribution], "{id}");
    }
    // Neither half of a release may be anything but a number.
    for version in ["3.x", "x.20", "3.", ".20", "3.21_alpha20240606"] {
        let odd = inventory(distribution("alpine", Some(version)), apk());
        assert_eq!(observations(&odd, known()), [FindingId::UnknownDistribution], "{version}");
    }
}

#[test]
fn a_release_without_records_is_named_and_the_ecosystems_are_told() {
    let packages = vec![package(PackageKind::Apk, "zlib", "1.3-r0", None)];
    let release = inventory(distribution("alpine", Some("3.21.0")), packages);
    let matched = match_inventory(&release, &MemorySource::new(vec![], Kev::default())).expect("matched");
    let [Finding::Observation { detail, .. }] = matched.findings.as_slice() else { panic!("one observation") };
    assert_eq!(detail.raw(), "the advisory store holds no record for Alpine:v3.21");
    assert_eq!(matched.ecosystems, ["Alpine"]);
    let python = inventory(None, vec![package(PackageKind::Python, "x", "1", None)]);
    let matched = match_inventory(&python, &MemorySource::new(vec![], Kev::default())).expect("matched");
    let [Finding::Observation { detail, .. }] = matched.findings.as_slice() else { panic!("one observation") };
    assert_eq!(detail.raw(), "the advisory store holds no record for PyPI");
}

#[test]
fn wolfi_and_chainguard_name_source_and_binary_packages() {
    for (id, ecosystem) in [("wolfi", "Wolfi"), ("chainguard", "Chainguard")] {
        let packages = vec![package(PackageKind::Apk, "libssl3", "3.3.0-r0", Some(("openssl", None)))];
        let image = inventory(distribution(id, Some("20230201")), packages);
        let records = vec![
            record("CGA-1", ecosystem, "openssl", "3.3.1-r0", r#","upstream":["CVE-2024-1"]"#),
            record("CGA-2", ecosystem, "libssl3", "3.3.1-r0", r#","upstream":["CVE-2024-2"]"#),
        ];
        assert_eq!(ids(&image, records), ["CVE-2024-1", "CVE-2024-2"], "{id}");
    }
}

#[test]
fn a_version_that_cannot_be_compared_is_a_finding_for_each_record() {
    let odd = inventory(None, vec![package(PackageKind::Cargo, "x", "not a version", None)]);
    let records =
        vec![record("RUSTSEC-1", "crates.io", "x", "1.0.0", ""), record("RUSTSEC-2", "crates.io", "y", "1.0.0", "")];
    assert_eq!(observations(&odd, records), [FindingId::UncomparableVersion]);
}

#[test]
fn the_ecosystems_that_are_needed_are_those_of_the_packages() {
    let mixed = inventory(
        distribution("debian", Some("12")),
        vec![
            package(PackageKind::Deb, "a", "1", None),
            package(PackageKind::Python, "b", "1", None),
            package(PackageKind::Python, "c", "1", None),
        ],
    );
    assert_eq!(ecosystems_needed(&mixed), ["Debian", "PyPI"]);
    let wolfi =
        inventory(distribution("wolfi", Some("20230201")), vec![package(PackageKind::Apk, "zlib", "1-r0", None)]);
    assert_eq!(ecosystems_needed(&wolfi), ["Wolfi"]);
    assert_eq!(ids(&wolfi, vec![record("CGA-1", "Wolfi", "zlib", "2-r0", "")]), ["CGA-1"]);
}
