//! The loopback authority and the loopback TUF repository: other vendors accept what was signed there for us, and cosign signs there
//! and initializes itself from it.

use std::path::Path;
use std::process::Command;

use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};
use sealwright_loopback::tuf::{Role, TufRepository};

use crate::keyless::{IDENTITY, Instance, a_seal_is_accepted_by_everyone};
use crate::peer::{say, sealwright};
use crate::sealed::{ATTESTED, cosign, cosign_takes_the_pages_commands, go_registry};

fn instance(home: &Path, authority: &Authority, log: LogVersion) -> Instance {
    let write = |name: &str, text: String| {
        let file = home.join(name);
        std::fs::write(&file, text).expect(name);
        file
    };
    write("token", authority.token(&workflow_claims()).expect("token"));
    Instance {
        issuer: authority.issuer().to_owned(),
        trusted_root: write("trusted-root.json", authority.trusted_root().expect("trusted root")),
        signing_config: write("signing-config.json", authority.signing_config(log)),
        stamps: log == LogVersion::V2,
    }
}

#[test]
fn a_log_of_version_2_with_a_timestamp() {
    everyone_agrees(LogVersion::V2);
}

#[test]
fn a_log_of_version_1_without_one() {
    everyone_agrees(LogVersion::V1);
}

fn everyone_agrees(log: LogVersion) {
    let folder = tempfile::tempdir().expect("folder");
    let home = folder.path();
    let authority = Authority::start().expect("authority");
    let instance = instance(home, &authority, log);
    let (_server, registry) = go_registry();
    let image = a_seal_is_accepted_by_everyone(home, &instance, &registry);
    claims_are_compared_alike(home, &instance, &image);
    let by = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", authority.issuer()];
    cosign_takes_the_pages_commands(home, &image, &[&by[..], &["--trusted-root", "trusted-root.json"]].concat());
    cosign_signs_and_we_accept(home, &authority, &instance, &image);
    logged_keys_are_exchanged(home, &instance, &registry);
}

/// What the certificate claims of its workload: the same flags, accepted and refused by both.
fn claims_are_compared_alike(home: &Path, instance: &Instance, image: &str) {
    let claims = [
        ("trigger", "push", "schedule"),
        ("sha", "3f786850e387550fdab836ed7e6dc881de23001b", "3f78"),
        ("name", "release", "Release"),
        ("repository", "acme/shop", "acme/lab"),
        ("ref", "refs/heads/main", "main"),
    ];
    for (claim, right, wrong) in claims {
        let flag = format!("--certificate-github-workflow-{claim}");
        for (value, accepted) in [(right, true), (wrong, false)] {
            let ask = |mut command: Command| {
                command.args(["verify", image, "--certificate-identity", IDENTITY, &flag, value]);
                command.args(["--certificate-oidc-issuer", &instance.issuer, "--trusted-root"]);
                command.arg(&instance.trusted_root);
                command
            };
            let mut theirs = ask(cosign(home));
            if instance.stamps {
                theirs.arg("--use-signed-timestamps");
            }
            assert_eq!(say(&mut theirs).code() == 0, accepted, "cosign, {claim} {value}");
            say(&mut ask(sealwright(home))).expect_code(if accepted { 0 } else { 4 });
        }
    }
    println!("cosign and we compare a workload's claims alike");
}

/// A key of cosign's making, with a log entry: cosign accepts what we signed with it, and we what cosign signed.
fn logged_keys_are_exchanged(home: &Path, instance: &Instance, registry: &str) {
    std::fs::write(home.join("logged.yaml"), crate::sealed::LENIENT.replace("    transparency: none\n", ""))
        .expect("policy");
    let image = format!("{registry}/acme/logged:v1");
    let root = &instance.trusted_root;
    let mut seal = sealwright(home);
    seal.args(["seal", &format!("oci:{}", home.join("small").display()), "--push", &image, "--policy", "logged.yaml"]);
    seal.args(["--db", "db", "--key", "cosign.key", "--signing-config"]).arg(&instance.signing_config);
    say(seal.arg("--trusted-root").arg(root)).expect_code(0);
    let verify = || say(cosign(home).args(["verify", "--key", "cosign.pub", "--trusted-root"]).arg(root).arg(&image));
    verify().expect_code(0);
    for kind in ATTESTED {
        let mut verify = cosign(home);
        verify.args(["verify-attestation", "--key", "cosign.pub", "--type", kind, "--trusted-root"]).arg(root);
        say(verify.arg(&image)).expect_code(0);
    }
    // The other way: cosign signs the same image with the same key, into a repository where nothing of ours is signed yet.
    let by_cosign = image.replace("/acme/logged:", "/acme/by-cosign:");
    let mut sign = cosign(home);
    sign.args(["sign", "--yes", "--allow-http-registry", "--key", "cosign.key", "--signing-config"]);
    say(sign.arg(&instance.signing_config).arg("--trusted-root").arg(root).arg(&by_cosign)).expect_code(0);
    let mut ours = sealwright(home);
    ours.args(["verify", &by_cosign, "--key", "cosign.pub", "--trusted-root"]).arg(root);
    say(&mut ours).expect_code(0);
    println!("cosign verify --key accepts a logged key without --insecure-ignore-tlog");
}

/// cosign as the client of the authority; ours is not involved before the signature is there.
fn cosign_signs_and_we_accept(home: &Path, authority: &Authority, instance: &Instance, image: &str) {
    let signed_by_cosign = image.replace("/acme/shop:", "/acme/by-cosign:");
    let copied = home.join("small");
    let source = format!("oci:{}", copied.display());
    // A key of its own pushes the image, so that no signature of this identity is there yet.
    say(cosign(home).arg("generate-key-pair")).expect_code(0);
    std::fs::write(home.join("key.yaml"), crate::sealed::LENIENT).expect("policy");
    let key = ["--key", "cosign.key", "--transparency", "none"];
    let push = ["seal", &source, "--push", &signed_by_cosign, "--policy", "key.yaml", "--db", "db"];
    say(sealwright(home).args(push).args(key)).expect_code(0);
    let verify = || {
        let mut verify = sealwright(home);
        verify.args(["verify", &signed_by_cosign, "--certificate-identity", IDENTITY]);
        verify.args(["--certificate-oidc-issuer", &instance.issuer, "--trusted-root"]).arg(&instance.trusted_root);
        say(&mut verify)
    };
    verify().expect_code(4);
    // cosign gets its token where a job of GitHub Actions gets one, and so do we.
    let job = authority.job(&workflow_claims()).expect("job");
    let mut sign = cosign(home);
    sign.env("ACTIONS_ID_TOKEN_REQUEST_URL", &job.request_url);
    sign.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &job.request_token);
    sign.args(["sign", "--yes", "--allow-http-registry", "--signing-config"]);
    sign.arg(&instance.signing_config).arg("--trusted-root").arg(&instance.trusted_root).arg(&signed_by_cosign);
    say(&mut sign).expect_code(0);
    verify().expect_code(0);
    println!("cosign signs at this authority, and we accept it");
}

/// cosign and we go by the same repository of a private instance: neither is given a file but its first root.
#[test]
fn cosign_initializes_itself_from_the_tuf_repository() {
    let folder = tempfile::tempdir().expect("folder");
    let home = folder.path();
    let authority = Authority::start().expect("authority");
    let (_server, registry) = go_registry();
    let root = authority.trusted_root().expect("trusted root");
    let config = authority.signing_config(LogVersion::V2);
    let targets = [("trusted_root.json", root.as_str()), ("signing_config.v0.2.json", config.as_str())];
    let repository = TufRepository::start(&targets).expect("repository");
    std::fs::write(home.join("root.json"), repository.root()).expect("root");
    std::fs::write(home.join("token"), authority.token(&workflow_claims()).expect("token")).expect("token");
    let image = format!("{registry}/acme/shop:v1");
    let ours = |arguments: &[&str]| {
        let instance = ["--tuf", repository.url(), "--tuf-root", "root.json"];
        say(sealwright(home).args(arguments).args(instance))
    };
    let theirs = |arguments: &[&str]| say(with_cache(home).args(arguments));
    let identity = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", authority.issuer()];
    let initialize = || theirs(&["initialize", "--mirror", repository.url(), "--root", "root.json"]);

    crate::sealed::import_nothing(home);
    let policy = format!(
        "version: 1\nbuilders: [{{ name: release, keyless: {{ issuer: \"{}\", identity: \"{IDENTITY}\" }} }}]\ngate: {{ unknown-severity: report, unknown-distro: report, max-advisory-age: off }}\n",
        authority.issuer()
    );
    std::fs::write(home.join("policy.yaml"), policy).expect("policy");
    let source = crate::registries::small_image(home);
    let seal = ["seal", &source, "--push", &image, "--policy", "policy.yaml", "--db", "db"];
    ours(&[&seal[..], &["--identity-token", "token"]].concat()).expect_code(0);
    initialize().expect_code(0);
    let verify = || theirs(&[&["verify", "--use-signed-timestamps"][..], &identity, &[&image]].concat());
    verify().expect_code(0);

    // The other way: cosign finds the endpoints there too.
    let by_cosign = image.replace("/acme/shop:", "/acme/by-cosign:");
    say(cosign(home).arg("generate-key-pair")).expect_code(0);
    std::fs::write(home.join("key.yaml"), crate::sealed::LENIENT).expect("policy");
    let push = ["seal", &source, "--push", &by_cosign, "--policy", "key.yaml", "--db", "db"];
    ours(&[&push[..], &["--key", "cosign.key", "--transparency", "none"]].concat()).expect_code(0);
    let accept = || ours(&[&["verify", &by_cosign][..], &identity].concat());
    accept().expect_code(4);
    theirs(&["sign", "--yes", "--allow-http-registry", "--identity-token", "token", &by_cosign]).expect_code(0);
    accept().expect_code(0);

    // A new root is followed, and what is no successor, has expired or was changed is refused, by both.
    repository.rotate().expect("rotated");
    ours(&["trust", "update"]).expect_code(0);
    initialize().expect_code(0);
    verify().expect_code(0);
    let refused = |word: &str| {
        let said = initialize();
        assert!(said.code() != 0 && said.stderr.contains(word), "{word}: {}", said.stderr);
    };
    repository.set_life(Role::Timestamp, -1);
    repository.publish(&targets).expect("published");
    ours(&["trust", "update"]).expect_code(5);
    refused("timestamp.json is expired");
    repository.set_life(Role::Timestamp, 3_600);
    repository.publish(&targets).expect("published");
    initialize().expect_code(0);
    repository.publish(&[("trusted_root.json", "{}")]).expect("published");
    let path = repository.target_path("trusted_root.json").expect("path");
    repository.alter(&path, b"[]".to_vec());
    ours(&["trust", "update"]).expect_code(5);
    refused("hash");
    let stranger = TufRepository::start(&targets).expect("stranger");
    stranger.rotate().expect("rotated");
    repository.alter("3.root.json", stranger.file("2.root.json").expect("root"));
    ours(&["trust", "update"]).expect_code(5);
    refused("threshold");
    println!("cosign initializes itself from the repository, and refuses what we refuse");
}

/// cosign with its cache, which [`cosign`] turns off.
fn with_cache(home: &Path) -> Command {
    let mut command = cosign(home);
    command.env_remove("SIGSTORE_NO_CACHE");
    command
}
