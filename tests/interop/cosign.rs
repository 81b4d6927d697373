//! cosign and sealwright, each judging what the other wrote, on go-containerregistry's registry.

use crate::peer::{say, sealwright, text_of};
use crate::registries::small_image;
use crate::sealed::{cosign, cosign_accepts, cosign_takes_the_pages_commands, go_registry, home, seal, verify};

#[test]
fn cosign_accepts_what_we_seal_and_refuses_another_key() {
    let home = home();
    let (_server, registry) = go_registry();
    let image = format!("{registry}/acme/small:v1");
    seal(home.path(), &small_image(home.path()), &image).expect_code(0);
    cosign_accepts(home.path(), &image);
    verify(home.path(), &image).expect_code(0);
    cosign_takes_the_pages_commands(home.path(), &image, &["--policy", "policy.yaml"]);
    say(cosign(home.path()).args(["generate-key-pair", "--output-key-prefix", "other"])).expect_code(0);
    let said = say(cosign(home.path()).args(["verify", "--key", "other.pub", "--insecure-ignore-tlog=true", &image]));
    assert_ne!(said.code(), 0);
    say(sealwright(home.path()).args(["verify", &image, "--key", "other.pub", "--transparency", "none"]))
        .expect_code(4);
}

#[test]
fn we_accept_what_cosign_signs_and_keep_signed_and_attested_apart() {
    let home = home();
    let (_server, registry) = go_registry();
    let unsigned = format!("{registry}/acme/plain:v1");
    // Sealed first, so that there is an image; cosign then signs and attests with a key of its own.
    seal(home.path(), &small_image(home.path()), &unsigned).expect_code(0);
    say(cosign(home.path()).args(["generate-key-pair", "--output-key-prefix", "theirs"])).expect_code(0);
    say(cosign(home.path()).args(["signing-config", "create", "--out", "signing-config.json"])).expect_code(0);
    let ours = |arguments: &[&str]| {
        let mut command = sealwright(home.path());
        say(command.args(["verify", &unsigned, "--key", "theirs.pub", "--transparency", "none"]).args(arguments))
    };
    ours(&[]).expect_code(4);

    std::fs::write(home.path().join("predicate.json"), r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#)
        .expect("file");
    let theirs = ["--key", "theirs.key", "--signing-config", "signing-config.json", "--yes"];
    let attest = ["attest", "--type", "cyclonedx", "--predicate", "predicate.json"];
    say(cosign(home.path()).args(attest).args(theirs).arg(&unsigned)).expect_code(0);
    ours(&["--type", "cyclonedx"]).expect_code(0);
    // An attestation by the right key is not a signature.
    ours(&[]).expect_code(4);

    say(cosign(home.path()).arg("sign").args(theirs).arg(&unsigned)).expect_code(0);
    ours(&[]).expect_code(0);
    // Evidence of another key beside ours changes nothing.
    verify(home.path(), &unsigned).expect_code(0);
}

#[test]
fn a_wrong_password_of_a_key_is_one_clear_message() {
    let home = home();
    let source = small_image(home.path());
    let mut command = sealwright(home.path());
    command.args([
        "seal",
        &source,
        "--push",
        "127.0.0.1:9/acme/app:v1",
        "--key",
        "cosign.key",
        "--transparency",
        "none",
    ]);
    command.args(["--policy", "policy.yaml", "--db", "db"]).env("COSIGN_PASSWORD", "wrong-secret");
    let said = say(&mut command).expect_code(2);
    assert!(said.stderr.contains("cosign.key") && said.stderr.contains("password"), "{}", said.stderr);
    assert!(!said.stderr.contains("wrong-secret"));
}

#[test]
fn cosign_reads_the_keys_and_statements_that_we_make_one_by_one() {
    let home = home();
    let (_server, registry) = go_registry();
    let image = format!("{registry}/acme/one:v1");
    seal(home.path(), &small_image(home.path()), &image).expect_code(0);
    let ours = |arguments: &[&str]| say(sealwright(home.path()).env("COSIGN_PASSWORD", "").args(arguments));
    let key = ["--key", "ops.key", "--transparency", "none"];
    ours(&["generate-key-pair", "--output-key-prefix", "ops"]).expect_code(0);
    let theirs = |arguments: &[&str]| {
        say(cosign(home.path()).args(arguments).args(["--key", "ops.pub", "--insecure-ignore-tlog=true"]))
    };
    ours(&[&["sign", &image, "-a", "approved-by=ops"][..], &key].concat()).expect_code(0);
    theirs(&["verify", "-a", "approved-by=ops", &image]).expect_code(0);
    assert_ne!(theirs(&["verify", "-a", "approved-by=legal", &image]).code(), 0);
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).expect("file");
    write("own.json", r#"{"approved":true}"#);
    ours(&[&["attest", &image, "--type", "custom", "--predicate", "own.json"][..], &key].concat()).expect_code(0);
    theirs(&["verify-attestation", "--type", "custom", &image]).expect_code(0);
    write("app.tar.gz", "an artifact");
    let file = ["attest", "--artifact", "app.tar.gz", "--bundle", "app.sigstore.json"];
    ours(&[&file[..], &["--type", "custom", "--predicate", "own.json"], &key].concat()).expect_code(0);
    let blob = ["verify-blob-attestation", "--bundle", "app.sigstore.json", "--type", "custom"];
    theirs(&[&blob[..], &["app.tar.gz"]].concat()).expect_code(0);
    write("other.tar.gz", "another artifact");
    assert_ne!(theirs(&[&blob[..], &["other.tar.gz"]].concat()).code(), 0);
    // cosign opens the private key too.
    let public = say(cosign(home.path()).args(["public-key", "--key", "ops.key"])).expect_code(0);
    assert!(text_of(&home.path().join("ops.pub")).trim() == public.stdout.trim());
}

#[test]
fn evidence_in_a_repository_of_its_own_is_found_by_both() {
    let home = home();
    let (_server, registry) = go_registry();
    let (image, evidence) = (format!("{registry}/acme/apart:v1"), format!("{registry}/acme/evidence"));
    let ours = |arguments: &[&str]| {
        say(sealwright(home.path()).args(arguments).env("COSIGN_REPOSITORY", &evidence)).expect_code(0)
    };
    let key = ["--key", "cosign.key", "--transparency", "none"];
    let seal = ["seal", &small_image(home.path()), "--push", &image, "--policy", "policy.yaml", "--db", "db"];
    ours(&[&seal[..], &key].concat());
    ours(&["verify", &image, "--policy", "policy.yaml"]);
    let theirs = |verb: &[&str]| {
        let mut command = cosign(home.path());
        command.args(verb).args(["--key", "cosign.pub", "--insecure-ignore-tlog=true"]).arg(&image);
        command
    };
    say(theirs(&["verify"]).env("COSIGN_REPOSITORY", &evidence)).expect_code(0);
    say(theirs(&["verify-attestation", "--type", "cyclonedx"]).env("COSIGN_REPOSITORY", &evidence)).expect_code(0);
    assert_ne!(say(&mut theirs(&["verify"])).code(), 0, "nothing is beside the image");
}

#[test]
fn a_signature_over_a_file_is_exchanged() {
    let home = home();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).expect("file");
    write("app.tar.gz", "an artifact");
    write("other.tar.gz", "another artifact");
    let ours = |arguments: &[&str]| say(sealwright(home.path()).args(arguments));
    let theirs = |arguments: &[&str]| say(cosign(home.path()).args(arguments));
    theirs(&["signing-config", "create", "--out", "no-log.json"]).expect_code(0);
    let key = ["--key", "cosign.key", "--transparency", "none"];
    ours(&[&["sign", "--artifact", "app.tar.gz", "--bundle", "ours.json"][..], &key].concat()).expect_code(0);
    let blob = ["sign-blob", "--yes", "--key", "cosign.key", "--signing-config", "no-log.json", "--bundle"];
    theirs(&[&blob[..], &["theirs.json", "app.tar.gz"]].concat()).expect_code(0);
    for bundle in ["ours.json", "theirs.json"] {
        let public = ["--key", "cosign.pub", "--insecure-ignore-tlog=true"];
        let they = |file: &str| theirs(&[&["verify-blob", "--bundle", bundle][..], &public, &[file]].concat()).code();
        let verify = ["verify", "--key", "cosign.pub", "--transparency", "none", "--bundle", bundle, "--artifact"];
        let we = |file: &str| ours(&[&verify[..], &[file]].concat()).code();
        assert_eq!((they("app.tar.gz"), we("app.tar.gz")), (0, 0), "{bundle}");
        assert!(they("other.tar.gz") != 0 && we("other.tar.gz") == 4, "{bundle}");
    }
}
