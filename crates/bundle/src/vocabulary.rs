//! Words in our statements that both their writer (`attest`) and their reader (`verify`) have to spell the same.

use serde_json::Value;

/// The annotation of a subject that names the source repository: `owner/name`.
pub const SOURCE_REPOSITORY: &str = "dev.sealwright.source.repository";
/// The annotation that names the repository by the number that survives a rename.
pub const SOURCE_REPOSITORY_ID: &str = "dev.sealwright.source.repository-id";
/// The annotation that names the repository's owner by number.
pub const SOURCE_OWNER_ID: &str = "dev.sealwright.source.owner-id";
/// The annotation that names the full ref.
pub const SOURCE_REF: &str = "dev.sealwright.source.ref";
/// The annotation that names the commit.
pub const SOURCE_COMMIT: &str = "dev.sealwright.source.commit";

/// The `verifier.id` of a decision.
pub const VERIFIER: &str = "https://sealwright.dev/seal";
/// The build type of images that were built before `seal` saw them: what ran is not known, only who says so.
pub const SEALED: &str = "https://sealwright.dev/buildtypes/sealed/v1";
/// The build type of images that our reusable workflows build: who called them, and with which declared inputs.
pub const SEAL_WORKFLOW: &str = "https://sealwright.dev/buildtypes/workflow/v1";
/// The declared inputs of those workflows that say what is built and where it goes. A verifier knows them, and refuses others
/// that have a value (SLSA v1.2, "Verifying artifacts": unknown external parameters). Where advisories come from is not among them:
/// that decides what the gate knows, and a trust file has to accept it.
pub const SEAL_INPUTS: [&str; 20] = [
    "push",
    "context",
    "dockerfile",
    "target",
    "build-args",
    "labels",
    "platforms",
    "policy",
    "transparency",
    "instance",
    "format",
    "push-to-github",
    "aws-role",
    "key",
    "kms-role",
    "vault-address",
    "vault-role",
    "vault-auth",
    "vault-key-version",
    "registry-username",
];
/// GitHub's own build type for workflows (actions/buildtypes, `workflow/v1`).
pub const GITHUB_WORKFLOW: &str = "https://actions.github.io/buildtypes/workflow/v1";

/// The external parameters that a build type is known to have, without those that change what is built as somebody likes.
pub const KNOWN_PARAMETERS: [(&str, &[&str]); 4] = [
    (GITHUB_WORKFLOW, &["workflow"]),
    (SEAL_WORKFLOW, &["workflow"]),
    ("https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1", &["workflow"]),
    (SEALED, &["source"]),
];

/// Whether an external parameter says nothing, as one that a caller left out: it changes no build, whatever its name is.
pub fn has_no_value(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The level in a decision's `verifiedLevels` that says that the gate let the image pass.
pub const GATE_LEVEL: &str = "SEALWRIGHT_GATE";
/// The member of a decision that lists waivers. SLSA asks for `<vendor>_<field>` (SLSA v1.0, "Parsing rules").
pub const WAIVERS: &str = "sealwright_waivers";
