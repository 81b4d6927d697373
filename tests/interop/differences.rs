//! Where cosign and sealwright disagree on purpose: each row of `docs/reference/differences-to-cosign.md` that can be run, on the
//! same image with the same key or identity.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_bundle::{Bundle, Statement, StatementSubject, legacy, predicate_type};
use sealwright_core::bounded::read_file;
use sealwright_core::{Digest, ImageRef, PinnedRef};
use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};
use sealwright_oci::Descriptor;
use sealwright_registry::{Artifact, Client, LegacyTag, Options};
use sealwright_sign::{KeySigner, Signer, SigningKey};
use serde_json::json;

use crate::keyless::IDENTITY;
use crate::peer::{Server, say, sealwright, text_of};
use crate::registries::small_image;
use crate::sealed::{cosign, go_registry, home, seal};

/// An image that a key of its own sealed, and a second key that has signed nothing yet.
struct Scene {
    home: tempfile::TempDir,
    _server: Server,
    image: String,
    client: Client,
    subject: Descriptor,
    pinned: PinnedRef,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn new() -> Self {
        let home = home();
        let (server, registry) = go_registry();
        let image = format!("{registry}/acme/app:v1");
        seal(home.path(), &small_image(home.path()), &image).expect_code(0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let client = Client::new(Options::default()).expect("client");
        let reference: ImageRef = image.parse().expect("reference");
        let (pinned, subject, _) = runtime.block_on(client.resolve(&reference)).expect("the image");
        let scene = Self { home, _server: server, image, client, subject, pinned, runtime };
        let (key, private) = KeySigner::generate().expect("key");
        scene.write("second.pem", private.expose());
        scene.write("second.pub", &key.public_pem());
        scene
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.home.path().join(name), text).expect(name);
    }

    fn key(&self) -> KeySigner {
        let file = read_file(&self.home.path().join("second.pem"), 1 << 16).expect("key");
        KeySigner::from_pem(&file, None).expect("key")
    }

    /// Attaches a bundle as it is.
    fn attach(&self, bundle: &[u8]) {
        let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
        let artifact = Artifact::bundle(kind, bundle, predicate_type::SIGNATURE, "2026-01-01T00:00:00Z");
        self.runtime.block_on(self.client.attach(&self.pinned, &self.subject, &artifact)).expect("attached");
    }

    /// Whether cosign accepts what the second key signed.
    fn they_accept(&self, more: &[&str]) -> bool {
        let mut command = cosign(self.home.path());
        command.args(["verify", "--key", "second.pub", "--insecure-ignore-tlog=true"]).args(more).arg(&self.image);
        say(&mut command).code() == 0
    }

    fn we_accept(&self) -> bool {
        let mut command = sealwright(self.home.path());
        command.args(["verify", &self.image, "--key", "second.pub", "--transparency", "none"]);
        match say(&mut command).code() {
            0 => true,
            4 => false,
            other => panic!("exit {other}"),
        }
    }

    fn ours(&self, arguments: &[&str]) {
        let key = ["--key", "second.pem", "--transparency", "none"];
        say(sealwright(self.home.path()).args(arguments).args(key)).expect_code(0);
    }

    fn statement(&self) -> Statement {
        let named = StatementSubject::new(Some("acme/app"), self.pinned.digest(), BTreeMap::new());
        Statement::new(vec![named], predicate_type::SIGNATURE, json!({}))
    }
}

#[test]
fn an_attestation_is_no_signature() {
    let scene = Scene::new();
    scene.write("own.json", r#"{"Data":"","Timestamp":""}"#);
    assert!(!scene.they_accept(&[]) && !scene.we_accept());
    scene.ours(&["attest", &scene.image, "--type", "custom", "--predicate", "own.json"]);
    assert!(scene.they_accept(&[]), "cosign takes an attestation for a signature");
    assert!(!scene.we_accept());
    scene.ours(&["sign", &scene.image]);
    assert!(scene.they_accept(&[]) && scene.we_accept());
}

#[test]
fn both_layouts_are_read() {
    let scene = Scene::new();
    scene.ours(&["sign", &scene.image, "--format", "legacy"]);
    // Somebody else's bundles are there: cosign looks no further.
    assert!(!scene.they_accept(&[]), "cosign reads the older tags only where there is no bundle");
    assert!(scene.they_accept(&["--new-bundle-format=false"]));
    assert!(scene.we_accept());
}

#[test]
fn a_bundle_that_names_another_key_is_refused() {
    let scene = Scene::new();
    let statement = scene.statement().to_bytes();
    let signed = Bundle::parse(&scene.key().sign(&statement).expect("signed"), &Default::default()).expect("bundle");
    let hint = STANDARD.encode(Digest::of(b"another key").as_bytes());
    let bundle = Bundle { verification_material: json!({ "publicKey": { "hint": hint } }), ..signed };
    scene.attach(&bundle.to_bytes());
    assert!(scene.they_accept(&[]), "cosign does not look at the name");
    assert!(!scene.we_accept());
}

#[test]
fn a_payload_of_another_type_is_refused() {
    let scene = Scene::new();
    let payload = json!({
        "critical": {
            "identity": { "docker-reference": "acme/app" },
            "image": { "docker-manifest-digest": scene.pinned.digest().to_string() },
            "type": "something else",
        },
        "optional": null,
    });
    let payload = payload.to_string().into_bytes();
    let signer = Signer::Key(SigningKey::File(scene.key()));
    let bundle = scene.runtime.block_on(signer.sign_message(&payload)).expect("signed");
    let bundle = Bundle::parse(&bundle, &Default::default()).expect("bundle");
    let annotations = legacy::annotations(&bundle, "").expect("annotations");
    let layer = Descriptor { annotations, ..Descriptor::of(legacy::SIGNATURE_LAYER, &payload) };
    let layers = [(layer, payload)];
    let added = scene.client.add_legacy_layers(&scene.pinned, LegacyTag::Signatures, &layers);
    scene.runtime.block_on(added).expect("added");
    assert!(scene.they_accept(&["--new-bundle-format=false"]), "cosign does not look at the type");
    assert!(!scene.we_accept());
}

#[test]
fn the_hash_follows_the_key() {
    let scene = Scene::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/sign/tests/keys");
    for (file, name) in [("p384.pem", "second.pem"), ("p384.pub", "second.pub")] {
        let bytes = read_file(&folder.join(file), 1 << 16).expect(file);
        scene.write(name, &String::from_utf8(bytes).expect("text"));
    }
    scene.ours(&["sign", &scene.image]);
    assert!(!scene.they_accept(&[]), "cosign has to be told");
    assert!(scene.they_accept(&["--signature-digest-algorithm", "sha384"]));
    assert!(scene.we_accept());
}

#[test]
fn a_pattern_has_to_fit_the_whole_identity() {
    let scene = Scene::new();
    let authority = Authority::start().expect("authority");
    scene.write("root.json", &authority.trusted_root().expect("root"));
    scene.write("config.json", &authority.signing_config(LogVersion::V1));
    scene.write("token", &authority.token(&workflow_claims()).expect("token"));
    let instance = ["--trusted-root", "root.json", "--signing-config", "config.json"];
    let mut sign = sealwright(scene.home.path());
    sign.args(["sign", &scene.image, "--identity-token", "token", "--transparency", "required"]).args(instance);
    say(&mut sign).expect_code(0);
    let accepts = |tool: &mut std::process::Command, pattern: &str| {
        tool.args(["verify", &scene.image, "--trusted-root", "root.json", "--certificate-oidc-issuer"]);
        say(tool.args([authority.issuer(), "--certificate-identity-regexp", pattern])).code() == 0
    };
    let they = |pattern: &str| accepts(&mut cosign(scene.home.path()), pattern);
    let we = |pattern: &str| accepts(&mut sealwright(scene.home.path()), pattern);
    let part = "github.com/acme/shop";
    assert!(they(part), "cosign looks for the pattern anywhere");
    assert!(!we(part));
    let whole = format!("{}.*", IDENTITY.split('@').next().expect("a workflow"));
    assert!(they(&whole) && we(&whole));
}

#[test]
fn every_row_names_a_test() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/differences-to-cosign.md");
    let page = text_of(&page);
    let source = [
        include_str!("differences.rs"),
        include_str!("../cli/keyless.rs"),
        include_str!("../cli/registry_failures.rs"),
        include_str!("../cli/seal.rs"),
        include_str!("../cli/verify.rs"),
    ];
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    assert_eq!(rows.len(), 10, "{rows:?}");
    for row in rows {
        let test = row.trim_end_matches(['|', ' ']).rsplit('`').nth(1).expect("a test");
        assert!(source.iter().any(|file| file.contains(&format!("fn {test}("))), "{test}");
    }
}
