//! Content digests: sha256 only, because it is the only algorithm that OCI registries, cosign and in-toto tooling all accept.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Digest as _;

/// A sha256 digest: 32 bytes, written `sha256:` and 64 lower-case hex digits (OCI image specification, "Digests").
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher.finish()
    }

    /// A digest from its 32 raw bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hex digits without the algorithm.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The first twelve hex digits, for places where a person reads and nothing is looked up by it.
    pub fn short(&self) -> String {
        self.hex().chars().take(12).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// No `algorithm:` in front.
    #[error("digest has no algorithm, expected sha256:<64 hex digits>")]
    NoAlgorithm,
    /// Another algorithm than sha256.
    #[error("digest algorithm {algorithm:?} is not supported, expected sha256")]
    UnsupportedAlgorithm {
        /// The algorithm as written.
        algorithm: String,
    },
    /// Not 64 lower-case hex digits.
    #[error("digest is not 64 lower-case hex digits after sha256:")]
    BadHex,
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text.split_once(':').ok_or(DigestError::NoAlgorithm)?;
        if algorithm != "sha256" {
            return Err(DigestError::UnsupportedAlgorithm { algorithm: algorithm.chars().take(32).collect() });
        }
        // `hex` decodes upper case too, but the grammar of a registered sha256 digest is lower case only.
        if hex.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(DigestError::BadHex);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(hex, &mut bytes).map_err(|_| DigestError::BadHex)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A running sha256.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Nothing hashed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was added.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_digest_is_the_published_one() {
        // FIPS 180-4 test vector for the empty message.
        let expected = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), expected);
        assert_eq!(expected.parse(), Ok(Digest::of(b"")));
    }

    #[test]
    fn the_digest_of_abc_is_the_published_one_in_every_form() {
        // FIPS 180-4, example SHA-256 of "abc", in pieces.
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let mut hasher = Hasher::new();
        hasher.update(b"a");
        hasher.update(b"bc");
        let digest = hasher.finish();
        assert_eq!((digest.hex().as_str(), digest.short().as_str()), (hex, "ba7816bf8f01"));
        assert_eq!(format!("{digest:?}"), format!("sha256:{hex}"));
        assert_eq!(hex::encode(digest.as_bytes()), hex);
        assert_eq!(Digest::from_bytes(*digest.as_bytes()), Digest::of(b"abc"));
    }

    #[test]
    fn malformed_digests_are_refused() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex.parse::<Digest>(), Err(DigestError::NoAlgorithm));
        assert_eq!(
            format!("md5:{hex}").parse::<Digest>(),
            Err(DigestError::UnsupportedAlgorithm { algorithm: "md5".into() })
        );
        for bad in [&hex[1..], &hex.to_uppercase(), &format!("{hex}0"), "", "zz"] {
            assert_eq!(format!("sha256:{bad}").parse::<Digest>(), Err(DigestError::BadHex), "{bad}");
        }
    }
}
