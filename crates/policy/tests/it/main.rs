//! Trust files as people write them, right and wrong.

#![expect(clippy::expect_used, reason = "a broken fixture fails the test")]

mod canonical;
mod errors;
mod rules;
mod schema;
mod tighten;

use sealwright_core::Digest;
use sealwright_policy::{Policy, PolicyError, parse};

const NO_PARENT: &dyn Fn(&str) -> Result<Vec<u8>, String> = &|_| Err("there is none".into());

/// A file with everything in it.
pub(crate) const WHOLE: &str = r#"version: 1
images: ["registry.example/shop/**"]
builders:
  - name: release
    source: { repository: acme/shop, repository-id: 123456, owner-id: 42, refs: [refs/heads/main, "refs/tags/v*"] }
    keyless:
      issuer: github
      workflow: { path: acme/ci/.github/workflows/seal.yml, tags: ["v1.2.*"], commits: ["0123456789abcdef0123456789abcdef01234567"] }
      runner: github-hosted
      triggers: [release, push]
    evidence: { provenance: { level: 3, parameters: [inputs] } }
  - name: by-hand
    key: cosign.pub
    transparency: none
evidence:
  signature: { threshold: 2, of: [release, by-hand] }
  decision: optional
  sbom: { formats: [spdx, cyclonedx], required: true }
  scan: { required: true, max-age: 7d }
  provenance: { required: true, level: 1 }
gate:
  fail-on: high
  unknown-severity: report
  known-exploited: fail
  only-fixed: true
  unknown-distro: report
  max-advisory-age: off
  contents: { deny: ["**/.env", "**/.git/**"] }
  waivable: [low, medium]
  waivers:
    - { id: CVE-2024-0001, package: "pkg:deb/debian/zlib1g", reason: "not reachable", owner: "@sec", expires: 2027-01-31 }
"#;

pub(crate) fn read(text: &str) -> Result<Policy, PolicyError> {
    parse(text.as_bytes(), "trust.yaml", NO_PARENT)
}

/// A child of `parent`, with the right digest.
pub(crate) fn child(parent: &str, child: &str) -> Result<Policy, PolicyError> {
    let digest = Digest::of(parent.as_bytes()).hex();
    let text = format!("version: 1\nextends: {{ file: org.yaml, sha256: \"{digest}\" }}\n{child}");
    parse(text.as_bytes(), "trust.yaml", &|file| {
        if file == "org.yaml" { Ok(parent.as_bytes().to_vec()) } else { Err("no such file".into()) }
    })
}
