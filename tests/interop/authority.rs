//! The loopback authority: other vendors accept what it signed for us, and it signs for another vendor's client.

use std::path::Path;

use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};

use crate::keyless::{IDENTITY, Instance, a_seal_is_accepted_by_everyone};
use crate::peer::{say, sealwright};
use crate::sealed::{cosign, go_registry};

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
    cosign_signs_and_we_accept(home, &instance, &image);
}

/// cosign as the client of the authority; ours is not involved before the signature is there.
fn cosign_signs_and_we_accept(home: &Path, instance: &Instance, image: &str) {
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
    let mut sign = cosign(home);
    sign.args(["sign", "--yes", "--allow-http-registry", "--identity-token", "token", "--signing-config"]);
    sign.arg(&instance.signing_config).arg("--trusted-root").arg(&instance.trusted_root).arg(&signed_by_cosign);
    say(&mut sign).expect_code(0);
    verify().expect_code(0);
    println!("cosign signs at this authority, and we accept it");
}
