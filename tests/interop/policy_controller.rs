//! Sigstore's policy-controller, by its own tester, judges what `policy render --format policy-controller` writes.
//!
//! Engine and cryptography are those of the webhook; not tried is what needs a cluster: which namespaces it looks at, that tags
//! become digests, its configuration.

use std::process::Command;

use sealwright_loopback::authority::Logs;

use crate::admission::images::Images;
use crate::admission::signer::Variant;
use crate::peer::{Said, peer, say};

#[test]
fn what_was_sealed_by_a_workflow_is_admitted_and_nothing_else() {
    // Of a TUF repository the tester, unlike the webhook, reads older targets than `trusted_root.json`, and keys of logs are not read
    // from a TrustRoot with bundles: an instance like GitHub's, without logs.
    let images = Images::with(Variant::Keyless, Logs::Absent);
    images.render_for("policy-controller", "controller", &["--trusted-root", "trusted-root.json"].map(str::to_owned));
    let said = judged(&images, &images.pinned("good"));
    assert_eq!(said.code(), 0, "{}\n{}", said.stdout, said.stderr);
    for (name, word) in [
        ("unsigned", "no valid bundles exist in registry"),
        ("only-sbom", "https://sigstore.dev/cosign/sign/v1"),
        ("no-signature", "https://sigstore.dev/cosign/sign/v1"),
        ("no-sbom", "https://cyclonedx.org/bom"),
        ("no-provenance", "https://slsa.dev/provenance/v1"),
        ("no-decision", "https://slsa.dev/verification_summary/v1"),
        ("no-scan", "https://cosign.sigstore.dev/attestation/vuln/v1"),
        ("foreign-provenance", "of another repository than acme/shop"),
        ("foreign-ref", "of another repository, ref or commit"),
        ("failing-scan", "found what the rules refuse"),
        ("mallory", "of another repository"),
        ("stranger", "no matching attestations"),
        ("evil-repository", "no matching attestations with type https://sigstore.dev/cosign/sign/v1"),
        ("other-workflow", "no matching attestations with type https://sigstore.dev/cosign/sign/v1"),
        ("branch", "no matching attestations with type https://sigstore.dev/cosign/sign/v1"),
        ("other-tag", "no matching attestations with type https://sigstore.dev/cosign/sign/v1"),
    ] {
        let said = judged(&images, &images.pinned(name));
        println!("{name}: {} {}", said.code(), said.stdout.trim());
        assert_eq!(said.code(), 1, "{name}: {}\n{}", said.stdout, said.stderr);
        assert!(said.stdout.contains("\"errors\"") && said.stdout.contains(word), "{name}: {}", said.stdout);
    }
    // What the notes tell: one statement that passes is enough, and whose run a signature is of is not seen.
    for name in ["failing-scan-first", "failing-scan-last", "mallory-signature"] {
        let said = judged(&images, &images.pinned(name));
        assert_eq!(said.code(), 0, "{name}: {}", said.stdout);
    }
}

fn judged(images: &Images, image: &str) -> Said {
    let mut command = Command::new(peer("SEALWRIGHT_POLICY_TESTER"));
    command.current_dir(images.path()).env("HOME", images.path()).env("TUF_ROOT", images.path().join("controller-tuf"));
    command.args(["-log-level", "error", "-policy", "controller/policy.yaml"]);
    say(command.args(["-trustroot", "controller/trust-root.yaml", "-image", image]))
}
