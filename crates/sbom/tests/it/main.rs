//! Documents against the official schemas, back to inventories, and byte for byte.

#![expect(clippy::expect_used, reason = "a test whose fixture is broken has nothing to go on with")]

use jiff::Timestamp;
use proptest::prelude::*;
use sealwright_core::{
    Dependency, Digest, Distribution, Finding, FindingId, Inventory, Limits, Location, Package, PackageKind, Place,
    Platform, Purl, SourcePackage,
};
use sealwright_sbom::{CycloneDx, Subject, cyclonedx, merge, native, read, spdx};
use serde_json::Value;

fn subject<'a>(platform: &'a Platform) -> Subject<'a> {
    Subject {
        name: "registry.example/shop/app",
        digest: Digest::of(b"manifest"),
        platform: Some(platform),
        created: Timestamp::from_second(1_700_000_000).expect("time"),
        tool_version: "0.1.0",
    }
}

fn platform() -> Platform {
    "linux/amd64".parse().expect("platform")
}

fn package(name: &str, version: &str, license: Option<&str>) -> Package {
    Package {
        kind: PackageKind::Deb,
        name: name.into(),
        version: version.into(),
        architecture: Some("amd64".into()),
        source: Some(SourcePackage { name: "src".into(), version: Some("1".into()) }),
        licenses: license.map(Into::into).into_iter().collect(),
        supplier: Some("Some One <one@example.org>".into()),
        purl: Purl::new("deb", Some("debian"), name).with_version(version),
        location: Location { path: "var/lib/dpkg/status".into(), layer: Digest::of(b"layer") },
        cataloger: "dpkg".into(),
    }
}

fn debian() -> Option<Distribution> {
    Some(Distribution {
        id: "debian".into(),
        version_id: Some("12".into()),
        codename: Some("bookworm".into()),
        pretty_name: Some("Debian GNU/Linux 12".into()),
        like: vec!["x".into()],
    })
}

fn inventory() -> Inventory {
    let mut twin = package("a", "1", None);
    twin.location.path = "other".into();
    let finding = Finding::observation(
        FindingId::UnreadableMetadata,
        Place { layer: Some(Digest::of(b"layer")), path: Some("x".into()) },
        "broken \u{1b}[31m \"quoted\"",
    );
    Inventory::new(
        debian(),
        vec![
            package("a", "1:1.0-1", Some("MIT OR Apache-2.0")),
            package("b", "2", Some("no expression!")),
            package("a", "1", None),
            twin,
        ],
        vec![Dependency { dependent: 0, dependency: 1 }, Dependency { dependent: 2, dependency: 0 }],
        vec![finding],
    )
}

fn schema(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name);
    let bytes = sealwright_core::bounded::read_file(&path, 4 << 20).expect("schema");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// What the schema says is wrong.
fn errors(name: &str, document: &[u8]) -> Vec<String> {
    let mut registry = jsonschema::Registry::new();
    for inner in ["spdx.schema.json", "jsf-0.82.schema.json", "cryptography-defs.schema.json"] {
        let uri = format!("http://cyclonedx.org/schema/{inner}");
        registry = registry.add(uri, schema(inner)).expect("resource");
    }
    let registry = registry.prepare().expect("registry");
    let root = schema(name);
    let validator = jsonschema::options().with_registry(&registry).build(&root).expect("schema");
    let document: Value = serde_json::from_slice(document).expect("JSON");
    validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn documents_are_valid_by_the_official_schemas() {
    let (platform, inventory) = (platform(), inventory());
    let subject = subject(&platform);
    let none: Vec<String> = vec![];
    assert_eq!(errors("bom-1.6.schema.json", &cyclonedx(&inventory, &subject, CycloneDx::V1_6)), none);
    assert_eq!(errors("bom-1.7.schema.json", &cyclonedx(&inventory, &subject, CycloneDx::V1_7)), none);
    assert_eq!(errors("spdx-2.3.schema.json", &spdx(&inventory, &subject)), none);
    let empty = Inventory::default();
    assert_eq!(errors("bom-1.6.schema.json", &cyclonedx(&empty, &subject, CycloneDx::V1_6)), none);
    assert_eq!(errors("spdx-2.3.schema.json", &spdx(&empty, &subject)), none);
    // The oracle can refuse.
    let broken = String::from_utf8(cyclonedx(&inventory, &subject, CycloneDx::V1_6))
        .expect("text")
        .replace("\"library\"", "\"libary\"");
    assert!(!errors("bom-1.6.schema.json", broken.as_bytes()).is_empty());
}

#[test]
fn documents_come_back_as_the_inventory_that_they_were_made_of() {
    let (platform, inventory) = (platform(), inventory());
    let subject = subject(&platform);
    for version in [CycloneDx::V1_5, CycloneDx::V1_6, CycloneDx::V1_7] {
        assert_eq!(read(&cyclonedx(&inventory, &subject, version), &Limits::default()).expect("CycloneDX"), inventory);
    }
    assert_eq!(read(&spdx(&inventory, &subject), &Limits::default()).expect("SPDX"), inventory);
}

/// Found by fuzzing: both had one reference, and what depended on one of them was lost.
#[test]
fn packages_that_others_give_one_purl_stay_two() {
    let package = |id: &str, version: &str| {
        serde_json::json!({ "SPDXID": id, "name": "a", "versionInfo": version, "externalRefs": [
            { "referenceType": "purl", "referenceLocator": "pkg:apk/alpine/a@2?distro=alpine-3.20.3" },
        ]})
    };
    let document = serde_json::json!({
        "spdxVersion": "SPDX-2.3", "packages": [package("a", "1"), package("b", "2")],
        "relationships": [{ "spdxElementId": "a", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "b" }],
    });
    let limits = Limits::default();
    let inventory = read(document.to_string().as_bytes(), &limits).expect("SPDX");
    assert_eq!((inventory.packages.len(), inventory.dependencies.len()), (2, 1));
    let platform = platform();
    for written in [cyclonedx(&inventory, &subject(&platform), CycloneDx::V1_6), spdx(&inventory, &subject(&platform))]
    {
        assert_eq!(read(&written, &limits).expect("our own document"), inventory);
    }
}

#[test]
fn the_time_and_the_identifiers_follow_from_the_input() {
    let (platform, inventory) = (platform(), inventory());
    let one = subject(&platform);
    assert_eq!(cyclonedx(&inventory, &one, CycloneDx::V1_6), cyclonedx(&inventory, &one, CycloneDx::V1_6));
    assert_eq!(native(&inventory, &one), native(&inventory, &one));
    let serial = |subject: &Subject<'_>| {
        let document: Value = serde_json::from_slice(&cyclonedx(&inventory, subject, CycloneDx::V1_6)).expect("JSON");
        document["serialNumber"].as_str().expect("serial").to_owned()
    };
    let other = Subject { digest: Digest::of(b"other"), ..one };
    assert_ne!(serial(&one), serial(&other));
    assert_eq!(&serial(&one)[23..24], "5", "a UUID of version 5: {}", serial(&one));
}

#[test]
fn an_index_has_the_packages_of_all_its_images() {
    let (amd64, arm64) = (platform(), "linux/arm64".parse().expect("platform"));
    let other = Inventory::new(
        debian(),
        vec![package("c", "3", None), package("d", "1", None)],
        vec![Dependency { dependent: 0, dependency: 1 }],
        vec![],
    );
    let merged = merge(&[(&amd64, &inventory()), (&arm64, &other)]);
    assert_eq!((merged.packages.len(), merged.dependencies.len(), merged.findings.len()), (6, 3, 1));
    assert_eq!(merged.distribution, debian());
    let stranger = Inventory { distribution: None, ..other };
    assert_eq!(merge(&[(&amd64, &inventory()), (&arm64, &stranger)]).distribution, None);
}

#[test]
fn other_documents_are_refused_and_the_limit_holds() {
    for bad in ["", "{}", "[]", r#"{"bomFormat":"CycloneDX","specVersion":"2.0"}"#, r#"{"spdxVersion":"SPDX-3.0"}"#] {
        assert!(read(bad.as_bytes(), &Limits::default()).is_err(), "{bad}");
    }
    let bad_purl = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a","purl":"nonsense"}]}"#;
    assert!(read(bad_purl.as_bytes(), &Limits::default()).is_err());
    let small = Limits { evidence: 10, ..Limits::default() };
    assert!(read(b"{          }", &small).is_err_and(|e| e.to_string().contains("10 bytes")));
}

proptest! {
    #[test]
    fn any_text_survives_and_stays_valid(name in "\\PC{1,12}", version in "[ -~]{1,12}", license in "\\PC{0,12}") {
        let hostile = Inventory::new(None, vec![package(&name, &version, (!license.is_empty()).then_some(license.as_str()))], vec![], vec![]);
        let platform = platform();
        let subject = subject(&platform);
        let document = cyclonedx(&hostile, &subject, CycloneDx::V1_6);
        prop_assert_eq!(read(&document, &Limits::default()).expect("CycloneDX"), hostile.clone());
        let document = spdx(&hostile, &subject);
        prop_assert_eq!(read(&document, &Limits::default()).expect("SPDX").packages, hostile.packages);
    }
}
