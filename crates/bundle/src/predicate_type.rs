//! What a statement says about its subject, by URI.

use sealwright_core::Digest;

/// A signature: "this is mine" (cosign v3, `cosign sign`).
pub const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
/// A CycloneDX document.
pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
/// An SPDX document.
pub const SPDX: &str = "https://spdx.dev/Document";
/// An SPDX document as GitHub's `actions/attest` names it.
pub const SPDX_V2_3: &str = "https://spdx.dev/Document/v2.3";
/// A vulnerability scan (cosign, `specs/COSIGN_VULN_ATTESTATION_SPEC.md`).
pub const VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
/// A verification summary (SLSA, "Verification Summary Attestation"): the gate's decision.
pub const VERIFICATION_SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
/// Provenance (SLSA v1.0).
pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// Provenance (SLSA v0.2), as slsa-github-generator writes it.
pub const PROVENANCE_V0_2: &str = "https://slsa.dev/provenance/v0.2";
/// OpenVEX.
pub const OPENVEX: &str = "https://openvex.dev/ns";

/// The URI of one of cosign's short words, or the text itself if it is a URI (cosign, `options/predicate.go`).
pub fn from_word(word: &str) -> Option<&str> {
    match word {
        "cyclonedx" => Some(CYCLONEDX),
        "spdx" | "spdxjson" => Some(SPDX),
        "vuln" => Some(VULN),
        "slsaprovenance1" => Some(PROVENANCE),
        "slsaprovenance" | "slsaprovenance02" => Some(PROVENANCE_V0_2),
        "openvex" => Some(OPENVEX),
        "link" => Some("https://in-toto.io/Link/v1"),
        "custom" => Some("https://cosign.sigstore.dev/attestation/v1"),
        uri if uri.contains("://") => Some(uri),
        _ => None,
    }
}

/// A word for a type in the name of a file; of one that has none it is a digest of the URI.
pub fn file_word(uri: &str) -> String {
    let words = [
        ("signature", SIGNATURE),
        ("cyclonedx", CYCLONEDX),
        ("spdx", SPDX),
        ("spdx-2.3", SPDX_V2_3),
        ("vuln", VULN),
        ("decision", VERIFICATION_SUMMARY),
        ("provenance", PROVENANCE),
        ("provenance-0.2", PROVENANCE_V0_2),
        ("openvex", OPENVEX),
    ];
    let known = words.iter().find(|(_, known)| *known == uri).map(|(word, _)| (*word).to_owned());
    known.unwrap_or_else(|| Digest::of(uri.as_bytes()).hex().chars().take(12).collect())
}

/// How a type is spelled by those who write it: cosign and GitHub name SPDX differently.
pub fn spellings(uri: &str) -> Vec<&str> {
    if [SPDX, SPDX_V2_3].contains(&uri) { vec![SPDX, SPDX_V2_3] } else { vec![uri] }
}

/// Whether two URIs name one type.
pub fn is_same(one: &str, other: &str) -> bool {
    spellings(one).contains(&other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_cosigns_and_a_uri_stands_for_itself() {
        // cosign v3.1.2, cmd/cosign/cli/options/predicate.go.
        for (word, uri) in [
            ("cyclonedx", "https://cyclonedx.org/bom"),
            ("spdx", "https://spdx.dev/Document"),
            ("spdxjson", "https://spdx.dev/Document"),
            ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
            ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
            ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
            ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
            ("openvex", "https://openvex.dev/ns"),
            ("link", "https://in-toto.io/Link/v1"),
            ("custom", "https://cosign.sigstore.dev/attestation/v1"),
            ("https://example.com/x", "https://example.com/x"),
        ] {
            assert_eq!(from_word(word), Some(uri));
        }
        assert_eq!(from_word("sbom"), None);
    }

    #[test]
    fn every_type_has_a_word_that_is_a_file_name() {
        assert_eq!(file_word(VULN), "vuln");
        let other = file_word("https://example.com/../etc/passwd");
        assert!(other.len() == 12 && other.bytes().all(|b| b.is_ascii_hexdigit()), "{other}");
    }

    #[test]
    fn spdx_has_two_spellings_and_nothing_else_has() {
        assert!(is_same(SPDX, SPDX_V2_3) && is_same(SPDX_V2_3, SPDX) && is_same(SPDX, SPDX));
        for (one, other) in [(SPDX, CYCLONEDX), (PROVENANCE, PROVENANCE_V0_2), (SPDX, "https://spdx.dev/Document/v9")] {
            assert!(!is_same(one, other) && !is_same(other, one), "{one} {other}");
        }
    }
}
