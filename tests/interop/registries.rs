//! The same small image into registries with and without the referrers API.

use crate::peer::{say, sealwright};
use crate::sealed::{cosign_accepts, docker_registry, go_registry, home, seal, verify};

/// A small Alpine image with one layer.
pub(crate) fn small_image(home: &std::path::Path) -> String {
    let image = sealwright_testkit::image()
        .layer(|l| l.os_release("alpine", "3.20.3").apk("musl", "1.2.5-r0").apk("zlib", "1.3.1-r1").gzip());
    image.write_layout(&home.join("small"), "latest");
    format!("oci:{}", home.join("small").display())
}

#[test]
fn a_registry_with_the_referrers_api() {
    let home = home();
    let (_server, registry) = go_registry();
    sealed_twice_is_sealed_once(home.path(), &registry);
}

#[test]
fn a_registry_without_the_referrers_api() {
    let home = home();
    let (_server, registry) = docker_registry(home.path());
    sealed_twice_is_sealed_once(home.path(), &registry);
}

fn sealed_twice_is_sealed_once(home: &std::path::Path, registry: &str) {
    let source = small_image(home);
    let image = format!("{registry}/acme/small:v1");
    let first = seal(home, &source, &image).expect_code(0);
    assert!(first.stdout.contains("signed"), "{}", first.stdout);
    cosign_accepts(home, &image);
    verify(home, &image).expect_code(0);
    let tree = || {
        say(sealwright(home).args(["verify", &image, "--policy", "policy.yaml", "-o", "json"])).expect_code(0).stdout
    };
    let before = tree();
    let second = seal(home, &source, &image).expect_code(0);
    assert!(!second.stdout.contains("signed "), "an equal statement is not written twice:\n{}", second.stdout);
    assert_eq!(before, tree());
}
