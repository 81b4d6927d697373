//! A genuine HashiCorp Vault: its transit keys sign for us and for cosign, and its JWT login tells a release from everything
//! else. Only the issuer of the workloads' tokens is a stand-in.

use std::path::{Path, PathBuf};
use std::process::Command;

use sealwright_loopback::authority::{Authority, LogVersion, workflow_claims};
use serde_json::{Value, json};

use crate::peer::{Said, Server, free_port, peer, say, sealwright, text_of};
use crate::registries::small_image;
use crate::sealed::{ATTESTED, LENIENT, cosign, go_registry, home, seal};

/// The workflow of the tokens here.
const RELEASE: &str = "acme/shop/.github/workflows/release.yml@refs/heads/main";
const NO_LOG: [&str; 2] = ["--transparency", "none"];

pub(crate) struct Vault {
    _server: Server,
    pub(crate) address: String,
    home: PathBuf,
}

impl Vault {
    /// A development server with the transit engine: unsealed, in memory, with the root token `root`.
    pub(crate) fn start(home: &Path) -> Self {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let mut server = Command::new(peer("SEALWRIGHT_VAULT"));
        server.args(["server", "-dev", "-dev-root-token-id=root", "-dev-no-store-token"]);
        server.arg(format!("-dev-listen-address={listen}")).env("HOME", home);
        let server = Server::start_at(&mut server, &listen);
        let vault = Self { _server: server, address: format!("http://{listen}"), home: home.to_owned() };
        vault.admin(&["secrets", "enable", "transit"]);
        vault
    }

    fn admin(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(peer("SEALWRIGHT_VAULT"));
        command.args(arguments).env("HOME", &self.home).env("VAULT_ADDR", &self.address).env("VAULT_TOKEN", "root");
        say(&mut command).expect_code(0)
    }

    pub(crate) fn key(&self, name: &str, kind: &str) {
        self.admin(&["write", "-f", &format!("transit/keys/{name}"), &format!("type={kind}"), "exportable=false"]);
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.home.join(name);
        std::fs::write(&file, text).expect(name);
        file.display().to_string()
    }

    /// May sign with the key `release` and read its public half, and nothing else.
    fn signer_policy(&self) {
        let policy = "path \"transit/sign/release/*\" { capabilities = [\"update\"] }
path \"transit/keys/release\" { capabilities = [\"read\"] }
";
        self.admin(&["policy", "write", "release-signer", &self.write("signer.hcl", policy)]);
    }

    /// The role `release`: a push to main of acme/shop, by this workflow, with a token for `audience`.
    pub(crate) fn trust(&self, authority: &Authority, audience: &str, workflow: &str) {
        self.signer_policy();
        self.admin(&["auth", "enable", "jwt"]);
        let issuer = authority.issuer();
        let discovery = format!("oidc_discovery_url={issuer}");
        self.admin(&["write", "auth/jwt/config", &discovery, &format!("bound_issuer={issuer}")]);
        let role = json!({
            "role_type": "jwt", "user_claim": "sub", "bound_audiences": [audience],
            "bound_claims": {
                "repository_id": "123456", "ref": "refs/heads/main", "event_name": "push",
                "job_workflow_ref": workflow,
            },
            "token_type": "batch", "token_policies": ["release-signer"], "token_ttl": "5m",
        });
        let role = self.write("role.json", &role.to_string());
        self.admin(&["write", "auth/jwt/role/release", &format!("@{role}")]);
    }

    fn ours(&self, token: Option<&str>, arguments: &[&str]) -> Said {
        let mut command = sealwright(&self.home);
        command.args(arguments).env("VAULT_ADDR", &self.address);
        command.envs(token.map(|token| ("VAULT_TOKEN", token)));
        say(&mut command)
    }

    fn theirs(&self, arguments: &[&str]) -> Said {
        let mut command = cosign(&self.home);
        say(command.args(arguments).env("VAULT_ADDR", &self.address).env("VAULT_TOKEN", "root"))
    }

    fn cosign_verifies(&self, image: &str, public: &str) -> bool {
        self.theirs(&["verify", "--key", public, "--insecure-ignore-tlog=true", image]).code() == 0
    }
}

fn claims(changed: Value) -> Value {
    let mut claims = workflow_claims();
    let all = claims.as_object_mut().expect("object");
    all.insert("aud".to_owned(), "vault".into());
    all.extend(changed.as_object().expect("object").clone());
    claims
}

/// An image in a registry that a key of its own sealed.
fn sealed(home: &Path, registry: &str, name: &str) -> String {
    let image = format!("{registry}/acme/{name}:v1");
    seal(home, &small_image(home), &image).expect_code(0);
    image
}

#[test]
fn every_kind_of_key_signs_and_cosign_accepts_it() {
    let home = home();
    let vault = Vault::start(home.path());
    let (_server, registry) = go_registry();
    for kind in ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048", "rsa-4096"] {
        vault.key(kind, kind);
        let image = sealed(home.path(), &registry, kind);
        let (key, public) = (format!("hashivault://{kind}"), format!("{kind}.pub"));
        vault.ours(Some("root"), &["public-key", "--key", &key, "--outfile", &public]).expect_code(0);
        // cosign does not see from a key which hash goes with it.
        let hash = if kind == "ecdsa-p384" { "sha384" } else { "sha256" };
        let theirs = ["verify", "--key", &public, "--insecure-ignore-tlog=true", "--signature-digest-algorithm", hash];
        let verifies = || vault.theirs(&[&theirs[..], &[&image]].concat()).code() == 0;
        assert!(!verifies(), "{kind}");
        vault.ours(Some("root"), &[&["sign", &image, "--key", &key][..], &NO_LOG].concat()).expect_code(0);
        assert!(verifies(), "{kind}");
        vault.ours(None, &[&["verify", &image, "--key", &public][..], &NO_LOG].concat()).expect_code(0);
    }
    let fails = |address: &str, token: &str, key: &str, code: i32, word: &str| {
        let mut command = sealwright(home.path());
        command.args(["public-key", "--key", key]).env("VAULT_ADDR", address).env("VAULT_TOKEN", token);
        let said = say(command.args(["--timeout", "2s"])).expect_code(code);
        assert!(said.stderr.contains(word), "{}", said.stderr);
    };
    fails(&vault.address, "wrong", "hashivault://ecdsa-p256", 2, "permission denied");
    fails(&vault.address, "root", "hashivault://missing", 2, "there is no key \"missing\"");
    fails(&vault.address, "root", "hashivault://../sys/seal", 2, "the key's name");
    fails("http://vault.example:8200", "root", "hashivault://ecdsa-p256", 2, "https://");
    fails(&format!("http://127.0.0.1:{}", free_port()), "root", "hashivault://ecdsa-p256", 5, "cannot be reached");
    vault.key("aes", "aes256-gcm96");
    fails(&vault.address, "root", "hashivault://aes", 2, "unsupported kind");
}

#[test]
fn cosign_signs_with_the_same_key_and_we_accept_it() {
    let home = home();
    let vault = Vault::start(home.path());
    vault.key("release", "ecdsa-p256");
    let (_server, registry) = go_registry();
    vault.theirs(&["public-key", "--key", "hashivault://release", "--outfile", "release.pub"]).expect_code(0);
    vault.theirs(&["signing-config", "create", "--out", "no-log.json"]).expect_code(0);
    let ours = vault.ours(Some("root"), &["public-key", "--key", "openbao://release"]).expect_code(0);
    assert_eq!(ours.stdout, text_of(&home.path().join("release.pub")));
    let image = sealed(home.path(), &registry, "theirs");
    let verify = || vault.ours(None, &[&["verify", &image, "--key", "release.pub"][..], &NO_LOG].concat());
    verify().expect_code(4);
    let sign = ["sign", "--yes", "--allow-http-registry", "--key", "hashivault://release", "--signing-config"];
    vault.theirs(&[&sign[..], &["no-log.json", &image]].concat()).expect_code(0);
    verify().expect_code(0);
}

#[test]
fn a_seal_with_a_key_of_vault_and_a_log_is_accepted_by_cosign() {
    let home = home();
    let vault = Vault::start(home.path());
    vault.key("release", "ecdsa-p256");
    let (_server, registry) = go_registry();
    let authority = Authority::start().expect("authority");
    let root = vault.write("root.json", &authority.trusted_root().expect("trusted root"));
    vault.write("logged.yaml", &LENIENT.replace("    transparency: none\n", "").replace("cosign.pub", "release.pub"));
    vault
        .ours(Some("root"), &["public-key", "--key", "hashivault://release", "--outfile", "release.pub"])
        .expect_code(0);
    for log in [LogVersion::V1, LogVersion::V2] {
        let config = vault.write("config.json", &authority.signing_config(log));
        let image = format!("{registry}/acme/{log:?}:v1").to_lowercase();
        let source = small_image(home.path());
        let seal = ["seal", &source, "--push", &image, "--policy", "logged.yaml", "--db", "db"];
        let logged = ["--key", "hashivault://release", "--signing-config", &config, "--trusted-root", &root];
        vault.ours(Some("root"), &[&seal[..], &logged].concat()).expect_code(0);
        let theirs = ["--key", "release.pub", "--trusted-root", &root];
        vault.theirs(&[&["verify"][..], &theirs, &[&image]].concat()).expect_code(0);
        for kind in ATTESTED {
            vault.theirs(&[&["verify-attestation", "--type", kind][..], &theirs, &[&image]].concat()).expect_code(0);
        }
    }
}

#[test]
fn the_release_of_main_signs_and_nothing_else_gets_in() {
    let home = home();
    let vault = Vault::start(home.path());
    vault.key("release", "ecdsa-p256");
    let authority = Authority::start().expect("authority");
    vault.trust(&authority, "vault", RELEASE);
    let (_server, registry) = go_registry();
    let image = sealed(home.path(), &registry, "release");
    let sign = |claims: &Value| {
        vault.write("token", &authority.token(claims).expect("token"));
        let login = ["--vault-role", "release", "--identity-token", "token"];
        vault.ours(None, &[&["sign", &image, "--key", "hashivault://release"][..], &NO_LOG, &login].concat())
    };
    let pull_request = json!({
        "ref": "refs/pull/7/merge", "event_name": "pull_request", "sub": "repo:acme/shop:pull_request",
        "job_workflow_ref": "acme/shop/.github/workflows/release.yml@refs/pull/7/merge",
    });
    for (changed, word) in [
        (pull_request, "does not match"),
        (json!({ "repository_id": "666", "repository": "mallory/shop" }), "repository_id"),
        (json!({ "job_workflow_ref": "acme/shop/.github/workflows/other.yml@refs/heads/main" }), "job_workflow_ref"),
        (json!({ "exp": 1_700_000_000, "iat": 1_699_999_700, "nbf": 1_699_999_700 }), "expired"),
        (json!({ "aud": "sigstore" }), "aud"),
    ] {
        let said = sign(&claims(changed)).expect_code(2);
        assert!(said.stderr.contains("auth/jwt/login") && said.stderr.contains(word), "{word}: {}", said.stderr);
    }
    let public = ["public-key", "--key", "hashivault://release", "--outfile", "release.pub"];
    vault.ours(Some("root"), &public).expect_code(0);
    assert!(!vault.cosign_verifies(&image, "release.pub"), "nothing was signed");
    sign(&claims(json!({}))).expect_code(0);
    assert!(vault.cosign_verifies(&image, "release.pub"));

    // The same from the endpoint of the job, for the audience that the role demands.
    let job = authority.job(&workflow_claims()).expect("job");
    let mut ambient = sealwright(home.path());
    ambient
        .args(["sign", &image, "--key", "hashivault://release", "--vault-role", "release", "-a", "by=job"])
        .args(NO_LOG);
    ambient.env("VAULT_ADDR", &vault.address);
    ambient.env("ACTIONS_ID_TOKEN_REQUEST_URL", &job.request_url);
    ambient.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &job.request_token);
    say(&mut ambient).expect_code(0);
}

#[test]
fn doctor_reads_the_role_and_names_the_claim_that_differs() {
    let home = home();
    let vault = Vault::start(home.path());
    vault.key("release", "ecdsa-p256");
    let authority = Authority::start().expect("authority");
    vault.trust(&authority, "vault", RELEASE);
    let doctor = |changed: Value, asker: Option<&str>, role: &str| {
        let token = authority.token(&claims(changed)).expect("token");
        vault.write("token", &token);
        let said = vault.ours(
            asker,
            &["doctor", "--key", "hashivault://release", "--vault-role", role, "--identity-token", "token"],
        );
        assert!(!said.stdout.contains(&token) && !said.stderr.contains(&token), "{}", said.stdout);
        said
    };
    let same = doctor(json!({}), Some("root"), "release").expect_code(0);
    assert!(same.stdout.contains("the job may log in"), "{}", same.stdout);
    for (changed, words) in [
        (json!({ "ref": "refs/heads/x" }), "ref is \"refs/heads/x\", expected bound_claims \"refs/heads/main\""),
        (json!({ "repository_id": "666" }), "repository_id is \"666\", expected bound_claims \"123456\""),
        (json!({ "event_name": "schedule" }), "event_name is \"schedule\", expected bound_claims \"push\""),
    ] {
        let said = doctor(changed, Some("root"), "release").expect_code(2);
        assert!(said.stdout.contains(&format!("the role: {words}")), "{}", said.stdout);
        // Vault itself says the same of the login.
        assert!(said.stdout.contains("auth/jwt/login"), "{}", said.stdout);
    }
    // Vault refuses the login as that role too, which is another row.
    let said = doctor(json!({}), Some("root"), "none").expect_code(2);
    assert!(said.stdout.contains("there is nothing at auth/jwt/role/none"), "{}", said.stdout);
    // What a job is given for signing reads no roles; that is no failure.
    let weak = vault.admin(&["token", "create", "-policy=release-signer", "-field=token"]).stdout;
    let said = doctor(json!({}), Some(weak.trim()), "release").expect_code(0);
    for words in
        ["permission denied", "path \"auth/jwt/role/release\" { capabilities = [\"read\"] }", "vault read -format=json"]
    {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    let said = doctor(json!({}), None, "release").expect_code(0);
    assert!(said.stdout.contains("VAULT_TOKEN is not set"), "{}", said.stdout);
}

#[test]
fn a_machine_without_an_identity_gets_in_by_its_role() {
    let home = home();
    let vault = Vault::start(home.path());
    vault.key("release", "ecdsa-p256");
    vault.signer_policy();
    vault.admin(&["auth", "enable", "approle"]);
    vault.admin(&["write", "auth/approle/role/ci", "token_policies=release-signer"]);
    let field = |arguments: &[&str]| vault.admin(arguments).stdout.trim().to_owned();
    let role_id = field(&["read", "-field=role_id", "auth/approle/role/ci/role-id"]);
    let secret_id = field(&["write", "-f", "-field=secret_id", "auth/approle/role/ci/secret-id"]);
    let public = |secret_id: &str| {
        let mut command = sealwright(home.path());
        command.args(["public-key", "--key", "openbao://release"]).env("BAO_ADDR", &vault.address);
        say(command.env("BAO_ROLE_ID", &role_id).env("BAO_SECRET_ID", secret_id))
    };
    assert!(public(&secret_id).expect_code(0).stdout.starts_with("-----BEGIN PUBLIC KEY-----"));
    let said = public("wrong").expect_code(2);
    assert!(said.stderr.contains("auth/approle/login") && !said.stderr.contains(&secret_id), "{}", said.stderr);
}

#[test]
fn a_rotated_key_leaves_old_signatures_alone() {
    let home = home();
    let vault = Vault::start(home.path());
    vault.key("release", "ecdsa-p256");
    let (_server, registry) = go_registry();
    let image = sealed(home.path(), &registry, "rotated");
    let key = ["--key", "hashivault://release"];
    let public = |file: &str, more: &[&str]| {
        vault.ours(Some("root"), &[&["public-key", "--outfile", file][..], &key, more].concat()).expect_code(0);
    };
    let sign = |more: &[&str]| vault.ours(Some("root"), &[&["sign", &image][..], &key, &NO_LOG, more].concat());
    public("old.pub", &[]);
    sign(&[]).expect_code(0);
    vault.admin(&["write", "-f", "transit/keys/release/rotate"]);
    public("new.pub", &[]);
    assert!(vault.cosign_verifies(&image, "old.pub") && !vault.cosign_verifies(&image, "new.pub"));
    // The pinned version still signs as itself, and is what its public key says.
    public("pinned.pub", &["--vault-key-version", "1"]);
    let read = |name: &str| text_of(&home.path().join(name));
    assert_eq!(read("pinned.pub"), read("old.pub"));
    sign(&["--vault-key-version", "1", "-a", "again=yes"]).expect_code(0);
    assert!(!vault.cosign_verifies(&image, "new.pub"));
    sign(&[]).expect_code(0);
    assert!(vault.cosign_verifies(&image, "new.pub"));
    let said = sign(&["--vault-key-version", "9"]).expect_code(2);
    assert!(said.stderr.contains("no version 9, expected one of 1, 2"), "{}", said.stderr);
}
