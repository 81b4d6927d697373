//! The platform an image runs on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `os/architecture[/variant]` in Go's words, as in an OCI index ("platform" of the image index specification).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// `GOOS`, for example `linux`.
    pub os: String,
    /// `GOARCH`, for example `amd64`.
    pub architecture: String,
    /// For example `v8` of arm64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// The platform this binary runs on, with the operating system that containers use.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self { os: "linux".into(), architecture: architecture.into(), variant: None }
    }

    /// Whether an image for `offered` serves a wish for `self`: a wish without a variant takes any variant, and arm64's
    /// `v8` is the same as none (containerd's platform normalization).
    pub fn accepts(&self, offered: &Platform) -> bool {
        fn plain(p: &Platform) -> Option<&str> {
            p.variant.as_deref().filter(|v| !(p.architecture == "arm64" && *v == "v8"))
        }
        self.os == offered.os
            && self.architecture == offered.architecture
            && (self.variant.is_none() || plain(self) == plain(offered))
    }

    /// BuildKit stores attestations beside images under this platform; such a manifest is not an image that runs.
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|v| write!(f, "/{v}"))
    }
}

/// A text that is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a platform, expected os/architecture[/variant], for example linux/amd64")]
pub struct PlatformError {
    /// The text as written.
    pub text: String,
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let fail = || PlatformError { text: text.chars().take(80).collect() };
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|p| p.is_empty() || !p.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))) {
            return Err(fail());
        }
        match parts.as_slice() {
            [os, architecture] => Ok(Self { os: (*os).into(), architecture: (*architecture).into(), variant: None }),
            [os, architecture, variant] => {
                Ok(Self { os: (*os).into(), architecture: (*architecture).into(), variant: Some((*variant).into()) })
            }
            _ => Err(fail()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> Platform {
        text.parse().expect("platform")
    }

    #[test]
    fn a_wish_without_a_variant_takes_any_and_arm64_v8_is_plain_arm64() {
        assert!(p("linux/arm64").accepts(&p("linux/arm64/v8")));
        assert!(p("linux/arm64/v8").accepts(&p("linux/arm64")));
        assert!(p("linux/arm").accepts(&p("linux/arm/v7")));
        assert!(!p("linux/arm/v6").accepts(&p("linux/arm/v7")));
        assert!(!p("linux/amd64").accepts(&p("linux/arm64")));
        assert!(!p("linux/amd64").accepts(&p("windows/amd64")));
    }

    #[test]
    fn malformed_platforms_are_refused() {
        for bad in ["", "linux", "linux/", "/amd64", "linux/amd64/v1/x", "linux/am d64", "linux/amd64\n"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad:?}");
        }
        assert_eq!(p("linux/arm/v7").to_string(), "linux/arm/v7");
        assert!(p("unknown/unknown").is_unknown());
    }
}
