//! Operating systems: package databases, and the name of the system.

pub(crate) mod apk;
pub(crate) mod dpkg;
pub(crate) mod os_release;
pub(crate) mod well_known;
