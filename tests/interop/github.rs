//! An instance without logs, as GitHub's own: sigstore-go, on which `gh attestation verify` is built, accepts what we signed
//! there, from the registry and from the stand-in for GitHub's store.

use std::path::Path;
use std::process::Command;

use sealwright_loopback::authority::{Authority, LogVersion, Logs, workflow_claims};
use sealwright_loopback::github::{GitHub, Permission, Visibility};

use crate::keyless::IDENTITY;
use crate::peer::{peer, say, sealwright};

struct Signed {
    folder: tempfile::TempDir,
    authority: Authority,
}

/// A statement about the file `app.tar`, whose bundle is in `app.json`.
fn signed(logs: Logs) -> Signed {
    let (folder, authority) = (tempfile::tempdir().expect("folder"), Authority::start_with(logs).expect("authority"));
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect(name);
    let log = if logs == Logs::Kept { LogVersion::V2 } else { LogVersion::None };
    write("token", &authority.token(&workflow_claims()).expect("token"));
    write("root.json", &authority.trusted_root().expect("trusted root"));
    write("config.json", &authority.signing_config(log));
    write("app.tar", "an archive");
    write("predicate.json", "{}");
    let (github, home) = (GitHub::start().expect("store"), folder.path());
    github.repository("acme/shop", Visibility::Public);
    let mut attest = sealwright(home);
    attest.args(["attest", "--artifact", "app.tar", "--bundle", "app.json", "--type", "custom"]);
    attest.args(["--predicate", "predicate.json", "--trusted-root", "root.json", "--signing-config", "config.json"]);
    attest.args(["--identity-token", "token", "--push-to-github"]).env("GITHUB_API_URL", github.address());
    attest.env_remove("GH_TOKEN");
    say(attest.env("GITHUB_TOKEN", github.token("acme/shop", Permission::Write))).expect_code(0);
    let mut download = sealwright(home);
    download.args(["download", "bundle", "--artifact", "app.tar", "--from-github", "acme", "-o", "stored.json"]);
    say(download.env("GITHUB_API_URL", github.address()).env_remove("GH_TOKEN").env_remove("GITHUB_TOKEN"))
        .expect_code(0);
    Signed { folder, authority }
}

impl Signed {
    fn sigstore_go(&self, root: &str, bundle: &str, identity: &str, demands: &str) -> i32 {
        let digest = sealwright_core::Digest::of(b"an archive").to_string();
        let mut verify = Command::new(peer("SEALWRIGHT_SIGSTORE_GO"));
        verify.args([root, bundle, &digest, identity, self.authority.issuer(), demands]);
        say(verify.current_dir(self.path())).code()
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

#[test]
fn timestamps_alone_are_accepted_where_they_are_all_there_is() {
    let signed = signed(Logs::Absent);
    for bundle in ["app.json", "stored.json"] {
        assert_eq!(signed.sigstore_go("root.json", bundle, IDENTITY, "timestamps"), 0);
        assert_ne!(signed.sigstore_go("root.json", bundle, IDENTITY, "logs"), 0);
        assert_ne!(signed.sigstore_go("root.json", bundle, "https://github.com/mallory/x", "timestamps"), 0);
    }
    let stranger = Authority::start_with(Logs::Absent).expect("authority");
    std::fs::write(signed.path().join("other.json"), stranger.trusted_root().expect("root")).expect("file");
    assert_ne!(signed.sigstore_go("other.json", "app.json", IDENTITY, "timestamps"), 0);
    println!("sigstore-go accepts a certificate and a timestamp of an instance without logs");
}

#[test]
fn an_instance_with_logs_shows_them() {
    let signed = signed(Logs::Kept);
    for bundle in ["app.json", "stored.json"] {
        assert_eq!(signed.sigstore_go("root.json", bundle, IDENTITY, "logs"), 0);
    }
    println!("sigstore-go accepts log entry, SCT and timestamp");
}
