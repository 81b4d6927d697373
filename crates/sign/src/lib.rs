//! Signers: key files and keyless; the only place that sees key material.
