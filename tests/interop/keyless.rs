//! A keyless seal at some Sigstore instance, and everyone's judgment of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::peer::{peer, say, sealwright};
use crate::registries::small_image;
use crate::sealed::{ATTESTED, cosign, import_nothing};

/// Whoever a token of the release workflow names.
pub(crate) const IDENTITY: &str = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main";

/// What a client needs to know of an instance.
pub(crate) struct Instance {
    pub(crate) issuer: String,
    pub(crate) trusted_root: PathBuf,
    pub(crate) signing_config: PathBuf,
    /// Whether it stamps signatures with the time, which cosign has to be told.
    pub(crate) stamps: bool,
}

/// Seals with the token in the file `token`, and lets us, cosign and PyPI sigstore judge it. Gives the image.
pub(crate) fn a_seal_is_accepted_by_everyone(home: &Path, instance: &Instance, registry: &str) -> String {
    import_nothing(home);
    std::fs::write(home.join("policy.yaml"), policy(&instance.issuer, "refs/heads/main")).expect("policy");
    let image = format!("{registry}/acme/shop:v1");
    let mut seal = sealwright(home);
    seal.args(["seal", &small_image(home), "--push", &image, "--policy", "policy.yaml", "--db", "db"]);
    seal.arg("--signing-config").arg(&instance.signing_config).arg("--trusted-root").arg(&instance.trusted_root);
    let said = say(seal.args(["--identity-token", "token"])).expect_code(0);
    println!("{}", said.stdout);
    assert!(said.stdout.contains("SLSA_BUILD_LEVEL_2"), "{}", said.stdout);

    ours(home, instance, &image);
    cosign_accepts(home, instance, &image);
    python_accepts(home, instance, registry, &image);
    // Somebody else's identity, and a policy for another branch.
    let mut other = sealwright(home);
    other.args(["verify", &image, "--certificate-identity", "https://github.com/mallory/x", "--trusted-root"]);
    other.arg(&instance.trusted_root).args(["--certificate-oidc-issuer", &instance.issuer]);
    say(&mut other).expect_code(4);
    std::fs::write(home.join("release.yaml"), policy(&instance.issuer, "refs/tags/v*")).expect("policy");
    let mut release = sealwright(home);
    release.args(["verify", &image, "--policy", "release.yaml", "--trusted-root"]).arg(&instance.trusted_root);
    let said = say(&mut release).expect_code(4);
    assert!(said.stdout.contains("source"), "{}", said.stdout);
    image
}

fn policy(issuer: &str, reference: &str) -> String {
    format!(
        r#"version: 1
builders:
  - name: release
    source: {{ repository: acme/shop, repository-id: 123456, refs: ["{reference}"] }}
    keyless: {{ issuer: "{issuer}", identity: "{IDENTITY}", runner: github-hosted }}
    evidence: {{ provenance: {{ level: 2 }} }}
gate: {{ unknown-severity: report, unknown-distro: report, max-advisory-age: off }}
"#
    )
}

fn ours(home: &Path, instance: &Instance, image: &str) {
    let mut plain = sealwright(home);
    plain.args(["verify", image, "--certificate-identity", IDENTITY, "--certificate-oidc-issuer", &instance.issuer]);
    say(plain.arg("--trusted-root").arg(&instance.trusted_root)).expect_code(0);
    let mut policy = sealwright(home);
    policy.args(["verify", image, "--policy", "policy.yaml", "--trusted-root"]).arg(&instance.trusted_root);
    say(&mut policy).expect_code(0);
}

fn cosign_accepts(home: &Path, instance: &Instance, image: &str) {
    let with_identity = |verb: &str| {
        let mut command = cosign(home);
        command.arg(verb).args(["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", &instance.issuer]);
        command.arg("--trusted-root").arg(&instance.trusted_root);
        if instance.stamps {
            command.arg("--use-signed-timestamps");
        }
        command
    };
    say(with_identity("verify").arg(image)).expect_code(0);
    for kind in ATTESTED {
        say(with_identity("verify-attestation").args(["--type", kind, image])).expect_code(0);
    }
    println!("cosign verify and verify-attestation accept it");
}

/// PyPI sigstore wants one file with both configurations, and a common name of every authority.
fn python_accepts(home: &Path, instance: &Instance, registry: &str, image: &str) {
    let read = |path: &Path| -> Value {
        let bytes = sealwright_core::bounded::read_file(path, 1 << 20).expect("file");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    let mut root = read(&instance.trusted_root);
    for list in ["certificateAuthorities", "timestampAuthorities"] {
        for authority in root[list].as_array_mut().expect("authorities") {
            authority["subject"] = json!({ "organization": "private.test", "commonName": "private.test" });
        }
    }
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": root, "signingConfig": read(&instance.signing_config),
    });
    std::fs::write(home.join("trust.json"), config.to_string()).expect("configuration");
    let (digest, bundles) = bundles(home, registry, image);
    assert_eq!(bundles.len(), 6);
    for bundle in &bundles {
        let mut command = Command::new(peer("SEALWRIGHT_PYTHON_SIGSTORE"));
        command.current_dir(home).env("HOME", home).args(["--trust-config", "trust.json", "verify", "identity"]);
        command.args(["--offline", "--cert-identity", IDENTITY, "--cert-oidc-issuer", &instance.issuer, "--bundle"]);
        say(command.arg(bundle).arg(&digest)).expect_code(0);
    }
    println!("PyPI sigstore accepts all six bundles");
}

/// The image's digest and its bundles, fetched with curl.
fn bundles(home: &Path, registry: &str, image: &str) -> (String, Vec<PathBuf>) {
    let base = format!("http://{registry}/v2/acme/shop");
    let get = |path: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-fsS", "-H", "Accept: application/vnd.oci.image.manifest.v1+json", &format!("{base}/{path}")]);
        say(&mut curl).expect_code(0).stdout
    };
    let tag = image.rsplit(':').next().expect("tag");
    let digest = sealwright_core::Digest::of(get(&format!("manifests/{tag}")).as_bytes()).to_string();
    let index: Value = serde_json::from_str(&get(&format!("referrers/{digest}"))).expect("referrers");
    let mut files = Vec::new();
    for (i, referrer) in index["manifests"].as_array().expect("list").iter().enumerate() {
        let manifest = get(&format!("manifests/{}", referrer["digest"].as_str().expect("digest")));
        let manifest: Value = serde_json::from_str(&manifest).expect("manifest");
        let file = home.join(format!("bundle-{i}.json"));
        let blob = get(&format!("blobs/{}", manifest["layers"][0]["digest"].as_str().expect("digest")));
        std::fs::write(&file, blob).expect("bundle");
        files.push(file);
    }
    (digest, files)
}
