//! Checks bundles against trust roots, identities and policies; no network, no signing code.
