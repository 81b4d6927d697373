//! Shapes of in-toto statements, predicates, DSSE envelopes and Sigstore bundles.
