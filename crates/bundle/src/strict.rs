//! JSON in which a key stands once: `serde_json` keeps the last of two, other readers the first.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::ShapeError;

/// Parses `bytes`, at most `limit` of them.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8], what: &'static str, limit: u64) -> Result<T, ShapeError> {
    if bytes.len() as u64 > limit {
        return Err(ShapeError::TooLarge { what, limit });
    }
    serde_json::from_slice::<Unique>(bytes).map_err(|source| match source.to_string().split_once(DUPLICATE) {
        Some((_, rest)) => ShapeError::DuplicateKey { what, key: rest.split('\u{1}').next().unwrap_or_default().to_owned() },
        None => ShapeError::Json { what, source },
    })?;
    serde_json::from_slice(bytes).map_err(|source| ShapeError::Json { what, source })
}

const DUPLICATE: &str = "duplicate key \u{1}";

/// A value that was looked at and not kept.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
        while access.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = access.next_key::<String>()? {
            if keys.contains(&key) {
                return Err(A::Error::custom(format!("{DUPLICATE}{}\u{1}", crate::clip(&key))));
            }
            keys.insert(key);
            access.next_value::<Unique>()?;
        }
        Ok(Unique)
    }
}
