//! Real Alpine root file systems against the real Alpine advisories. Neither states a license, so they are not in the
//! repository; the tier says "not run" where they are missing.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::layout::layout_from_tar;
use crate::peer::{peer, say, sealwright};
use crate::sealed::{cosign_accepts, go_registry, home, seal};

fn layout(release: &str, folder: &Path) -> String {
    let tar = peer("SEALWRIGHT_TEST_DATA").join(format!("rootfs/alpine-minirootfs-{release}-x86_64.tar.gz"));
    let layout = folder.join(format!("alpine-{release}"));
    layout_from_tar(&tar, &layout);
    format!("oci:{}", layout.display())
}

/// A store with all of Alpine's advisories.
fn advisories(home: &Path) {
    let zip: PathBuf = peer("SEALWRIGHT_TEST_DATA").join("osv/Alpine/all.zip");
    std::fs::remove_dir_all(home.join("db")).expect("the small store");
    say(sealwright(home).args(["db", "import", "--db", "db"]).arg(zip)).expect_code(0);
}

#[test]
fn the_packages_are_those_of_the_apk_database() {
    let folder = tempfile::tempdir().expect("folder");
    for release in ["3.9.6", "3.11.13", "3.20.3"] {
        let source = layout(release, folder.path());
        let said = say(sealwright(folder.path()).args(["sbom", &source, "-o", "json"])).expect_code(0);
        let document: Value = serde_json::from_str(&said.stdout).expect("JSON");
        let text = |p: &Value, key: &str| p[key].as_str().expect("a text").to_owned();
        let found: BTreeSet<String> = document["packages"]
            .as_array()
            .expect("packages")
            .iter()
            .map(|p| format!("{} {}", text(p, "name"), text(p, "version")))
            .collect();
        let expected = database(release);
        assert!(expected.len() >= 10);
        assert_eq!(found, expected, "{release}");
        println!("alpine {release}: {} packages, the same as its database", found.len());
    }
}

/// `P:` and `V:` lines of the database, taken out of the archive by GNU tar and read line by line.
fn database(release: &str) -> BTreeSet<String> {
    let tar = peer("SEALWRIGHT_TEST_DATA").join(format!("rootfs/alpine-minirootfs-{release}-x86_64.tar.gz"));
    let mut command = std::process::Command::new("tar");
    let said = say(command.arg("-xzOf").arg(tar).arg("./lib/apk/db/installed")).expect_code(0);
    let mut packages = BTreeSet::new();
    for stanza in said.stdout.split("\n\n") {
        let field = |key: &str| stanza.lines().find_map(|line| line.strip_prefix(key));
        if let (Some(name), Some(version)) = (field("P:"), field("V:")) {
            packages.insert(format!("{name} {version}"));
        }
    }
    packages
}

/// One registry request, in HTTP/1.0 by hand: the status line and the body.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("registry");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").expect("request");
    let mut answer = String::new();
    #[expect(clippy::disallowed_methods, reason = "an answer of a registry that this test started")]
    stream.take(1 << 20).read_to_string(&mut answer).expect("answer");
    answer
}

#[test]
fn old_releases_are_refused_and_pass_with_a_waiver_for_each_flaw() {
    let home = home();
    advisories(home.path());
    let (_server, registry) = go_registry();
    for (release, flaws) in [("3.9.6", 7), ("3.11.13", 1)] {
        let source = layout(release, home.path());
        let image = format!("{registry}/acme/alpine-{release}:v1");
        let strict = crate::sealed::LENIENT.replace("unknown-severity: report", "unknown-severity: fail");
        std::fs::write(home.path().join("policy.yaml"), &strict).expect("policy");
        let refused = seal(home.path(), &source, &image).expect_code(3);
        let answer = get(&registry, &format!("/v2/acme/alpine-{release}/tags/list"));
        assert!(
            answer.starts_with("HTTP/1.0 404") || answer.contains("\"tags\":[]") || answer.contains("\"tags\":null"),
            "{answer}"
        );
        let answer = get(&registry, "/v2/_catalog");
        assert!(!answer.contains(&format!("alpine-{release}\"")), "{answer}");
        let ids = ids(&refused.stdout);
        assert_eq!(ids.len(), flaws, "{release}: {ids:?}\n{}", refused.stdout);

        let waivers: String = ids
            .iter()
            .map(|id| {
                format!(
                    "    - {{ id: {id}, reason: \"accepted for the test\", owner: \"@sec\", expires: 2199-12-31 }}\n"
                )
            })
            .collect();
        std::fs::write(home.path().join("policy.yaml"), format!("{strict}  waivers:\n{waivers}")).expect("policy");
        let passed = seal(home.path(), &source, &image).expect_code(0);
        for id in &ids {
            assert!(passed.stdout.contains(id), "{id} is not named in the report:\n{}", passed.stdout);
            for kind in ["vuln", "https://slsa.dev/verification_summary/v1"] {
                assert!(statement(home.path(), &image, kind).contains(id), "{id} is not named in {kind}");
            }
        }
        cosign_accepts(home.path(), &image);
        println!("alpine {release}: refused for {flaws}, passes with {flaws} waivers");
    }
}

/// The CVEs that a report names.
fn ids(report: &str) -> BTreeSet<String> {
    report
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| word.starts_with("CVE-"))
        .map(str::to_owned)
        .collect()
}

/// A statement's text, as cosign hands it out after verifying it.
fn statement(home: &Path, image: &str, kind: &str) -> String {
    let mut command = crate::sealed::cosign(home);
    command.args(["verify-attestation", "--key", "cosign.pub", "--insecure-ignore-tlog=true", "--type", kind, image]);
    let said = say(&mut command).expect_code(0);
    let envelope: Value = serde_json::from_str(said.stdout.lines().next().expect("a line")).expect("JSON");
    let payload = envelope["payload"].as_str().expect("payload");
    let mut decode = std::process::Command::new("base64");
    let file = home.join("payload");
    std::fs::write(&file, payload).expect("payload");
    say(decode.arg("-d").arg(file)).expect_code(0).stdout
}
