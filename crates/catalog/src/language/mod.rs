//! Packages of languages: installed metadata, and build information inside executables.

pub(crate) mod cargo;
pub(crate) mod composer;
pub(crate) mod go;
pub(crate) mod npm;
pub(crate) mod python;
