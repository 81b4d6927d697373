//! `policies/` and `charts/sealwright-policies`: what `sealwright policy render` writes for the trust files in `policies/`: the bundle, as
//! Kustomize's tree and as a chart, and its variants.

use std::collections::BTreeMap;

use sealwright_admission::render::{
    HELM_CHART, Inexpressible, Instance, Rendered, Settings, helm, kyverno, kyverno_legacy, policy_controller,
};
use sealwright_core::bounded::read_file;
use sealwright_policy::{BuilderIdentity, Policy};

use crate::process::root;

/// No file that something is rendered from is larger, in bytes.
const LIMIT: u64 = 1 << 16;

type Render = fn(&Policy, &Settings) -> Result<Rendered, Inexpressible>;

/// A folder of `policies/variants`, whose README names the same flags.
struct Variant {
    folder: &'static str,
    render: Render,
    /// What of the rendered folder is kept: only what differs from the bundle.
    kept: (&'static str, &'static str),
    kms: Option<(&'static str, &'static str)>,
    instance: fn(&str) -> Result<Instance, String>,
}

const SIGNATURE: (&str, &str) = ("base/signature/policy.yaml", "signature/policy.yaml");
const WHOLE: (&str, &str) = ("policy.yaml", "policy.yaml");

const VARIANTS: [Variant; 7] = [
    Variant { folder: "key", render: kyverno, kept: SIGNATURE, kms: None, instance: public_good },
    Variant {
        folder: "aws-kms",
        render: kyverno,
        kept: SIGNATURE,
        kms: Some(("release", "awskms:///arn:aws:kms:eu-west-1:111122223333:key/0f4b8e5e-0000-4000-8000-000000000000")),
        instance: public_good,
    },
    Variant { folder: "vault-key", render: kyverno, kept: SIGNATURE, kms: None, instance: public_good },
    Variant { folder: "github-instance", render: kyverno, kept: SIGNATURE, kms: None, instance: trusted_root },
    Variant { folder: "private-instance", render: kyverno, kept: SIGNATURE, kms: None, instance: tuf },
    Variant { folder: "kyverno-legacy", render: kyverno_legacy, kept: WHOLE, kms: None, instance: public_good },
    Variant { folder: "policy-controller", render: policy_controller, kept: WHOLE, kms: None, instance: public_good },
];

/// Every file that is rendered: its path in the repository, and its text.
pub(crate) fn files() -> Result<Vec<(String, String)>, String> {
    let (policy, settings) = (trust_file("policies")?, Settings::default());
    let mut files = Vec::new();
    for (folder, rendered) in [
        ("policies".to_owned(), kyverno(&policy, &settings)),
        (format!("charts/{HELM_CHART}"), helm(&policy, &settings)),
    ] {
        let rendered = rendered.map_err(|e| e.to_string())?;
        files.extend(rendered.files.into_iter().map(|(path, text)| (format!("{folder}/{path}"), text)));
    }
    for variant in &VARIANTS {
        files.push(variant.file()?);
    }
    Ok(files)
}

impl Variant {
    fn file(&self) -> Result<(String, String), String> {
        let folder = format!("policies/variants/{}", self.folder);
        let policy = trust_file(&folder)?;
        let mut keys = BTreeMap::new();
        for builder in &policy.builders {
            if let BuilderIdentity::Key(rule) = &builder.identity {
                keys.insert(builder.name.clone(), text(&format!("{folder}/{}", rule.file))?);
            }
        }
        let kms = self.kms.into_iter().map(|(name, uri)| (name.to_owned(), uri.to_owned())).collect();
        let settings = Settings { keys, kms, instance: (self.instance)(&folder)?, ..Settings::default() };
        let rendered = (self.render)(&policy, &settings).map_err(|e| format!("{folder}: {e}"))?;
        let (from, to) = self.kept;
        let found = rendered.files.into_iter().find(|(path, _)| path == from);
        let (_, text) = found.ok_or_else(|| format!("{folder}: no {from} is rendered"))?;
        Ok((format!("{folder}/{to}"), text))
    }
}

fn trust_file(folder: &str) -> Result<Policy, String> {
    let name = format!("{folder}/sealwright.yaml");
    let policy = sealwright_policy::parse(text(&name)?.as_bytes(), &name, &|_| Err("the example has no parent".into()));
    policy.map_err(|e| e.to_string())
}

fn text(name: &str) -> Result<String, String> {
    let bytes = read_file(&root().join(name), LIMIT).map_err(|e| format!("{name}: {e}"))?;
    String::from_utf8(bytes).map_err(|e| format!("{name}: {e}"))
}

fn public_good(_folder: &str) -> Result<Instance, String> {
    Ok(Instance::PublicGood)
}

/// `--trusted-root trusted-root.json`, as the command writes it.
fn trusted_root(folder: &str) -> Result<Instance, String> {
    let name = format!("{folder}/trusted-root.json");
    let value: serde_json::Value = serde_json::from_str(&text(&name)?).map_err(|e| format!("{name}: {e}"))?;
    Ok(Instance::TrustedRoot { json: format!("{value:#}\n"), logs: value.get("tlogs").is_some() })
}

/// `--tuf https://tuf.example --tuf-root example-root.json`.
fn tuf(folder: &str) -> Result<Instance, String> {
    let root = text(&format!("{folder}/example-root.json"))?;
    Ok(Instance::Tuf { url: "https://tuf.example".to_owned(), root: Some(root.into_bytes()) })
}
