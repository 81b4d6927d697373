//! `policies/` and `charts/sealwright-policies`: what `sealwright policy render` writes for the trust file in `policies/`.

use sealwright_admission::render::{HELM_CHART, Settings, helm, kyverno};
use sealwright_core::bounded::read_file;

use crate::process::root;

/// Its trust file is a page at most, in bytes.
const LIMIT: u64 = 1 << 16;

/// Every file of the bundle that is rendered: its path in the repository, and its text.
pub(crate) fn bundle() -> Result<Vec<(String, String)>, String> {
    let name = "policies/sealwright.yaml";
    let bytes = read_file(&root().join(name), LIMIT).map_err(|e| format!("{name}: {e}"))?;
    let policy = sealwright_policy::parse(&bytes, name, &|_| Err("the example has no parent".into()));
    let (policy, settings) = (policy.map_err(|e| e.to_string())?, Settings::default());
    let mut files = Vec::new();
    for (folder, rendered) in [
        ("policies".to_owned(), kyverno(&policy, &settings)),
        (format!("charts/{HELM_CHART}"), helm(&policy, &settings)),
    ] {
        let rendered = rendered.map_err(|e| e.to_string())?;
        files.extend(rendered.files.into_iter().map(|(path, text)| (format!("{folder}/{path}"), text)));
    }
    Ok(files)
}
