//! Images of several layers: what a container would see is what the inventory lists.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a broken fixture fails the test")]

use std::collections::HashMap;
use std::io::{Cursor, Read};

use proptest::prelude::*;
use sealwright_catalog::{CatalogError, Options, Silent, catalog};
use sealwright_core::{Digest, Finding, FindingId, Inventory, Limits, PackageKind};
use sealwright_oci::{BlobError, Blobs, Descriptor, ImageConfig, Manifest, PlatformImage, RootFs, media_type};

/// Layers as plain tars in memory.
#[derive(Default)]
struct Image {
    layers: Vec<Vec<u8>>,
    /// Served instead of a layer's own bytes.
    altered: HashMap<Digest, Vec<u8>>,
}

impl Blobs for Image {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        let digest = descriptor.digest;
        if let Some(bytes) = self.altered.get(&digest) {
            return Ok(Box::new(Cursor::new(bytes)));
        }
        let layer = self.layers.iter().find(|l| Digest::of(l) == digest).ok_or(BlobError::NotFound { digest })?;
        Ok(Box::new(Cursor::new(layer)))
    }
}

impl Image {
    fn layer(mut self, entries: &[(&str, Entry<'_>)]) -> Self {
        self.layers.push(tar(entries));
        self
    }

    fn catalog_with(
        &self,
        limits: &Limits,
        deny: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> Result<Inventory, CatalogError> {
        let layers: Vec<Descriptor> = self.layers.iter().map(|l| Descriptor::of(media_type::LAYER, l)).collect();
        let diff_ids = self.layers.iter().map(|l| Digest::of(l)).collect();
        let config = Descriptor::of(media_type::CONFIG, b"{}");
        let manifest = Manifest {
            schema_version: 2,
            media_type: None,
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: Default::default(),
        };
        let config = ImageConfig {
            architecture: "amd64".into(),
            os: "linux".into(),
            variant: None,
            created: None,
            rootfs: RootFs { diff_ids },
        };
        let image = PlatformImage {
            descriptor: Descriptor::of(media_type::MANIFEST, b"manifest"),
            platform: config.platform(),
            manifest,
            manifest_bytes: vec![],
            config,
            config_bytes: vec![],
        };
        catalog(self, &image, &Options { limits, deny, progress: &Silent })
    }

    fn catalog(&self) -> Inventory {
        self.catalog_with(&Limits::default(), &|_| None).expect("cataloged")
    }

    /// `name version` of every package.
    fn packages(&self) -> Vec<String> {
        self.catalog().packages.iter().map(|p| format!("{} {}", p.name.raw(), p.version.raw())).collect()
    }

    fn findings(&self) -> Vec<FindingId> {
        self.catalog().findings.iter().map(Finding::id).collect()
    }
}

#[derive(Clone, Copy)]
enum Entry<'a> {
    File(&'a str),
    Folder,
    Symlink(&'a str),
    HardLink(&'a str),
}

fn tar(entries: &[(&str, Entry<'_>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, entry) in entries {
        let (kind, link, contents) = match *entry {
            Entry::File(contents) => (b'0', "", contents),
            Entry::Folder => (b'5', "", ""),
            Entry::Symlink(target) => (b'2', target, ""),
            Entry::HardLink(target) => (b'1', target, ""),
        };
        let mut block = [0_u8; 512];
        let mut field = |offset: usize, text: &[u8]| block[offset..offset + text.len()].copy_from_slice(text);
        field(0, path.as_bytes());
        field(100, b"0000755\x000000000\x000000000\x00");
        field(124, format!("{:011o}\0", contents.len()).as_bytes());
        field(136, b"00000000000\x00        ");
        field(156, &[kind]);
        field(157, link.as_bytes());
        field(257, b"ustar\x0000");
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend(block);
        out.extend(contents.as_bytes());
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.extend([0; 1024]);
    out
}

const APK: &str = "lib/apk/db/installed";
const ZLIB: &str = "P:zlib\nV:1.3-r0\nA:x86_64\no:zlib\np:so:libz.so.1=1\n\nP:apk-tools\nV:2.14-r0\no:apk-tools\nD:so:libz.so.1 musl\n\n";
const MUSL: &str = "P:musl\nV:1.2-r0\no:musl\n\n";
const RELEASE: &str = "ID=alpine\nVERSION_ID=3.20.3\n";

#[test]
fn the_database_of_the_topmost_layer_counts() {
    let image = Image::default().layer(&[(APK, Entry::File(ZLIB)), ("etc/os-release", Entry::File(RELEASE))]);
    assert_eq!(image.packages(), ["apk-tools 2.14-r0", "zlib 1.3-r0"]);
    let inventory = image.catalog();
    assert_eq!(inventory.distribution.as_ref().map(|d| d.id.raw()), Some("alpine"));
    let purl = inventory.packages[1].purl.to_string();
    assert_eq!(purl, "pkg:apk/alpine/zlib@1.3-r0?arch=x86_64&distro=alpine-3.20.3");
    assert_eq!(inventory.dependencies.len(), 1, "apk-tools needs zlib by its library");
    assert_eq!((inventory.dependencies[0].dependent, inventory.dependencies[0].dependency), (0, 1));
    let upper = image.layer(&[(APK, Entry::File(MUSL))]);
    assert_eq!(upper.packages(), ["musl 1.2-r0"]);
    assert_eq!(upper.catalog().packages[0].location.layer, Digest::of(&upper.layers[1]));
}

#[test]
fn what_an_upper_layer_deletes_or_covers_is_gone() {
    let base = || Image::default().layer(&[(APK, Entry::File(ZLIB))]);
    for (what, entries) in [
        ("the file", &[("lib/apk/db/.wh.installed", Entry::File(""))][..]),
        ("a folder above", &[("lib/.wh.apk", Entry::File(""))]),
        ("an opaque folder", &[("lib/apk/.wh..wh..opq", Entry::File(""))]),
        ("the opaque root", &[(".wh..wh..opq", Entry::File(""))]),
        ("a file instead of a folder", &[("lib/apk", Entry::File("x"))]),
        ("an empty database", &[(APK, Entry::File(""))]),
    ] {
        assert_eq!(base().layer(entries).packages(), Vec::<String>::new(), "{what}");
    }
    for (what, entries) in [
        ("a whiteout beside", &[("lib/apk/db/.wh.installed2", Entry::File(""))][..]),
        ("an opaque folder beside", &[("lib/apk2/.wh..wh..opq", Entry::File(""))]),
        ("a folder over a folder", &[("lib/apk", Entry::Folder)]),
    ] {
        assert_eq!(base().layer(entries).packages().len(), 2, "{what}");
    }
}

#[test]
fn whiteouts_are_about_the_layers_below_wherever_they_stand() {
    for entries in [
        [(APK, Entry::File(MUSL)), ("lib/apk/db/.wh.installed", Entry::File(""))],
        [("lib/apk/db/.wh.installed", Entry::File("")), (APK, Entry::File(MUSL))],
        [("lib/.wh..wh..opq", Entry::File("")), (APK, Entry::File(MUSL))],
    ] {
        let image = Image::default().layer(&[(APK, Entry::File(ZLIB))]).layer(&entries);
        assert_eq!(image.packages(), ["musl 1.2-r0"]);
    }
}

#[test]
fn denied_contents_are_found_also_where_they_are_deleted_again() {
    let image =
        Image::default().layer(&[("app/.env", Entry::File("SECRET=1"))]).layer(&[("app/.wh..env", Entry::File(""))]);
    let deny = |path: &str| path.ends_with(".env").then(|| "**/.env".to_owned());
    let findings = image.catalog_with(&Limits::default(), &deny).expect("cataloged").findings;
    let [Finding::Observation { id, place, detail }] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((*id, place.path.as_ref().map(|p| p.raw())), (FindingId::DeniedContent, Some("app/.env")));
    assert_eq!(place.layer, Some(Digest::of(&image.layers[0])));
    assert!(detail.raw().contains("**/.env") && !detail.raw().contains("SECRET"));
}

#[test]
fn a_database_behind_a_link_that_was_not_read_is_a_finding() {
    let image = |entries: &[(&str, Entry<'_>)]| Image::default().layer(entries).findings();
    let hidden = [FindingId::HiddenByLink];
    assert_eq!(image(&[("opt/db", Entry::File(ZLIB)), (APK, Entry::Symlink("/opt/db"))]), hidden);
    assert_eq!(
        image(&[("opt/apk/db/installed", Entry::File(ZLIB)), ("lib/apk", Entry::Symlink("../opt/apk"))]),
        hidden
    );
    assert_eq!(image(&[("opt/db", Entry::File(ZLIB)), (APK, Entry::HardLink("opt/db"))]), hidden);
    // A merged /usr leads to a path that is read; a link to nothing hides nothing.
    let merged =
        Image::default().layer(&[("lib", Entry::Symlink("usr/lib")), ("usr/lib/apk/db/installed", Entry::File(ZLIB))]);
    assert_eq!((merged.findings(), merged.packages().len()), (vec![], 2));
    assert_eq!(image(&[(APK, Entry::Symlink("/nowhere"))]), []);
    assert_eq!(image(&[("lib", Entry::Symlink("lib"))]), [], "a loop leads nowhere");
    // A link that an upper layer replaces is no link any more.
    let replaced = Image::default()
        .layer(&[("opt/db", Entry::File(ZLIB)), (APK, Entry::Symlink("/opt/db"))])
        .layer(&[(APK, Entry::File(MUSL))]);
    assert_eq!((replaced.findings(), replaced.packages()), (vec![], vec!["musl 1.2-r0".to_owned()]));
}

#[test]
fn what_cannot_be_read_is_a_finding_and_not_silence() {
    let broken = Image::default().layer(&[(APK, Entry::File("nonsense"))]);
    assert_eq!((broken.findings(), broken.packages().len()), (vec![FindingId::UnreadableMetadata], 0));
    let image = Image::default().layer(&[(APK, Entry::File(ZLIB))]);
    let at = |limit| {
        image.catalog_with(&Limits { package_database: limit, ..Limits::default() }, &|_| None).expect("cataloged")
    };
    let size = ZLIB.len() as u64;
    assert_eq!((at(size).packages.len(), at(size).findings.len()), (2, 0));
    let past = at(size - 1);
    assert_eq!(past.packages, []);
    assert_eq!(past.findings.iter().map(Finding::id).collect::<Vec<_>>(), [FindingId::SkippedForSize]);
    // A finding about a file that is deleted again says nothing about the image.
    let deleted = Image::default().layer(&[(APK, Entry::File("nonsense"))]).layer(&[("lib/.wh.apk", Entry::File(""))]);
    assert_eq!(deleted.findings(), []);
}

#[test]
fn facts_of_a_layer_that_is_not_what_its_digest_says_are_not_used() {
    let mut image = Image::default().layer(&[(APK, Entry::File(ZLIB))]);
    let digest = Digest::of(&image.layers[0]);
    let mut altered = image.layers[0].clone();
    let last = altered.len() - 1;
    altered[last] = 1;
    image.altered.insert(digest, altered);
    assert!(matches!(image.catalog_with(&Limits::default(), &|_| None), Err(CatalogError::Layer(_))));
}

#[test]
fn languages_are_read_wherever_they_lie() {
    let image = Image::default().layer(&[
        ("usr/lib/python3/dist-info-is-not/METADATA", Entry::File("Name: no\nVersion: 1\n")),
        ("usr/lib/python3/Jinja2-3.1.dist-info/METADATA", Entry::File("Name: Jinja2\nVersion: 3.1\n\nx")),
        ("srv/node_modules/@acme/a/package.json", Entry::File(r#"{"name":"@acme/a","version":"1.0.0"}"#)),
        ("srv/vendor/composer/installed.json", Entry::File(r#"[{"name":"a/b","version":"2.0"}]"#)),
    ]);
    let inventory = image.catalog();
    let found: Vec<(PackageKind, String)> = inventory.packages.iter().map(|p| (p.kind, p.purl.to_string())).collect();
    assert_eq!(
        found,
        [
            (PackageKind::Python, "pkg:pypi/jinja2@3.1".to_owned()),
            (PackageKind::Npm, "pkg:npm/%40acme/a@1.0.0".to_owned()),
            (PackageKind::Composer, "pkg:composer/a/b@2.0".to_owned()),
        ]
    );
    assert_eq!(inventory.distribution, None);
}

#[test]
fn debian_in_one_file_or_in_many() {
    let status = "Package: a\nStatus: install ok installed\nVersion: 1:1.0\nArchitecture: amd64\nDepends: b\n\nPackage: b\nStatus: install ok installed\nVersion: 2\n\n";
    let one = Image::default().layer(&[
        ("var/lib/dpkg/status", Entry::File(status)),
        ("usr/lib/os-release", Entry::File("ID=debian\nVERSION_ID=\"12\"\n")),
    ]);
    let inventory = one.catalog();
    assert_eq!(inventory.packages[0].purl.to_string(), "pkg:deb/debian/a@1%3A1.0?arch=amd64&distro=debian-12");
    assert_eq!(inventory.dependencies.len(), 1);
    let many = Image::default().layer(&[
        ("var/lib/dpkg/status.d/a", Entry::File("Package: a\nVersion: 1\n")),
        ("var/lib/dpkg/status.d/a.md5sums", Entry::File("0 x\n")),
        ("var/lib/dpkg/status.d/b", Entry::File("Package: b\nVersion: 2\n")),
    ]);
    assert_eq!(many.packages(), ["a 1", "b 2"]);
}

/// One thing that a layer does to a small tree.
#[derive(Debug, Clone)]
enum Step {
    Write(usize, u8),
    Delete(usize),
    Opaque(usize),
    Cover(usize),
}

const FILES: [&str; 4] = [
    "a/node_modules/x/package.json",
    "a/node_modules/y/package.json",
    "a/b/node_modules/x/package.json",
    "c/node_modules/z/package.json",
];
const FOLDERS: [&str; 5] = ["a", "a/b", "a/node_modules", "c", "a/b/node_modules/x"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..FILES.len(), any::<u8>()).prop_map(|(f, v)| Step::Write(f, v)),
        1 => (0..FOLDERS.len()).prop_map(Step::Delete),
        1 => (0..FOLDERS.len()).prop_map(Step::Opaque),
        1 => (0..FOLDERS.len()).prop_map(Step::Cover),
    ]
}

/// What a runtime does, layer by layer, on a map of files.
fn naive(layers: &[Vec<Step>]) -> Vec<String> {
    let mut tree: HashMap<String, u8> = HashMap::new();
    let below = |path: &str, folder: &str| path.starts_with(&format!("{folder}/"));
    for layer in layers {
        for step in layer {
            match step {
                Step::Delete(f) => tree.retain(|path, _| path != FOLDERS[*f] && !below(path, FOLDERS[*f])),
                Step::Opaque(f) => tree.retain(|path, _| !below(path, FOLDERS[*f])),
                _ => {}
            }
        }
        for step in layer {
            match step {
                Step::Write(f, version) => {
                    tree.insert(FILES[*f].to_owned(), *version);
                }
                Step::Cover(f) => tree.retain(|path, _| !below(path, FOLDERS[*f])),
                _ => {}
            }
        }
    }
    let mut found: Vec<String> = tree.iter().map(|(path, version)| format!("{path} {version}")).collect();
    found.sort();
    found
}

/// The purl of an npm package, which is read back as it is written.
fn purl_of_npm(name: &str) -> String {
    let document = format!(r#"{{"name":"{name}","version":"1"}}"#);
    let inventory = Image::default().layer(&[("node_modules/a/package.json", Entry::File(&document))]).catalog();
    let purl = &inventory.packages[0].purl;
    assert_eq!(purl.to_string().parse().as_ref(), Ok(purl), "{name}");
    purl.to_string()
}

#[test]
fn a_name_that_ends_with_a_slash_had_no_name_in_its_purl() {
    assert_eq!(purl_of_npm("@s/a"), "pkg:npm/%40s/a@1");
    assert_eq!(purl_of_npm("a/"), "pkg:npm/a%2F@1");
    assert_eq!(purl_of_npm("/"), "pkg:npm/%2F@1");
    assert_eq!(purl_of_npm("/a"), "pkg:npm/a@1");
}

#[test]
fn a_package_without_a_name_made_the_sbom_unreadable() {
    let list = r#"[{"name":"acme/a","version":"1"},{"name":"","version":"1"}]"#;
    let image = Image::default().layer(&[("vendor/composer/installed.json", Entry::File(list))]);
    assert_eq!(image.packages(), Vec::<String>::new());
    assert_eq!(image.findings(), [FindingId::UnreadableMetadata]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_fold_is_what_a_runtime_would_unpack(layers in prop::collection::vec(prop::collection::vec(step(), 0..4), 1..5)) {
        let mut image = Image::default();
        let mut kept = Vec::new();
        for steps in layers {
            // One layer of a real image never writes below a file that it also writes.
            let covers = steps.iter().any(|s| matches!(s, Step::Cover(_)));
            let steps: Vec<Step> = steps.into_iter().filter(|s| !covers || !matches!(s, Step::Write(..))).collect();
            let texts: Vec<(String, String)> = steps.iter().map(|step| match step {
                Step::Write(f, v) => (FILES[*f].to_owned(), format!(r#"{{"name":"n","version":"{v}"}}"#)),
                Step::Delete(f) => {
                    let (folder, name) = FOLDERS[*f].rsplit_once('/').map_or((String::new(), FOLDERS[*f]), |(d, n)| (format!("{d}/"), n));
                    (format!("{folder}.wh.{name}"), String::new())
                }
                Step::Opaque(f) => (format!("{}/.wh..wh..opq", FOLDERS[*f]), String::new()),
                Step::Cover(f) => (FOLDERS[*f].to_owned(), String::new()),
            }).collect();
            let entries: Vec<(&str, Entry<'_>)> = texts.iter().map(|(p, c)| (p.as_str(), Entry::File(c))).collect();
            image = image.layer(&entries);
            kept.push(steps);
        }
        let inventory = image.catalog();
        let mut found: Vec<String> = inventory.packages.iter().map(|p| format!("{} {}", p.location.path.raw(), p.version.raw())).collect();
        found.sort();
        prop_assert_eq!(found, naive(&kept));
    }
}
