//! Client of the distribution specification 1.1: resolve, blobs, manifests, tags and referrers.
//!
//! Nothing that a registry says about bytes is believed: manifests are hashed here, blobs by whoever reads them. A `401`,
//! `403` or `5xx` is never read as "there is nothing". Plain HTTP is spoken to this machine only.

mod attach;
mod authorization;
mod blob;
mod challenge;
mod client;
mod clock;
mod credentials;
mod docker_config;
mod docker_login;
mod error;
mod fallback_tag;
mod http;
mod legacy_tag;
mod link;
mod manifest;
mod referrers;
mod remote_image;
mod retry;
mod shared_tag;
mod upload;

pub use attach::{Artifact, Attached, CREATED_ANNOTATION, PREDICATE_TYPE_ANNOTATION};
pub use client::{Client, Options, PlainHttp};
pub use credentials::{Credentials, Login, LoginProvider, NoLogin, ProvidedLogin};
pub use docker_login::{check_helper, store_login};
pub use error::{Answer, Asked, RegistryError};
pub use legacy_tag::LegacyTag;
pub use referrers::{Referrers, Via};
pub use remote_image::RemoteImage;
pub use retry::Backoff;
pub use upload::Pushed;
