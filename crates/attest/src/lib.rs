//! Statements about a digest: SBOM, scan, decision and provenance, ready to sign.
