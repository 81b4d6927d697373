//! A token, and how it is changed.

use sealwright_workload::Claims;
use serde_json::{Value, json};

/// A release by a reusable workflow, of a repository whose subjects have the immutable form.
pub(crate) fn token() -> Value {
    json!({
        "iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com",
        "sub": "repo:acme@7890/shop@123456:ref:refs/heads/main", "repository": "acme/shop", "repository_id": "123456",
        "repository_owner": "acme", "repository_owner_id": "7890", "ref": "refs/heads/main", "event_name": "push",
        "job_workflow_ref": "acme/ci/.github/workflows/seal.yml@refs/tags/v2.1", "runner_environment": "github-hosted",
    })
}

pub(crate) fn changed(mut value: Value, changes: Value) -> Value {
    let changes = changes.as_object().expect("object").clone();
    value.as_object_mut().expect("object").extend(changes);
    value
}

pub(crate) fn claims(token: &Value) -> Claims {
    Claims::of_json(token.to_string().as_bytes()).expect("claims")
}
