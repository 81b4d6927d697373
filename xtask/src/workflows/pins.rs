//! What the workflows use of others, by commit or digest.
//!
//! Each was confirmed in November 2026 in files of different public projects that name the same commit or digest, and in some of them
//! beside the same version; how many were read is said beside each. A pin that is changed is confirmed in the same way, and
//! where the network allows by `git ls-remote` or the registry itself.

/// An action by commit, a workflow by tag, or an image by digest.
#[derive(Debug)]
pub(crate) struct Pin {
    /// For example `actions/checkout`.
    pub(crate) name: &'static str,
    /// Its release.
    pub(crate) version: &'static str,
    /// A commit, or `sha256:…`; of a workflow by tag, the tag.
    pub(crate) pin: &'static str,
    /// What it is for.
    pub(crate) about: &'static str,
    /// How many independent files confirmed it.
    pub(crate) confirmed: &'static str,
}

pub(crate) const PINS: [Pin; 6] = [
    Pin {
        name: "actions/checkout",
        version: "v7.0.1",
        pin: "3d3c42e5aac5ba805825da76410c181273ba90b1",
        about: "the commit that is built, and the trust file",
        confirmed: "ten files",
    },
    Pin {
        name: "actions/upload-artifact",
        version: "v7.0.1",
        pin: "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a",
        about: "hands an image or reports to the next job",
        confirmed: "ten files, three of them with the version",
    },
    Pin {
        name: "actions/download-artifact",
        version: "v8.0.1",
        pin: "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
        about: "takes them over, by id",
        confirmed: "ten files, six of them with the version",
    },
    Pin {
        name: "moby/buildkit",
        version: "v0.32.2",
        pin: "sha256:28a898719c18a33f4e8000685287fa36fd0dd9560c6440227d3a732d79bb41d8",
        about: "runs the Dockerfile",
        confirmed: "ten files, six of them with the version",
    },
    Pin {
        name: "tonistiigi/binfmt",
        version: "qemu-v10.2.3-68",
        pin: "sha256:400a4873b838d1b89194d982c45e5fb3cda4593fbfd7e08a02e76b03b21166f0",
        about: "registers emulators, only where a foreign platform is asked for",
        confirmed: "ten files, three of them with the version",
    },
    Pin {
        name: "slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml",
        version: "v2.1.0",
        pin: "v2.1.0",
        about: "makes the classic provenance, only in slsa-generator.yml; by tag, because its verifier demands that",
        confirmed: "ten files, and its own documents",
    },
];
