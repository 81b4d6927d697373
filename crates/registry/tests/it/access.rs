//! Logins: who gets them and who does not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sealwright_core::Redacted;
use sealwright_loopback::registry::{Access, Registry};
use sealwright_oci::media_type;
use sealwright_registry::{Credentials, Login, RegistryError};

use crate::fixture::{REPOSITORY, client, client_with, image, pushed, reference, registry_with, repository, stored};

const USER: &str = "robot";
const PASSWORD: &str = "hunter2";

pub(crate) fn basic_access() -> Access {
    Access::Basic { user: USER.into(), password: PASSWORD.into() }
}

pub(crate) fn bearer_access() -> Access {
    Access::Bearer { user: USER.into(), password: PASSWORD.into(), anonymous_pull: false, realm: None }
}

pub(crate) fn anonymous_access() -> Access {
    Access::Bearer { user: USER.into(), password: PASSWORD.into(), anonymous_pull: true, realm: None }
}

fn login(password: &str) -> Login {
    Login::Password { user: USER.into(), password: Redacted::new(password.into()) }
}

pub(crate) fn login_for(registry: &str) -> Credentials {
    Credentials::default().with_login(registry, login(PASSWORD))
}

async fn pushes_and_pulls(registry: &Registry, credentials: Credentials) -> Result<(), RegistryError> {
    let (client, image, repository) = (client_with(credentials), image(), repository(registry));
    for blob in [&image.config, &image.layer] {
        client.push_blob(&repository, blob, &image.blobs).await?;
    }
    let pinned = client.push_manifest(&repository, &image.descriptor, &image.manifest).await?;
    client.tag(&pinned, "v1", media_type::MANIFEST, &image.manifest).await?;
    client.resolve(&reference(registry, ":v1")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_a_registry_with_basic_and_one_with_tokens() {
    for access in [basic_access(), bearer_access()] {
        let registry = registry_with(|s| s.access = access.clone());
        pushes_and_pulls(&registry, login_for(&registry.host())).await.expect("allowed");
        for wrong in [Credentials::default(), Credentials::default().with_login(&registry.host(), login("guess"))] {
            let error = pushes_and_pulls(&registry, wrong).await.expect_err("refused");
            assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error}");
            assert!(!error.to_string().contains("guess"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_challenge_is_answered_once_and_its_answer_remembered() {
    let registry = registry_with(|s| s.access = bearer_access());
    let image = image();
    stored(&registry, &image, Some("v1"));
    let client = client_with(login_for(&registry.host()));
    for _ in 0..3 {
        client.resolve(&reference(&registry, ":v1")).await.expect("resolved");
    }
    let seen: Vec<_> = registry.requests().iter().map(|r| (r.path.clone(), r.status)).collect();
    let manifest = format!("/v2/{REPOSITORY}/manifests/v1");
    let expected = [(manifest.as_str(), 401), ("/token", 200), (&manifest, 200), (&manifest, 200), (&manifest, 200)];
    assert_eq!(seen.iter().map(|(p, s)| (p.as_str(), *s)).collect::<Vec<_>>(), expected);
    let token = registry.requests()[1].clone();
    assert_eq!(token.query, format!("service=loopback&scope=repository:{REPOSITORY}:pull"));
    assert_eq!(token.authorization.as_deref(), Some("Basic cm9ib3Q6aHVudGVyMg=="));
    // The password itself goes to the token endpoint and nowhere else.
    let mut passwords = registry.requests().into_iter().filter(|r| r.path != "/token").filter_map(|r| r.authorization);
    assert!(passwords.all(|a| a.starts_with("Bearer ")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_replaced_also_in_the_middle_of_a_push() {
    // With one use each, the request that begins an upload would leave nothing for the one that sends it.
    for uses in [2, 3, 4] {
        let registry = registry_with(|s| {
            s.access = bearer_access();
            s.token_uses = Some(uses);
        });
        pushes_and_pulls(&registry, login_for(&registry.host())).await.unwrap_or_else(|e| panic!("{uses}: {e}"));
        assert!(registry.tags(REPOSITORY).contains_key("v1"));
    }
}

#[tokio::test]
async fn whoever_may_read_may_not_therefore_write() {
    let registry = registry_with(|s| s.access = anonymous_access());
    let image = image();
    let pinned = stored(&registry, &image, Some("v1"));
    let anonymous = client();
    anonymous.resolve(&reference(&registry, ":v1")).await.expect("reading needs no login");
    let error = anonymous.tag(&pinned, "v2", media_type::MANIFEST, &image.manifest).await.expect_err("writing does");
    assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error}");
    assert!(registry.requests().iter().all(|r| !r.authorization.as_deref().unwrap_or_default().starts_with("Basic")));
}

#[tokio::test]
async fn a_refresh_token_goes_to_the_token_endpoint_in_a_form() {
    let registry = registry_with(|s| s.access = bearer_access());
    let image = image();
    stored(&registry, &image, Some("v1"));
    let token = Login::IdentityToken(Redacted::new(PASSWORD.into()));
    let client = client_with(Credentials::default().with_login(&registry.host(), token));
    client.resolve(&reference(&registry, ":v1")).await.expect("resolved");
    let request = registry.requests().into_iter().find(|r| r.path == "/token").expect("token request");
    assert_eq!((request.method.as_str(), request.query.as_str(), request.authorization), ("POST", "", None));
}

#[tokio::test]
async fn a_registry_token_is_sent_as_it_is() {
    let registry = registry_with(|s| s.access = bearer_access());
    stored(&registry, &image(), Some("v1"));
    let token = Login::RegistryToken(Redacted::new("given".into()));
    let client = client_with(Credentials::default().with_login(&registry.host(), token));
    let error = client.resolve(&reference(&registry, ":v1")).await.expect_err("not one of its tokens");
    assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error}");
    let sent: Vec<_> = registry.requests().into_iter().map(|r| r.authorization).collect();
    assert_eq!(sent, [None, Some("Bearer given".to_owned())]);
}

#[tokio::test]
async fn one_registrys_login_is_not_anothers() {
    let registry = registry_with(|s| s.access = basic_access());
    let client = client_with(login_for("127.0.0.1:1").with_login("ghcr.io", login(PASSWORD)));
    let error = client.resolve(&reference(&registry, ":v1")).await.expect_err("no login");
    assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error}");
    assert!(registry.requests().iter().all(|r| r.authorization.is_none()));
}

#[tokio::test]
async fn a_login_never_goes_to_a_token_endpoint_without_tls() {
    for realm in ["http://192.0.2.1/token", "ftp://127.0.0.1/token"] {
        let registry = registry_with(|s| {
            s.access = Access::Bearer {
                user: USER.into(),
                password: PASSWORD.into(),
                anonymous_pull: false,
                realm: Some(realm.into()),
            };
        });
        let client = client_with(login_for(&registry.host()));
        let error = client.resolve(&reference(&registry, ":v1")).await.expect_err("refused");
        assert!(matches!(error, RegistryError::Insecure { .. }), "{realm}: {error}");
    }
}

#[tokio::test]
async fn a_token_endpoint_that_redirects_is_not_followed() {
    let elsewhere = crate::fixture::registry();
    let location = format!("http://{}/token", elsewhere.host());
    let tokens =
        crate::peer::serve(vec![crate::peer::Answer::status("307 Temporary Redirect").header("Location", &location)]);
    let realm = format!("http://{}/token", tokens.reference("").repository.registry());
    let registry = registry_with(|s| {
        s.access =
            Access::Bearer { user: USER.into(), password: PASSWORD.into(), anonymous_pull: false, realm: Some(realm) };
    });
    let client = client_with(login_for(&registry.host()));
    let error = client.resolve(&reference(&registry, ":v1")).await.expect_err("redirected");
    assert!(matches!(error, RegistryError::Rejected { .. }), "{error}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_token_endpoint_that_fails_in_passing_is_asked_again() {
    use sealwright_loopback::registry::{Effect, Fault};
    let registry = registry_with(|s| s.access = bearer_access());
    stored(&registry, &image(), Some("v1"));
    registry.fault(Fault::once("GET", "/token", Effect::Status(503)));
    client_with(login_for(&registry.host())).resolve(&reference(&registry, ":v1")).await.expect("the second time");
}

/// A folder with `config.json`, and one with a credential helper.
fn docker_folder(config: &serde_json::Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    fs::write(folder.path().join("config.json"), config.to_string()).expect("configuration");
    folder
}

fn helper(folder: &Path, name: &str, script: &str) {
    let path = folder.join(format!("docker-credential-{name}"));
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("helper");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_docker_configuration_opens_a_registry() {
    let registry = registry_with(|s| s.access = bearer_access());
    let config = serde_json::json!({ "auths": { registry.host(): { "auth": "cm9ib3Q6aHVudGVyMg==" } } });
    let folder = docker_folder(&config);
    let credentials = Credentials::from_docker_config(Some(folder.path())).expect("configuration");
    pushes_and_pulls(&registry, credentials).await.expect("allowed");
    let empty = tempfile::tempdir().expect("folder");
    for folder in [None, Some(empty.path())] {
        let credentials = Credentials::from_docker_config(folder).expect("no configuration");
        assert!(pushes_and_pulls(&registry, credentials).await.is_err());
    }
}

#[tokio::test]
async fn a_credential_helper_is_asked_for_the_registry_once() {
    let registry = registry_with(|s| s.access = bearer_access());
    let image = image();
    stored(&registry, &image, Some("v1"));
    let folder = docker_folder(&serde_json::json!({ "credHelpers": { registry.host(): "test" } }));
    let asked = folder.path().join("asked");
    let script = format!(
        r#"[ "$1" = get ] || exit 9
/bin/cat >> {asked}
echo '{{"ServerURL":"x","Username":"robot","Secret":"hunter2"}}'"#,
        asked = asked.display()
    );
    helper(folder.path(), "test", &script);
    let credentials = Credentials::from_docker_config(Some(folder.path())).expect("configuration");
    let client = client_with(credentials.with_helper_path(folder.path()));
    client.resolve(&reference(&registry, ":v1")).await.expect("resolved");
    let pinned = repository(&registry).pinned(image.descriptor.digest);
    client.tag(&pinned, "v2", media_type::MANIFEST, &image.manifest).await.expect("tagged");
    let asked = sealwright_core::bounded::read_file(&asked, 999).expect("asked");
    assert_eq!(String::from_utf8(asked).expect("text"), registry.host(), "once, for two tokens");
}

#[tokio::test]
async fn a_helper_without_a_login_leaves_it_to_the_file_and_a_broken_one_is_an_error() {
    let registry = registry_with(|s| s.access = basic_access());
    stored(&registry, &image(), Some("v1"));
    let auths = serde_json::json!({ registry.host(): { "auth": "cm9ib3Q6aHVudGVyMg==" } });
    let folder = docker_folder(&serde_json::json!({ "credsStore": "store", "auths": auths }));
    let resolve = async |script: &str| {
        helper(folder.path(), "store", script);
        let credentials = Credentials::from_docker_config(Some(folder.path())).expect("configuration");
        let client = client_with(credentials.with_helper_path(folder.path()));
        client.resolve(&reference(&registry, ":v1")).await
    };
    resolve("echo 'credentials not found in native keychain'; exit 1").await.expect("the file's login");
    for script in
        ["echo 'locked'; exit 1", "echo '{}'", "echo nonsense", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"]
    {
        let error = resolve(script).await.expect_err(script);
        assert!(matches!(error, RegistryError::CredentialHelper { .. }), "{script}: {error}");
    }
    fs::remove_file(folder.path().join("docker-credential-store")).expect("removed");
    let credentials = Credentials::from_docker_config(Some(folder.path())).expect("configuration");
    let client = client_with(credentials.with_helper_path(folder.path()));
    let error = client.resolve(&reference(&registry, ":v1")).await.expect_err("no such program");
    assert!(matches!(error, RegistryError::CredentialHelper { .. }), "{error}");
}

#[tokio::test]
async fn a_helpers_token_user_means_a_refresh_token() {
    let registry = registry_with(|s| s.access = bearer_access());
    stored(&registry, &image(), Some("v1"));
    let folder = docker_folder(&serde_json::json!({ "credsStore": "store" }));
    helper(folder.path(), "store", r#"echo '{"Username":"<token>","Secret":"hunter2"}'"#);
    let credentials = Credentials::from_docker_config(Some(folder.path())).expect("configuration");
    let client = client_with(credentials.with_helper_path(folder.path()));
    client.resolve(&reference(&registry, ":v1")).await.expect("resolved");
    assert!(registry.requests().iter().any(|r| r.path == "/token" && r.method == "POST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_at_once_share_a_client() {
    let registry = registry_with(|s| s.access = bearer_access());
    let image = image();
    let client = client_with(login_for(&registry.host()));
    let pinned = pushed(&client, &repository(&registry), &image).await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (client, pinned) = (client.clone(), pinned.clone());
            tokio::spawn(async move { client.manifest(&pinned).await.expect("manifest").1 })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.expect("task"), image.manifest);
    }
}
