//! Images on a registry on loopback, each with the evidence that a row of the table is about.
//!
//! An image is sealed once by every signer that plays a part. Whatever a repository holds is then put together from those
//! statements: a referrer is about a digest, and anybody who may push can copy it.

use std::path::Path;

use sealwright_core::Digest;
use sealwright_loopback::authority::Logs;
use sealwright_loopback::registry::{Registry, StoredManifest, Switches};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::signer::{Signer, Variant, mallory};
use crate::peer::{say, sealwright};
use crate::sealed::import_nothing;

/// Predicate types, as bundles carry them.
pub(crate) const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
pub(crate) const CYCLONEDX: &str = "https://cyclonedx.org/bom";
pub(crate) const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
pub(crate) const SCAN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
pub(crate) const DECISION: &str = "https://slsa.dev/verification_summary/v1";

/// Repositories of the keyless variant whose evidence is of almost the right certificate, or of the right workflow as another
/// repository called it.
pub(crate) const OTHER_SIGNERS: [&str; 12] = [
    "evil-repository",
    "other-workflow",
    "dot-is-no-wildcard",
    "branch",
    "longer-tag",
    "other-tag",
    "pull-request",
    "mallory-signature",
    "mallory-sbom",
    "mallory-provenance",
    "mallory-decision",
    "mallory-scan",
];

/// A registry with images, and the policies that judge them.
pub(crate) struct Images {
    pub(crate) home: TempDir,
    pub(crate) registry: Registry,
    pub(crate) signer: Signer,
    /// The image that everything is about.
    pub(crate) digest: Digest,
}

/// What a repository holds about the image.
type Evidence = Vec<StoredManifest>;

impl Images {
    /// Seals, signs and puts together; writes the policies into `policies` of the home.
    pub(crate) fn new(variant: Variant) -> Self {
        Self::with(variant, Logs::Kept)
    }

    /// The same at an authority with or without logs.
    pub(crate) fn with(variant: Variant, logs: Logs) -> Self {
        let home = tempfile::tempdir().expect("home");
        let signer = Signer::new(variant, logs, home.path());
        import_nothing(home.path());
        let registry = Registry::start(Switches::default()).expect("registry");
        let mut images = Self { home, registry, signer, digest: Digest::of(b"") };
        images.digest = images.seal("shop/good");
        images.render();
        images.fill();
        images
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    /// `HOST/REPOSITORY@DIGEST` of the image in one of the repositories below `shop/`.
    pub(crate) fn pinned(&self, name: &str) -> String {
        format!("{}/shop/{name}@{}", self.registry.host(), self.digest)
    }

    /// `HOST/REPOSITORY:v1`.
    pub(crate) fn tagged(&self, name: &str) -> String {
        format!("{}/shop/{name}:v1", self.registry.host())
    }

    /// The policies, one text per file.
    pub(crate) fn policies(&self) -> Vec<(String, String)> {
        let base = self.path().join("policies/base");
        let mut names: Vec<_> = std::fs::read_dir(&base).expect("base").map(|e| e.expect("entry").path()).collect();
        names.retain(|path| path.is_dir());
        names.sort();
        let read = |path: &std::path::PathBuf| {
            let bytes = sealwright_core::bounded::read_file(&path.join("policy.yaml"), 1 << 20).expect("policy");
            let name = path.file_name().expect("name").to_string_lossy().into_owned();
            (name, String::from_utf8(bytes).expect("text"))
        };
        names.iter().map(read).collect()
    }

    fn render(&self) {
        self.render_as("kyverno", "policies");
    }

    /// Writes the policies of a format into a folder of the home.
    pub(crate) fn render_as(&self, format: &str, folder: &str) {
        self.render_for(format, folder, &self.signer.instance());
    }

    /// The same for an instance that these arguments name.
    pub(crate) fn render_for(&self, format: &str, folder: &str, instance: &[String]) {
        let mut command = sealwright(self.path());
        command.args(["policy", "render", "--policy", "policy.yaml", "--format", format, "-o", folder]);
        let revoked = self.path().join("revoked.txt");
        std::fs::write(&revoked, format!("{} # a test\n", Digest::of(b"revoked"))).expect("file");
        say(command.args(instance).arg("--revoked").arg(revoked)).expect_code(0);
    }

    /// Seals a small image of its own content as the trust file's builder, under the tag `v1`.
    fn seal(&self, repository: &str) -> Digest {
        self.seal_as(repository, "policy.yaml", &json!({}))
    }

    fn seal_as(&self, repository: &str, trust_file: &str, claims: &Value) -> Digest {
        let image = format!("{}/{repository}:v1", self.registry.host());
        let source = crate::registries::small_image(self.path());
        let seal = ["seal", &source, "--push", &image, "--policy", trust_file, "--db", "db"];
        self.signer.run(self.path(), &seal, claims);
        *self.registry.tags(repository).get("v1").expect("tag")
    }

    /// Everything that a repository holds about the image.
    fn evidence(&self, repository: &str) -> Evidence {
        let about = |manifest: &StoredManifest| {
            manifest.json().pointer("/subject/digest").and_then(Value::as_str) == Some(&self.digest.to_string())
        };
        self.registry.manifests(repository).into_iter().filter(about).collect()
    }

    /// Puts the image into `shop/NAME` under the tag `v1`, with this evidence in this order.
    fn put(&self, name: &str, evidence: &[&StoredManifest]) {
        let to = format!("shop/{name}");
        for from in self.registry.repositories() {
            for digest in self.registry.blobs(&from).keys() {
                self.registry.put_blob(&to, self.registry.blob(&from, digest).expect("blob"));
            }
        }
        let image = self.registry.manifests("shop/good").into_iter().find(|m| m.digest == self.digest).expect("image");
        self.registry.put_manifest(&to, Some("v1"), &image.media_type, image.bytes);
        for one in evidence {
            self.registry.put_manifest(&to, None, &one.media_type, one.bytes.clone());
        }
    }

    /// The sealed image with all its evidence in another repository below `shop/`.
    pub(crate) fn copy(&self, name: &str) {
        self.put(name, &self.evidence("shop/good").iter().collect::<Vec<_>>());
    }

    /// Attests a predicate in a repository of its own, and gives the statement.
    fn attested(&self, name: &str, kind: &str, predicate: &Value, claims: &Value) -> StoredManifest {
        self.put(name, &[]);
        let file = self.path().join(format!("{name}.json"));
        std::fs::write(&file, predicate.to_string()).expect("predicate");
        let arguments = ["attest", &self.pinned(name), "--type", kind, "--predicate", &file.display().to_string()];
        self.signer.run(self.path(), &arguments, claims);
        self.evidence(&format!("shop/{name}")).pop().expect("a statement")
    }

    fn fill(&self) {
        let good = self.evidence("shop/good");
        let without = |kind: &str| good.iter().filter(|one| type_of(one) != kind).collect::<Vec<_>>();
        let only = |kind: &str| good.iter().filter(|one| type_of(one) == kind).collect::<Vec<_>>();
        self.put("unsigned", &[]);
        self.put("only-sbom", &only(CYCLONEDX));
        for (name, kind) in [
            ("no-signature", SIGNATURE),
            ("no-sbom", CYCLONEDX),
            ("no-provenance", PROVENANCE),
            ("no-decision", DECISION),
            ("no-scan", SCAN),
        ] {
            self.put(name, &without(kind));
        }
        // Somebody else's key, and in the keyless variant a key at all.
        let stranger = self.tagged("stranger");
        let source = crate::registries::small_image(self.path());
        let mut seal = sealwright(self.path());
        seal.args(["seal", &source, "--push", &stranger, "--policy", "stranger.yaml", "--db", "db"]);
        say(seal.args(["--key", "stranger.pem", "--transparency", "none"])).expect_code(0);
        self.scans(&good);
        self.provenance(&good);
        if self.signer.variant == Variant::Keyless {
            self.other_identities(&good);
        }
        // Statements about this image beside another one: about another digest, and of the right one in no repository of ours.
        let other = self.another_image();
        self.put_other("borrowed", &other, &good);
        // All evidence, at registries that do not answer as they should.
        for name in ["throttled", "broken", "down", "slow"] {
            self.copy(name);
        }
        // Outside of the trust file's images, with all evidence.
        for name in ["shop-evil/app", "mirror/app"] {
            let image = self.registry.manifests("shop/good");
            for blob in self.registry.blobs("shop/good").keys() {
                self.registry.put_blob(name, self.registry.blob("shop/good", blob).expect("blob"));
            }
            for manifest in image {
                let tag = (manifest.digest == self.digest).then_some("v1");
                self.registry.put_manifest(name, tag, &manifest.media_type, manifest.bytes);
            }
        }
    }

    /// Scans that the rules refuse, and one that is old.
    fn scans(&self, good: &[StoredManifest]) {
        let scan = good.iter().find(|one| type_of(one) == SCAN).expect("scan");
        let mut predicate = self.predicate("shop/good", scan);
        predicate["scanner"]["result"]["outcome"] = json!("refuse");
        predicate["scanner"]["result"]["counts"]["refused"] = json!(1);
        let failing = self.attested("failing", "vuln", &predicate, &json!({}));
        let mut old = self.predicate("shop/good", scan);
        old["metadata"]["scanFinishedOn"] = json!("2024-01-01T00:00:00Z");
        let old = self.attested("old", "vuln", &old, &json!({}));
        let rest: Vec<&StoredManifest> = good.iter().filter(|one| type_of(one) != SCAN).collect();
        self.put("failing-scan", &[&rest[..], &[&failing]].concat());
        self.put("old-scan", &[&rest[..], &[&old]].concat());
        self.put("failing-scan-last", &[&rest[..], &[scan, &failing]].concat());
        self.put("failing-scan-first", &[&rest[..], &[&failing, scan]].concat());
    }

    /// Provenance of another repository, by the right signer.
    fn provenance(&self, good: &[StoredManifest]) {
        let own = good.iter().find(|one| type_of(one) == PROVENANCE).expect("provenance");
        let rest: Vec<&StoredManifest> = good.iter().filter(|one| type_of(one) != PROVENANCE).collect();
        let mut foreign = self.predicate("shop/good", own);
        // A key says nothing about a source: what its provenance must not have is a parameter that nobody knows.
        match self.signer.variant {
            Variant::Key => {
                foreign["buildDefinition"]["externalParameters"]["dockerfile"] = json!("https://evil.example")
            }
            Variant::Keyless => {
                foreign["buildDefinition"]["externalParameters"]["workflow"]["repository"] =
                    json!("https://github.com/mallory/evil");
            }
        }
        let foreign = self.attested("foreign", "slsaprovenance1", &foreign, &json!({}));
        self.put("foreign-provenance", &[&rest[..], &[&foreign]].concat());
        if self.signer.variant == Variant::Keyless {
            let mut branch = self.predicate("shop/good", own);
            branch["buildDefinition"]["resolvedDependencies"][0]["uri"] =
                json!("git+https://github.com/acme/shop@refs/heads/evil");
            let branch = self.attested("foreign-branch", "slsaprovenance1", &branch, &json!({}));
            self.put("foreign-ref", &[&rest[..], &[&branch]].concat());
            // The same public workflow, called by another repository, seals the same bytes.
            self.seal_as("shop/mallory", "mallory.yaml", &mallory());
            let theirs = self.evidence("shop/mallory");
            for kind in [SIGNATURE, CYCLONEDX, PROVENANCE, DECISION, SCAN] {
                let mixed: Vec<&StoredManifest> = good
                    .iter()
                    .filter(|one| type_of(one) != kind)
                    .chain(theirs.iter().filter(|one| type_of(one) == kind))
                    .collect();
                self.put(&format!("mallory-{}", word(kind)), &mixed);
            }
        } else {
            self.seal_by_stranger_into("shop/mallory");
        }
    }

    /// With a key another repository has no signer that counts.
    fn seal_by_stranger_into(&self, repository: &str) {
        let image = format!("{}/{repository}:v1", self.registry.host());
        let source = crate::registries::small_image(self.path());
        let mut seal = sealwright(self.path());
        seal.args(["seal", &source, "--push", &image, "--policy", "stranger.yaml", "--db", "db"]);
        say(seal.args(["--key", "stranger.pem", "--transparency", "none"])).expect_code(0);
    }

    /// Signatures whose certificates are almost the right ones, beside evidence that is.
    fn other_identities(&self, good: &[StoredManifest]) {
        let rest: Vec<&StoredManifest> = good.iter().filter(|one| type_of(one) != SIGNATURE).collect();
        let workflow = |path: &str| json!({ "job_workflow_ref": path });
        for (name, claims) in [
            ("evil-repository", workflow("sealwright/sealwright-evil/.github/workflows/seal.yml@refs/tags/v1.0.0")),
            ("other-workflow", workflow("sealwright/sealwright/.github/workflows/evil.yml@refs/tags/v1.0.0")),
            ("dot-is-no-wildcard", workflow("sealwright/sealwright/Xgithub/workflows/seal.yml@refs/tags/v1.0.0")),
            ("branch", workflow("sealwright/sealwright/.github/workflows/seal.yml@refs/heads/v1.0.0")),
            ("longer-tag", workflow("sealwright/sealwright/.github/workflows/seal.yml@refs/tags/v1.0/../../evil")),
            ("other-tag", workflow("sealwright/sealwright/.github/workflows/seal.yml@refs/tags/v2.0.0")),
            ("pull-request", json!({ "ref": "refs/pull/1/merge", "event_name": "pull_request" })),
        ] {
            let own = format!("identity-{name}");
            self.put(&own, &[]);
            self.signer.run(self.path(), &["sign", &self.pinned(&own)], &claims);
            let signature = self.evidence(&format!("shop/{own}")).pop().expect("a signature");
            self.put(name, &[&rest[..], &[&signature]].concat());
        }
    }

    /// An image that nobody sealed.
    fn another_image(&self) -> StoredManifest {
        let image = self.registry.manifests("shop/good").into_iter().find(|m| m.digest == self.digest).expect("image");
        let mut manifest = image.json();
        manifest["annotations"] = json!({ "another": "image" });
        let bytes = manifest.to_string();
        let digest = Digest::of(bytes.as_bytes());
        StoredManifest { digest, media_type: image.media_type, bytes: bytes.into() }
    }

    /// Another image under `v1`, with referrers that say that they are about it and hold statements about the first.
    fn put_other(&self, name: &str, other: &StoredManifest, evidence: &[StoredManifest]) {
        self.put(name, &[]);
        let to = format!("shop/{name}");
        self.registry.put_manifest(&to, Some("v1"), &other.media_type, other.bytes.clone());
        for one in evidence {
            let mut manifest = one.json();
            manifest["subject"]["digest"] = json!(other.digest.to_string());
            manifest["subject"]["size"] = json!(other.bytes.len());
            self.registry.put_manifest(&to, None, &one.media_type, manifest.to_string());
        }
    }

    /// The digest of the image of `borrowed`.
    pub(crate) fn borrowed(&self) -> String {
        format!("{}/shop/borrowed@{}", self.registry.host(), self.another_image().digest)
    }

    /// The predicate of a statement.
    fn predicate(&self, repository: &str, manifest: &StoredManifest) -> Value {
        let layer = manifest.json().pointer("/layers/0/digest").and_then(Value::as_str).expect("layer").to_owned();
        let bundle = self.registry.blob(repository, &layer.parse().expect("digest")).expect("bundle");
        let bundle: Value = serde_json::from_slice(&bundle).expect("JSON");
        let payload = bundle.pointer("/dsseEnvelope/payload").and_then(Value::as_str).expect("payload");
        let payload = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, payload).expect("base64");
        serde_json::from_slice::<Value>(&payload).expect("statement")["predicate"].take()
    }
}

fn type_of(manifest: &StoredManifest) -> String {
    let kind = manifest.json();
    kind.pointer("/annotations/dev.sigstore.bundle.predicateType")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn word(kind: &str) -> &'static str {
    match kind {
        SIGNATURE => "signature",
        CYCLONEDX => "sbom",
        PROVENANCE => "provenance",
        DECISION => "decision",
        _ => "scan",
    }
}
