//! A real Debian 12, made by mmdebstrap.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sealwright_core::bounded::read_file;
use sealwright_version::{Scheme, compare};
use serde_json::Value;

use crate::layout::layout_from_tar;
use crate::peer::{peer, say, sealwright};
use crate::sealed::{cosign_accepts, docker_registry, go_registry, home, seal, verify};

/// The package set of the image's own dpkg, asked in its own root.
const LIST: &str =
    "dpkg-query --root=\"$1\" -W -f '${db:Status-Status} ${Package} ${Version} ${Architecture}\\n' > \"$2\"";

struct Debian {
    folder: tempfile::TempDir,
}

impl Debian {
    fn layout(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    /// `name version architecture` of each installed package, as dpkg says.
    fn packages(&self) -> BTreeSet<String> {
        let text = read_file(&self.folder.path().join("packages"), 1 << 20).expect("list");
        let text = String::from_utf8(text).expect("text");
        text.lines().filter_map(|line| line.strip_prefix("installed ")).map(str::to_owned).collect()
    }
}

/// Made once for all tests of this module.
fn debian() -> &'static Debian {
    static DEBIAN: OnceLock<Debian> = OnceLock::new();
    DEBIAN.get_or_init(|| {
        let folder = tempfile::tempdir().expect("folder");
        let tar = folder.path().join("debian.tar");
        let hook = folder.path().join("hook.sh");
        std::fs::write(&hook, format!("#!/bin/sh\nset -e\n{}\n", LIST.replace("$2", "$PACKAGES"))).expect("hook");
        let mut command = Command::new(peer("SEALWRIGHT_MMDEBSTRAP"));
        command.args(["--quiet", "--variant=minbase"]).arg(format!("--customize-hook=sh {} \"$1\"", hook.display()));
        command.env("PACKAGES", folder.path().join("packages"));
        say(command.arg("bookworm").arg(&tar)).expect_code(0);
        layout_from_tar(&tar, &folder.path().join("image"));
        Debian { folder }
    })
}

#[test]
fn the_packages_are_those_of_dpkg_query() {
    let debian = debian();
    let home = tempfile::tempdir().expect("folder");
    let source = format!("oci:{}", debian.layout().display());
    let said = say(sealwright(home.path()).args(["sbom", &source, "-o", "json"])).expect_code(0);
    let document: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let text = |package: &Value, key: &str| package[key].as_str().expect("a text").to_owned();
    let found: BTreeSet<String> = document["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .filter(|p| p["kind"] == "deb")
        .map(|p| format!("{} {} {}", text(p, "name"), text(p, "version"), text(p, "architecture")))
        .collect();
    let expected = debian.packages();
    assert!(expected.len() > 50, "dpkg lists {} packages", expected.len());
    assert_eq!(found, expected);
    println!("{} packages, the same as dpkg-query lists", found.len());
}

/// Pairs of versions from the characters that matter, ordered by dpkg itself.
#[test]
fn dpkg_orders_versions_as_we_do() {
    // A linear congruential generator (Numerical Recipes): the same pairs in every run.
    let mut state = 20_261_125_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    let mut version = || {
        let mut text = if random(5) == 0 { format!("{}:", random(3)) } else { String::new() };
        text.push(char::from_digit(random(10), 10).expect("a digit"));
        let alphabet: Vec<char> = "0019a~+.bz-".chars().collect();
        for _ in 0..random(7) {
            text.push(alphabet[random(11) as usize]);
        }
        if random(2) == 0 { format!("{text}-{}", random(20)) } else { text }
    };
    let (mut compared, mut refused) = (0, 0);
    for _ in 0..1_500 {
        let (a, b) = (version(), version());
        let Ok(ours) = compare(Scheme::Deb, &a, &b) else {
            refused += 1;
            continue;
        };
        let operator = match ours {
            Ordering::Less => "lt",
            Ordering::Equal => "eq",
            Ordering::Greater => "gt",
        };
        let said = say(Command::new("dpkg").args(["--compare-versions", &a, operator, &b]));
        assert_eq!(said.code(), 0, "{a} {operator} {b}: {}", said.stderr);
        compared += 1;
    }
    println!("{compared} pairs ordered as dpkg orders them, {refused} were no versions");
    assert!(compared > 1_000);
}

#[test]
fn two_runs_give_the_same_bytes() {
    let debian = debian();
    let home = tempfile::tempdir().expect("folder");
    let source = format!("oci:{}", debian.layout().display());
    for format in ["cyclonedx-json", "spdx-json", "json"] {
        let run = || say(sealwright(home.path()).args(["sbom", &source, "-o", format])).expect_code(0).stdout;
        let first = run();
        assert!(first.len() > 1000, "{format}");
        assert_eq!(first, run(), "{format}");
    }
}

#[test]
fn sealed_into_both_kinds_of_registry_it_is_accepted_and_every_change_is_refused() {
    let debian = debian();
    let source = format!("oci:{}", debian.layout().display());
    let home = home();
    let (_go, with_referrers) = go_registry();
    let (_docker, without) = docker_registry(home.path());
    for registry in [with_referrers, without.clone()] {
        let image = format!("{registry}/acme/debian:v1");
        let said = seal(home.path(), &source, &image).expect_code(0);
        println!("{}", said.stdout);
        cosign_accepts(home.path(), &image);
        verify(home.path(), &image).expect_code(0);
        say(sealwright(home.path()).args(["verify", &image, "--policy", "policy.yaml", "--layers"])).expect_code(0);
    }
    every_change_is_refused(home.path(), &without);
}

/// Flips one byte of every blob that belongs to the image or to its evidence, in turn: nothing that was changed is accepted.
fn every_change_is_refused(home: &Path, registry: &str) {
    let image = format!("{registry}/acme/debian:v1");
    let mut changed = 0;
    for blob in blobs(&home.join("registry/docker/registry/v2")) {
        let original = read_file(&blob, 1 << 30).expect("blob");
        let mut altered = original.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        std::fs::write(&blob, &altered).expect("altered");
        let said = say(sealwright(home).args(["verify", &image, "--policy", "policy.yaml", "--layers"]));
        assert_ne!(said.code(), 0, "{} was changed and accepted:\n{}", blob.display(), said.stdout);
        assert!([4, 5].contains(&said.code()), "{}: {}\n{}", said.code(), said.stdout, said.stderr);
        std::fs::write(&blob, &original).expect("restored");
        changed += 1;
    }
    assert!(changed >= 12, "only {changed} blobs were changed");
    verify(home, &image).expect_code(0);
    say(crate::sealed::cosign(home).args(["generate-key-pair", "--output-key-prefix", "other"])).expect_code(0);
    say(sealwright(home).args(["verify", &image, "--key", "other.pub", "--transparency", "none"])).expect_code(4);
}

/// What the tags of a docker-registry's folder lead to: manifests, indexes, configurations, layers, bundles. Indexes that a
/// later one replaced, and the empty configuration of artifacts, belong to nothing.
fn blobs(registry: &Path) -> Vec<PathBuf> {
    let read = |path: &Path| read_file(path, 1 << 30).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let tags = registry.join("repositories/acme/debian/_manifests/tags");
    let mut left: Vec<String> = std::fs::read_dir(tags)
        .expect("tags")
        .map(|tag| String::from_utf8(read(&tag.expect("tag").path().join("current/link"))).expect("text"))
        .collect();
    let mut found = Vec::new();
    while let Some(digest) = left.pop() {
        let hex = digest.strip_prefix("sha256:").expect("sha256");
        let path = registry.join("blobs/sha256").join(&hex[..2]).join(hex).join("data");
        if found.contains(&path) {
            continue;
        }
        if let Ok(document) = serde_json::from_slice::<Value>(&read(&path)) {
            let lists = ["layers", "manifests"].into_iter().filter_map(|key| document[key].as_array()).flatten();
            let named =
                lists.chain(document.get("config")).filter(|d| d["mediaType"] != "application/vnd.oci.empty.v1+json");
            left.extend(named.filter_map(|d| d["digest"].as_str()).map(str::to_owned));
        }
        found.push(path);
    }
    found
}
