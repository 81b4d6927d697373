//! The loopback authority: other vendors accept what it signed for us, and it signs for another vendor's client.

use std::path::Path;

use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};

use crate::keyless::{IDENTITY, Instance, a_seal_is_accepted_by_everyone};
use crate::peer::{say, sealwright};
use crate::sealed::{ATTESTED, cosign, go_registry};

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
    cosign_signs_and_we_accept(home, &authority, &instance, &image);
    logged_keys_are_exchanged(home, &instance, &registry);
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
