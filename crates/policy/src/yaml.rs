//! YAML as a tree in which every key and value knows its place.
//!
//! The parser's budgets bound depth, nodes and what aliases expand to; the caller bounds the bytes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::error::Position;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it starts; of an alias, where the alias stands.
    pub at: Position,
    /// What it is.
    pub value: Yaml,
}

/// A value of YAML's core schema.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; one that does not fit is a text.
    Integer(i64),
    /// Another number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Where it starts.
    pub at: Position,
    /// The key.
    pub text: String,
}

/// Parses one document. Duplicate keys, aliases that expand without end and several documents are errors of the parser.
pub(crate) fn parse(text: &str) -> Result<Node, (Position, String)> {
    serde_saphyr::from_str::<Spanned<Yaml>>(text).map(Node::from).map_err(|error| told(&error))
}

/// Parses a stream of documents; empty ones are left out.
///
/// # Errors
/// The place and a line of text, as for one document. No document of such a stream is given: the rest cannot be told apart.
pub fn parse_documents(text: &str) -> Result<Vec<Node>, (Position, String)> {
    let documents = serde_saphyr::from_multiple::<Spanned<Yaml>>(text).map_err(|error| told(&error))?;
    Ok(documents.into_iter().map(Node::from).collect())
}

fn told(error: &serde_saphyr::Error) -> (Position, String) {
    (error.location().map(position).unwrap_or_default(), first_line(&error.to_string()))
}

/// The parser's messages show an excerpt of the file below their first line.
fn first_line(message: &str) -> String {
    message.lines().find(|line| !line.trim().is_empty()).unwrap_or("not YAML").trim_start_matches("error: ").to_owned()
}

fn position(location: Location) -> Position {
    Position { line: location.line(), column: location.column() }
}

impl From<Spanned<Yaml>> for Node {
    fn from(spanned: Spanned<Yaml>) -> Self {
        Self { at: position(spanned.referenced), value: spanned.value }
    }
}

impl Node {
    /// The value of a key of a map.
    pub fn member(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|(known, _)| known.text == key).map(|(_, value)| value)
    }

    /// Down through maps.
    pub fn descend(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.member(key))
    }

    /// The members of a map; of anything else none.
    pub fn members(&self) -> &[(Key, Self)] {
        if let Yaml::Map(members) = &self.value { members } else { &[] }
    }

    /// The items of a list; of anything else none.
    pub fn items(&self) -> &[Self] {
        if let Yaml::List(items) = &self.value { items } else { &[] }
    }

    /// A text.
    pub fn text(&self) -> Option<&str> {
        if let Yaml::Text(text) = &self.value { Some(text) } else { None }
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Option<bool> {
        if let Yaml::Bool(flag) = self.value { Some(flag) } else { None }
    }
}

impl Yaml {
    /// The kind in words, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Yaml, E> {
        Ok(i64::try_from(value).map_or_else(|_| Yaml::Text(value.to_string()), Yaml::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Yaml>>()? {
            items.push(Node::from(item));
        }
        Ok(Yaml::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let value = access.next_value::<Spanned<Yaml>>()?;
            members.push((Key { at: position(key.referenced), text: key.value }, Node::from(value)));
        }
        Ok(Yaml::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_their_places_and_a_key_twice_is_an_error() {
        let node = parse("a: 1\nb:\n  - x\n  - {c: off}\n").expect("yaml");
        let Yaml::Map(members) = node.value else { panic!("a map") };
        let (key, value) = &members[1];
        assert_eq!((key.at.line, key.text.as_str()), (2, "b"));
        let Yaml::List(items) = &value.value else { panic!("a list") };
        assert_eq!((items[0].at.line, items[0].at.column), (3, 5));
        let (at, message) = parse("a: 1\nb: 2\na: 3\n").expect_err("twice");
        assert_eq!(at.line, 3, "{message}");
        assert!(message.to_lowercase().contains("duplicate"), "{message}");
        assert!(parse("a: [").is_err());
    }

    #[test]
    fn documents_of_a_stream_keep_their_places_and_empty_ones_are_left_out() {
        let documents = parse_documents("---\na: {b: x}\n---\n---\n# only a comment\n---\nc: [true]\n").expect("yaml");
        assert_eq!(documents.len(), 2);
        let found = documents[0].descend(&["a", "b"]).expect("member");
        assert_eq!((found.text(), found.at.line), (Some("x"), 2));
        let list = documents[1].member("c").expect("member");
        assert_eq!((list.at.line, list.items()[0].flag()), (7, Some(true)));
        assert!(documents[1].member("a").is_none() && documents[1].items().is_empty());
        assert!(parse_documents("a: 1\n---\nb: [").is_err());
    }
}
