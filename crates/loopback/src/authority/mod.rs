//! A throw-away signing authority: OIDC issuer, Fulcio, certificate transparency log, Rekor v2 and timestamp authority in one process.
