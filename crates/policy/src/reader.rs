//! Typed access to the tree: every wrong type, unknown key and missing key is an error with its place and what was expected.

use std::str::FromStr;

use crate::error::{PolicyError, Position};
use crate::yaml::{Node, Yaml};

/// A value with the place where it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct At<T> {
    pub(crate) at: Position,
    pub(crate) value: T,
}

/// A node and the key under which it stands.
#[derive(Debug, Clone)]
pub(crate) struct Value<'a> {
    file: &'a str,
    key: String,
    node: &'a Node,
}

/// A map whose keys are taken one by one; what is left is unknown.
pub(crate) struct Map<'a> {
    value: Value<'a>,
    members: Vec<(&'a crate::yaml::Key, &'a Node)>,
    known: Vec<&'static str>,
}

pub(crate) type Result<T> = std::result::Result<T, PolicyError>;

impl<'a> Value<'a> {
    pub(crate) fn root(file: &'a str, node: &'a Node) -> Self {
        Self { file, key: String::new(), node }
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> PolicyError {
        PolicyError { file: self.file.to_owned(), at: self.node.at, key: self.key.clone(), message: message.into() }
    }

    pub(crate) fn expected(&self, what: &str) -> PolicyError {
        self.error(format!("this is {}, expected {what}", self.node.value.kind()))
    }

    pub(crate) fn at<T>(&self, value: T) -> At<T> {
        At { at: self.node.at, value }
    }

    /// A text. Words that YAML 1.1 took for a truth value are texts here.
    pub(crate) fn text(&self) -> Result<String> {
        match &self.node.value {
            Yaml::Text(text) => Ok(text.clone()),
            Yaml::Bool(false) => Ok("off".to_owned()),
            _ => Err(self.expected("a text")),
        }
    }

    pub(crate) fn non_empty_text(&self) -> Result<String> {
        let text = self.text()?;
        if text.trim().is_empty() { Err(self.error("this is empty, expected a text")) } else { Ok(text) }
    }

    pub(crate) fn bool(&self) -> Result<bool> {
        match self.node.value {
            Yaml::Bool(value) => Ok(value),
            _ => Err(self.expected("true or false")),
        }
    }

    pub(crate) fn number(&self) -> Result<u64> {
        match self.node.value {
            Yaml::Integer(n) => u64::try_from(n).map_err(|_| self.error("this is negative, expected a whole number")),
            _ => Err(self.expected("a whole number")),
        }
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T> {
        let names = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" or ");
        let text = self.text().map_err(|_| self.expected(&names))?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.ok_or_else(|| self.error(format!("this is {text:?}, expected {names}")))
    }

    pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(&self) -> Result<T> {
        self.text()?.parse().map_err(|error: T::Err| self.error(error.to_string()))
    }

    pub(crate) fn list(&self) -> Result<Vec<Value<'a>>> {
        let Yaml::List(items) = &self.node.value else { return Err(self.expected("a list")) };
        let item = |(i, node)| Value { file: self.file, key: format!("{}[{i}]", self.key), node };
        Ok(items.iter().enumerate().map(item).collect())
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.node.value, Yaml::List(_))
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.node.value, Yaml::Map(_))
    }

    pub(crate) fn map(&self) -> Result<Map<'a>> {
        let Yaml::Map(members) = &self.node.value else { return Err(self.expected("a map")) };
        Ok(Map { value: self.clone(), members: members.iter().map(|(k, v)| (k, v)).collect(), known: Vec::new() })
    }
}

impl<'a> Map<'a> {
    /// The value of a key, if it is there.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.known.push(key);
        let index = self.members.iter().position(|(k, _)| k.text == key)?;
        let (_, node) = self.members.remove(index);
        let path = if self.value.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.value.key) };
        Some(Value { file: self.value.file, key: path, node })
    }

    pub(crate) fn take_with<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value<'a>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.take(key).map(|value| read(&value)).transpose()
    }

    /// The same, with its place.
    pub(crate) fn take_at<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value<'a>) -> Result<T>,
    ) -> Result<Option<At<T>>> {
        self.take(key).map(|value| Ok(value.at(read(&value)?))).transpose()
    }

    pub(crate) fn required(&mut self, key: &'static str) -> Result<Value<'a>> {
        let missing = self.value.error(format!("{key} is missing"));
        self.take(key).ok_or(missing)
    }

    /// Refuses a key that this version cannot enforce: ignoring it would look like obeying it.
    pub(crate) fn refuse(&mut self, key: &'static str, why: &str) -> Result<()> {
        match self.take(key) {
            Some(value) => Err(value.error(format!("this version cannot enforce it: {why}"))),
            None => Ok(()),
        }
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> PolicyError {
        self.value.error(message)
    }

    /// Whatever was not taken is unknown.
    pub(crate) fn finish(self) -> Result<()> {
        let Some((key, _)) = self.members.first() else { return Ok(()) };
        let close =
            self.known.iter().filter(|known| distance(known, &key.text) <= 2).min_by_key(|k| distance(k, &key.text));
        let hint = match close {
            Some(known) => format!("did you mean {known}?"),
            None => format!("expected one of {}", self.known.join(", ")),
        };
        let shown: String = key.text.chars().take(60).collect();
        Err(PolicyError {
            file: self.value.file.to_owned(),
            at: key.at,
            key: self.value.key,
            message: format!("unknown key {shown:?}, {hint}"),
        })
    }
}

/// Levenshtein's distance, for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(60).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut previous = i;
        let mut next = vec![i + 1];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            let substitute = previous + usize::from(x != *y);
            previous = *above;
            next.push(substitute.min(above + 1).min(next.last().copied().unwrap_or_default() + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_near() {
        assert_eq!(distance("fail-on", "fail-on"), 0);
        assert_eq!(distance("fail-on", "failon"), 1);
        assert_eq!(distance("fail-on", "fial-on"), 2);
        assert_eq!(distance("", "abc"), 3);
    }
}
