//! Checks bundles against trust roots, identities and policies; no network, no signing code.
//!
//! One exception to "time is an argument": `sigstore-verify` itself looks at the clock to see whether the trusted root's
//! keys are in force.

mod builder_anchor;
mod check;
mod claims;
mod content;
mod identity;
mod image;
mod instance;
mod key;
mod provenance;
mod signers;
mod source;
mod verify_bundle;
mod voucher;

pub use builder_anchor::{AnchorError, BuilderAnchor};
pub use check::{CHECKS, Check, CheckInfo, CountedStatement, Outcome, Report};
pub use claims::{ClaimRules, NamedClaims, TriggerRule};
pub use identity::{IdentityRule, IssuerRule};
pub use image::{EvidenceItem, ImageEvidence, MOST_BUNDLES, Requirement, verify_image};
pub use instance::Proof;
pub use key::{KeyError, PublicKey};
pub use sigstore_crypto::FulcioCiClaims;
pub use sigstore_trust_root::{TimeRange, TrustedRoot};
pub use source::NamedSource;
pub use verify_bundle::{
    Anchor, Refusal, Signed, Verified, VerifiedSigner, verify_bundle, verify_file, verify_simple_signing,
};
pub use voucher::{LogEntry, TimeSource, Vouchers};
