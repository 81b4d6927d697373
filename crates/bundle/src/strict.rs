//! JSON in which a key stands once: `serde_json` keeps the last of two, other readers the first.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::ShapeError;

/// Parses `bytes`, at most `limit` of them, and refuses a key that stands twice in one object, at any depth. `what` names
/// the document in the message.
///
/// # Errors
/// When the bytes are too many, not JSON of this shape, or ambiguous.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], what: &'static str, limit: u64) -> Result<T, ShapeError> {
    if bytes.len() as u64 > limit {
        return Err(ShapeError::TooLarge { what, limit });
    }
    serde_json::from_slice::<Unique>(bytes).map_err(|source| match source.to_string().split_once(DUPLICATE) {
        Some((_, rest)) => {
            ShapeError::DuplicateKey { what, key: rest.split('\u{1}').next().unwrap_or_default().to_owned() }
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn read(text: &str) -> Result<Value, ShapeError> {
        parse(text.as_bytes(), "document", 1_000)
    }

    #[test]
    fn two_keys_are_the_same_however_they_are_escaped() {
        for twice in
            [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"[[{"b":{},"a":[],"a":null}]]"#, r#"{"x":{"a":1,"a":1.5}}"#]
        {
            let error = read(twice).expect_err(twice);
            assert!(
                matches!(&error, ShapeError::DuplicateKey { what: "document", key } if key == "a"),
                "{twice}: {error}"
            );
        }
        // Spelled differently, or in another object, it is another key.
        for once in [r#"{"a":1,"A":2}"#, r#"{"a":{"a":1}}"#, r#"[{"a":1},{"a":2}]"#] {
            assert!(read(once).is_ok(), "{once}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_and_a_message_cannot_pass_for_a_duplicate() {
        for broken in ["", "{", "{} {}", "\u{feff}{}", r#"{"a":}"#, "nul"] {
            assert!(matches!(read(broken), Err(ShapeError::Json { .. })), "{broken:?}");
        }
        let nested = "[".repeat(100_000);
        let deep = parse::<Value>(nested.as_bytes(), "document", u64::MAX);
        assert!(matches!(deep, Err(ShapeError::Json { .. })));
    }

    proptest! {
        #[test]
        fn what_has_no_duplicate_is_read_as_serde_reads_it(value in json()) {
            let bytes = serde_json::to_vec(&value).expect("JSON");
            let read: Value = parse(&bytes, "document", bytes.len() as u64).expect("no key stands twice");
            prop_assert_eq!(read, value);
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
