//! Files that a release is made from say the same where they have to.

use std::path::Path;

use sealwright_core::bounded::read_file;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    String::from_utf8(read_file(&path, 1 << 20).expect(name)).expect("text")
}

/// The instructions of a Dockerfile's last stage, without comments.
fn last_stage(dockerfile: &str) -> Vec<&str> {
    let start = dockerfile.rfind("\nFROM ").expect("a stage");
    dockerfile[start..].lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn the_image_that_is_built_and_the_one_around_a_binary_are_the_same() {
    let (built, around) = (file("Dockerfile"), file("release/Dockerfile"));
    let built: Vec<String> =
        last_stage(&built).iter().map(|line| line.replace("--from=build /root-of-image/ /", "root/ /")).collect();
    assert_eq!(built, last_stage(&around));
    assert_eq!(built.first().map(String::as_str), Some("FROM scratch"));
    assert_eq!(built.last().map(String::as_str), Some("ENTRYPOINT [\"/sealwright\"]"));
    // What the runner demands of a container action (GitHub, "Dockerfile support for GitHub Actions").
    assert!(!built.iter().any(|line| line.starts_with("USER") || line.starts_with("WORKDIR")), "{built:?}");
}

#[test]
fn the_image_is_built_with_the_toolchain_that_everything_is_tested_with() {
    let toolchain = file("rust-toolchain.toml");
    let channel =
        toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).expect("channel").trim_matches('"');
    let dockerfile = file("Dockerfile");
    for wanted in [format!("\nFROM docker.io/library/rust:{channel}-"), format!("\nENV RUSTUP_TOOLCHAIN={channel}\n")] {
        assert!(dockerfile.contains(&wanted), "{wanted:?}");
    }
    let from = dockerfile.lines().filter(|line| line.starts_with("FROM "));
    for line in from {
        assert!(line.starts_with("FROM scratch") || line.contains("@sha256:"), "{line}");
    }
}

#[test]
fn the_trust_file_of_our_own_image_is_one() {
    let text = file("release/sealwright.yaml");
    let policy =
        sealwright_policy::parse(text.as_bytes(), "release/sealwright.yaml", &|_| Err("none".into())).expect("policy");
    assert_eq!(policy.builders.len(), 1);
}

/// main builds its image and names no binary; the commit of a release names both by digest.
#[test]
fn a_commit_is_of_a_release_or_it_is_not() {
    let named = file("action.yml").contains("\n  image: docker://ghcr.io/sealwright/sealwright@sha256:");
    let binaries = file("setup/checksums.txt").lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(named, binaries > 0);
    assert!(named || file("action.yml").contains("\n  image: Dockerfile\n"));
}
