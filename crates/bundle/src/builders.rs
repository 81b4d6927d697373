//! Reusable workflows whose design is known: what they are, and the SLSA build level that it supports.
//!
//! A certificate says which workflow signed. Whether that one also built, and out of the reach of whoever called it, follows from
//! the workflow's own text, so that somebody has to have read it.

/// A reusable workflow that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownBuilder {
    /// `owner/name/.github/workflows/file.yml`.
    pub path: &'static str,
    /// The most that its design supports (SLSA v1.2, "Build track").
    pub level: u8,
    /// Why not more, or not less.
    pub why: &'static str,
}

/// Our own first. Of others those that many use (docker/github-builder v1.17.0, slsa-github-generator v2.1.0).
pub const KNOWN_BUILDERS: [KnownBuilder; 6] = [
    KnownBuilder {
        path: "sealwright/sealwright/.github/workflows/seal.yml",
        level: 3,
        why: "it builds in a job without tokens, and signs in another one what that job's bytes are",
    },
    KnownBuilder {
        path: "sealwright/sealwright/.github/workflows/seal-existing.yml",
        level: 2,
        why: "it signs an image that its caller built",
    },
    KnownBuilder {
        path: "docker/github-builder/.github/workflows/build.yml",
        level: 3,
        why: "it builds from a commit that it fetches itself, without steps of its caller",
    },
    KnownBuilder {
        path: "docker/github-builder/.github/workflows/bake.yml",
        level: 3,
        why: "it builds from a commit that it fetches itself, without steps of its caller",
    },
    KnownBuilder {
        path: "slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml",
        level: 2,
        why: "it takes the digest from its caller, who built the image",
    },
    KnownBuilder {
        path: "slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml",
        level: 2,
        why: "it takes the digest from its caller, who built the artifact",
    },
];

/// The one that a signer workflow's address names, `https://github.com/OWNER/NAME/.github/workflows/FILE@REF`.
pub fn known_builder(uri: &str) -> Option<&'static KnownBuilder> {
    let (path, _) = uri.strip_prefix("https://github.com/")?.split_once('@')?;
    KNOWN_BUILDERS.iter().find(|known| known.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builder_is_known_by_all_of_its_path() {
        let level = |uri: &str| known_builder(uri).map(|known| known.level);
        let ours = "sealwright/sealwright/.github/workflows/seal.yml";
        assert_eq!(level(&format!("https://github.com/{ours}@refs/tags/v1.0.0")), Some(3));
        for other in [
            format!("https://github.com/{ours}"),
            format!("https://github.com/mallory/{ours}@refs/tags/v1"),
            format!("https://github.example/{ours}@refs/tags/v1"),
            format!("https://github.com/{ours}/../x.yml@refs/tags/v1"),
            "https://github.com/sealwright/sealwright/.github/workflows/Seal.yml@refs/tags/v1".to_owned(),
        ] {
            assert_eq!(level(&other), None, "{other}");
        }
    }
}
