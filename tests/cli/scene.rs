//! A home with a key, a trust file and advisories, and a registry on loopback.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use sealwright_core::Digest;
use sealwright_loopback::registry::{Registry, Switches};
use sealwright_oci::{Descriptor, media_type};
use sealwright_sign::KeySigner;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const POLICY: &str = "version: 1
images: [\"127.0.0.1:*/**\"]
builders: [{ name: test, key: key.pub, transparency: none }]
gate: { fail-on: critical, unknown-severity: report, max-advisory-age: off }
";

/// zlib 1.3 has a critical flaw, fixed in 1.4.
pub(crate) const ADVISORY: &str = r#"{"id":"ALPINE-CVE-2030-1","modified":"2024-01-01T00:00:00Z","upstream":["CVE-2030-1"],
"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
"affected":[{"package":{"ecosystem":"Alpine:v3.20","name":"zlib"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.4-r0"}]}]}]}"#;

/// What the environment of a developer or of CI may hold, and a test must not depend on.
const FOREIGN: &[&str] = &[
    "RUNNER_ENVIRONMENT",
    "AWS_DEFAULT_REGION",
    "DOCKER_HOST",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_ECR",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ROLE_ARN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "HTTPS_PROXY",
    "SSL_CERT_FILE",
    "https_proxy",
    "AWS_CONFIG_FILE",
    "HTTP_PROXY",
    "http_proxy",
    "VAULT_ADDR",
    "COSIGN_REPOSITORY",
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_SESSION_TOKEN",
    "XDG_CACHE_HOME",
    "DOCKER_CONFIG",
    "SOURCE_DATE_EPOCH",
    "SIGSTORE_ID_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "GITHUB_ACTIONS",
    "BUILDKITE_AGENT_ACCESS_TOKEN",
    "BUILDKITE_AGENT_ENDPOINT",
    "BUILDKITE_JOB_ID",
    "GITHUB_API_URL",
    "GITHUB_REPOSITORY",
    "GITHUB_SHA",
    "GITHUB_REF",
    "GITHUB_WORKFLOW",
    "GITHUB_JOB",
    "GITHUB_RUN_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_EVENT_NAME",
    "GITHUB_EVENT_PATH",
    "GITHUB_TOKEN",
    "GH_TOKEN",
];

pub(crate) struct Scene {
    pub(crate) home: TempDir,
    pub(crate) registry: Registry,
}

pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32, words: &[&str]) -> Self {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        assert_eq!(self.code, code, "{all}");
        for word in words {
            assert!(all.contains(word), "{word:?} is not in:\n{all}");
        }
        self
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("home");
        let (signer, private) = KeySigner::generate().expect("key");
        let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).expect("file");
        write("key.pem", private.expose());
        write("key.pub", &signer.public_pem());
        write("policy.yaml", POLICY);
        write("advisory.json", ADVISORY);
        let scene = Self { home, registry: Registry::start(Switches::default()).expect("registry") };
        scene.run(&["db", "import", "advisory.json", "--db", "db"]).expect(0, &["Alpine: 1 records"]);
        scene
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), text).expect("file");
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(&[], arguments)
    }

    /// With more in the environment.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        Said::of(command.stdin(Stdio::null()).output().expect("the binary"))
    }

    /// With this on stdin.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
        child.stdin.take().expect("stdin").write_all(input.as_bytes()).expect("written");
        Said::of(child.wait_with_output().expect("the binary"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealwright"));
        command.args(arguments).current_dir(self.path()).env("HOME", self.path()).env("COSIGN_PASSWORD", "");
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.stdin(Stdio::null());
        command
    }

    /// A layout with an Alpine image that holds this zlib.
    pub(crate) fn image(&self, name: &str, zlib: &str) -> String {
        let image = sealwright_testkit::image().layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", zlib).gzip());
        image.write_layout(&self.path().join(name), "latest");
        format!("oci:{name}")
    }

    pub(crate) fn reference(&self) -> String {
        format!("{}/acme/shop:v1", self.registry.host())
    }

    pub(crate) fn seal(&self, source: &str, more: &[&str]) -> Said {
        self.run(&[&seal_arguments(source, &self.reference())[..], more].concat())
    }

    /// The same, and does not wait for its end.
    pub(crate) fn start_seal(&self, source: &str) -> Child {
        let mut command = self.command(&seal_arguments(source, &self.reference()));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary")
    }

    /// Seals an index of two platforms.
    pub(crate) fn seal_index(&self) -> Said {
        let source = self.index("index");
        self.seal(&source, &[]).expect(0, &[])
    }

    /// A layout with an index of two platforms.
    pub(crate) fn index(&self, name: &str) -> String {
        let of = |platform: &str, zlib: &str| {
            let image = sealwright_testkit::image().platform(platform);
            image.layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", zlib))
        };
        let index = sealwright_testkit::index(vec![of("linux/amd64", "1.4-r0"), of("linux/arm64", "1.4-r1")]);
        index.with_buildkit_attestation().write_layout(&self.path().join(name), "latest");
        format!("oci:{name}")
    }

    /// What `v1` names.
    pub(crate) fn sealed(&self) -> Digest {
        self.registry.tags("acme/shop")["v1"]
    }

    /// Stores an image without evidence.
    pub(crate) fn put_image(&self, tag: &str) -> Descriptor {
        let config = self.put_blob(media_type::CONFIG, b"{}");
        let layer = self.put_blob(media_type::LAYER, tag.as_bytes());
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": media_type::MANIFEST, "config": config, "layers": [layer] });
        self.put_manifest(Some(tag), &manifest)
    }

    /// Stores an artifact about a manifest: one layer, which is of the artifact's type.
    pub(crate) fn put_referrer(
        &self,
        subject: &Descriptor,
        artifact_type: &str,
        content: &[u8],
        annotations: Value,
    ) -> Descriptor {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::MANIFEST, "artifactType": artifact_type,
            "config": self.put_blob(media_type::EMPTY, b"{}"), "layers": [self.put_blob(artifact_type, content)],
            "subject": subject, "annotations": annotations,
        });
        self.put_manifest(None, &manifest)
    }

    /// Stores a blob.
    pub(crate) fn put_blob(&self, media_type: &str, bytes: &[u8]) -> Descriptor {
        self.registry.put_blob("acme/shop", bytes.to_vec());
        Descriptor::of(media_type, bytes)
    }

    /// Stores a document as a manifest.
    pub(crate) fn put_manifest(&self, tag: Option<&str>, manifest: &Value) -> Descriptor {
        let media_type = manifest["mediaType"].as_str().expect("mediaType");
        let bytes = manifest.to_string().into_bytes();
        let descriptor = Descriptor::of(media_type, &bytes);
        self.registry.put_manifest("acme/shop", tag, media_type, bytes);
        descriptor
    }

    pub(crate) fn verify(&self, more: &[&str]) -> Said {
        let reference = self.reference();
        self.run(&[&["verify", &reference][..], more].concat())
    }

    /// A statement about what `v1` names, by the key.
    #[track_caller]
    pub(crate) fn attest(&self, kind: &str, predicate: &str) {
        self.write("predicate.json", predicate);
        let who = ["--key", "key.pem", "--transparency", "none"];
        let what = ["--type", kind, "--predicate", "predicate.json"];
        self.run(&[&["attest", &self.reference()][..], &who, &what].concat()).expect(0, &[]);
    }

    /// Nothing of the image is in the registry.
    #[track_caller]
    pub(crate) fn is_untouched(&self) {
        assert_eq!(self.registry.manifests("acme/shop").len(), 0);
        assert_eq!(self.registry.tags("acme/shop").len(), 0);
        assert_eq!(self.registry.blobs("acme/shop").len(), 0);
    }

    /// No tag names the image.
    #[track_caller]
    pub(crate) fn is_untagged(&self) {
        let tags = self.registry.tags("acme/shop");
        assert!(!tags.contains_key("v1"), "{tags:?}");
    }
}

pub(crate) fn seal_arguments<'a>(source: &'a str, reference: &'a str) -> Vec<&'a str> {
    let signer = ["--key", "key.pem", "--transparency", "none"];
    let rules = ["--policy", "policy.yaml", "--db", "db"];
    [&["seal", source, "--push", reference][..], &rules, &signer].concat()
}
