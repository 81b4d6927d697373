//! Writes a login into Docker's `config.json`, as `docker login` does: every other client finds it there too.
//!
//! The file is replaced whole or not at all, and what is not ours in it stays as it is. Two writers at once are not told apart:
//! the later one wins, as with `docker login`.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_core::bounded::{ReadError, read_file};
use sealwright_core::{Limits, Redacted};
use serde::Serialize as _;
use serde_json::json;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::docker_config::{key, read};
use crate::error::RegistryError;

/// JSON objects whose values are kept to the byte.
type Object = BTreeMap<String, Box<RawValue>>;

/// Refuses a registry whose logins a credential helper keeps: a login beside it would be used by nobody.
///
/// # Errors
/// When there is a helper, or the file cannot be read.
pub fn check_helper(folder: &Path, registry: &str) -> Result<(), RegistryError> {
    let Some(helper) = read(folder)?.helper(&key(registry)).map(|helper| helper.name().to_owned()) else {
        return Ok(());
    };
    Err(RegistryError::DockerConfig {
        path: folder.join("config.json"),
        problem: format!(
            "docker-credential-{helper} gives the logins of {registry}, and one in the file would not be used"
        ),
    })
}

/// Writes user and password for a registry (`host[:port]`) into `config.json` in a folder, and makes both where they are not
/// there. Only their owner may read them. Gives the file's path.
///
/// # Errors
/// When a credential helper keeps the registry's logins, or the file cannot be read, is none, or cannot be written.
pub fn store_login(
    folder: &Path,
    registry: &str,
    user: &str,
    password: &Redacted<String>,
) -> Result<PathBuf, RegistryError> {
    check_helper(folder, registry)?;
    let path = folder.join("config.json");
    let fail = |problem: String| RegistryError::DockerConfig { path: path.clone(), problem };
    // Where the file is a link, what it leads to is replaced.
    let target = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
    let mut file: Object = match read_file(&target, Limits::default().configuration) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| fail(format!("no JSON object, line {}", e.line())))?,
        Err(ReadError::Io(e)) if e.kind() == io::ErrorKind::NotFound => Object::new(),
        Err(e) => return Err(fail(e.to_string())),
    };
    let written =
        with_login(&mut file, registry, user, password).map_err(|_| fail("auths is no JSON object".to_owned()))?;
    replace(&target, &written).map_err(|e| fail(e.to_string()))?;
    Ok(path)
}

fn with_login(
    file: &mut Object,
    registry: &str,
    user: &str,
    password: &Redacted<String>,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut logins: Object = match file.get("auths") {
        Some(logins) => serde_json::from_str(logins.get())?,
        None => Object::new(),
    };
    let registry = key(registry);
    // Another spelling of the same registry would be a second login for it.
    logins.retain(|spelled, _| key(spelled) != registry);
    let name = if registry == "docker.io" { "https://index.docker.io/v1/" } else { &registry };
    let auth = STANDARD.encode(format!("{user}:{}", password.expose()));
    logins.insert(name.to_owned(), to_raw_value(&json!({ "auth": auth }))?);
    file.insert("auths".to_owned(), to_raw_value(&logins)?);
    // As Docker indents it.
    let mut written = Vec::new();
    file.serialize(&mut Serializer::with_formatter(&mut written, PrettyFormatter::with_indent(b"\t")))?;
    written.push(b'\n');
    Ok(written)
}

/// A half-written file would lose the logins of all registries.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let partial = folder.join(format!("config.json.{}.partial", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
    let done = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&partial, path));
    done.inspect_err(|_| {
        // What could be written only in part is in nobody's way.
        let _ = fs::remove_file(&partial);
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use sealwright_core::bounded::read_file;
    use serde_json::Value;

    use super::*;

    fn secret(text: &str) -> Redacted<String> {
        Redacted::new(text.to_owned())
    }

    fn written(path: &Path) -> String {
        String::from_utf8(read_file(path, 1 << 20).expect("file")).expect("text")
    }

    #[test]
    fn a_login_is_added_and_everything_else_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("config.json");
        let before = r#"{"HttpHeaders":{"x": 1.0, "big":123456789012345678901234567890},"auths":{"ghcr.io":{"auth":"dTpw","email":"e"},
            "https://a.example/v2/":{"auth":"b2xkOm9sZA=="}},"plugins":{}}"#;
        fs::write(&file, before).expect("file");
        let path = store_login(folder.path(), "a.example", "u", &secret("p:q")).expect("stored");
        assert_eq!(path, file);
        let text = written(&file);
        // Not only the same number, but the same digits.
        assert!(text.contains(r#"{"x": 1.0, "big":123456789012345678901234567890}"#), "{text}");
        let after: Value = serde_json::from_str(&text).expect("JSON");
        let auths = json!({ "ghcr.io": { "auth": "dTpw", "email": "e" }, "a.example": { "auth": "dTpwOnE=" } });
        assert_eq!(after["auths"], auths);
        assert_eq!(after["plugins"], json!({}));
        assert_eq!(fs::metadata(&file).expect("file").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn folder_and_file_are_made_for_their_owner_and_docker_hub_has_its_old_name() {
        let home = tempfile::tempdir().expect("home");
        let folder = home.path().join("made");
        let path = store_login(&folder, "docker.io", "u", &secret("p")).expect("stored");
        assert_eq!(fs::metadata(&folder).expect("folder").permissions().mode() & 0o777, 0o700);
        assert!(written(&path).contains("\"https://index.docker.io/v1/\":{\"auth\":\"dTpw\"}"), "{}", written(&path));
    }

    #[test]
    fn a_link_stays_one() {
        let folder = tempfile::tempdir().expect("folder");
        let real = folder.path().join("real.json");
        fs::write(&real, "{}").expect("file");
        std::os::unix::fs::symlink(&real, folder.path().join("config.json")).expect("link");
        store_login(folder.path(), "a.example", "u", &secret("p")).expect("stored");
        assert!(fs::symlink_metadata(folder.path().join("config.json")).expect("link").is_symlink());
        assert!(written(&real).contains("a.example"));
    }

    #[test]
    fn what_a_helper_keeps_and_what_is_no_configuration_is_left_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("config.json");
        for (before, why) in [
            (r#"{"credHelpers":{"a.example":"ecr-login"}}"#, "docker-credential-ecr-login"),
            (r#"{"credsStore":"pass"}"#, "docker-credential-pass"),
            (r#"{"auths":[]}"#, "not a Docker configuration"),
            ("not json", "not a Docker configuration"),
            ("[]", ""),
        ] {
            fs::write(&file, before).expect("file");
            let error = store_login(folder.path(), "a.example", "u", &secret("hunter2")).expect_err(before).to_string();
            assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
            assert_eq!(written(&file), before);
        }
        fs::write(&file, r#"{"credHelpers":{"other.example":"x"}}"#).expect("file");
        store_login(folder.path(), "a.example", "u", &secret("p")).expect("another registry's helper");
        assert!(written(&file).contains("other.example"));
    }
}
