//! Docker's `config.json`: credentials, or an error; neither shows a secret.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealwright_registry::Credentials;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join("sealwright-fuzz-docker-config");
    fs::create_dir_all(&folder).expect("a temporary folder");
    folder
});

fuzz_target!(|data: &[u8]| {
    fs::write(FOLDER.join("config.json"), data).expect("a temporary file");
    let shown = match Credentials::from_docker_config(Some(&FOLDER)) {
        Ok(credentials) => format!("{credentials:?}"),
        Err(error) => error.to_string(),
    };
    // The seeds have it where secrets stand; mutation may move it to the name of a user or registry as a whole.
    let secret = [r#""identitytoken":"hunter2""#, r#""registrytoken":"hunter2""#, r#""password":"hunter2""#];
    let text = String::from_utf8_lossy(data);
    if text.matches("hunter2").count() == 1 && secret.iter().any(|member| text.contains(member)) {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
});
