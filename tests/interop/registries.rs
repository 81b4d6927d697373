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

#[test]
fn a_copy_between_the_two_keeps_all_that_cosign_accepts() {
    let home = home();
    let (_one, with_api) = go_registry();
    let (_other, without_api) = docker_registry(home.path());
    let original = format!("{with_api}/acme/small:v1");
    seal(home.path(), &small_image(home.path()), &original).expect_code(0);
    let copy = |from: &str, to: &str| say(sealwright(home.path()).args(["copy", from, to])).expect_code(0);
    let (there, back) = (format!("{without_api}/mirror/small:v1"), format!("{with_api}/back/small:v1"));
    for (from, to) in [(&original, &there), (&there, &back)] {
        copy(from, to);
        cosign_accepts(home.path(), to);
        verify(home.path(), to).expect_code(0);
        let again = copy(from, to).stdout;
        assert!(again.contains(" 0 sent") && !again.contains("names it now"), "{again}");
    }
    // What is downloaded verifies without the registry.
    let digest =
        copy(&original, &back).stdout.lines().last().and_then(|l| l.split_once('@')).expect("digest").1.to_owned();
    let download = ["download", "bundle", &there, "--type", "cyclonedx", "-o", "sbom.sigstore.json"];
    say(sealwright(home.path()).args(download)).expect_code(0);
    let offline = ["verify", "--bundle", "sbom.sigstore.json", "--artifact", &digest, "--type", "cyclonedx"];
    say(sealwright(home.path()).args(offline).args(["--key", "cosign.pub", "--transparency", "none"])).expect_code(0);
    let listed = say(sealwright(home.path()).args(["tree", &there])).expect_code(0).stdout;
    assert!(listed.matches("key").count() >= 6, "{listed}");
    println!("{listed}");
}
