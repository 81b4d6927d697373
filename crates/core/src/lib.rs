//! The words every other crate speaks: digests, references, packages, findings, limits and untrusted text.
//!
//! Layer 0: no I/O beyond a bounded read of a reader that is handed in, no clock, no environment, no parser frameworks.

pub mod bounded;
pub mod canonical_json;
mod causes;
mod decision;
mod digest;
mod finding;
mod inventory;
mod limits;
mod package;
mod platform;
mod purl;
mod redacted;
mod reference;
mod severity;
mod untrusted;

pub use causes::causes;
pub use decision::{Decision, Outcome, Refused, Waived};
pub use digest::{Digest, DigestError, Hasher};
pub use finding::{AdvisoryId, AffectedPackage, Finding, FindingId, Fix, Place, Vulnerability};
pub use inventory::{Dependency, Distribution, Inventory, PackageIndex};
pub use limits::Limits;
pub use package::{Location, Package, PackageKind, SourcePackage};
pub use platform::{Platform, PlatformError};
pub use purl::{Purl, PurlError};
pub use redacted::{Redacted, Secret, tell_secrets_to};
pub use reference::{ImageRef, PinnedRef, ReferenceError, Repository, is_loopback_host};
pub use severity::{Severity, SeverityError};
pub use untrusted::Untrusted;
