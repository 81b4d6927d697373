//! YAML as people write it: block style, two spaces, long expressions as literal blocks; the same tree gives the same bytes.
//!
//! Only what Kubernetes objects need (YAML 1.2.2 §6–8): no anchors, no tags, no flow style but for empty collections.

/// A node of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// A text, quoted where a reader could take it for something else.
    Text(String),
    /// A text of several lines.
    Block(String),
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(u64),
    /// A list.
    List(Vec<Node>),
    /// Keys and values, in this order.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// A map; members without a value are left out.
    pub(crate) fn map<const N: usize>(members: [(&str, Option<Node>); N]) -> Self {
        Self::Map(members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
    }

    /// A list of texts.
    pub(crate) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A text of several lines as a block, and one with quotes, which would have to be doubled; another one in its line.
    pub(crate) fn lines(text: &str) -> Self {
        let printable = !text.chars().any(|c| c.is_control() && c != '\n') && !text.starts_with(' ');
        if printable && text.contains(['\n', '\'']) { Self::Block(text.to_owned()) } else { Self::text(text) }
    }

    /// A member of a map.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let Self::Map(members) = self else { return None };
        members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The document, with a line end at its end.
    pub(crate) fn document(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, indent: usize) {
        match self {
            Self::Map(members) => {
                for (position, (key, value)) in members.iter().enumerate() {
                    if position > 0 {
                        pad(out, indent);
                    }
                    out.push_str(&scalar(key));
                    out.push(':');
                    value.write_value(out, indent);
                }
            }
            Self::List(items) => {
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        pad(out, indent);
                    }
                    out.push('-');
                    item.write_item(out, indent);
                }
            }
            _ => self.write_value(out, indent),
        }
    }

    /// What comes behind `key:`.
    fn write_value(&self, out: &mut String, indent: usize) {
        match self {
            Self::Map(members) if !members.is_empty() => {
                out.push('\n');
                pad(out, indent + 2);
                self.write(out, indent + 2);
            }
            Self::List(items) if !items.is_empty() => {
                out.push('\n');
                pad(out, indent + 2);
                self.write(out, indent + 2);
            }
            _ => self.write_scalar(out, indent),
        }
    }

    /// What comes behind `-`.
    fn write_item(&self, out: &mut String, indent: usize) {
        match self {
            Self::Map(members) if !members.is_empty() => {
                out.push(' ');
                self.write(out, indent + 2);
            }
            Self::List(items) if !items.is_empty() => {
                out.push(' ');
                self.write(out, indent + 2);
            }
            _ => self.write_scalar(out, indent),
        }
    }

    fn write_scalar(&self, out: &mut String, indent: usize) {
        out.push(' ');
        match self {
            Self::Text(text) => out.push_str(&scalar(text)),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(value) => out.push_str(&value.to_string()),
            Self::List(_) => out.push_str("[]"),
            Self::Map(_) => out.push_str("{}"),
            Self::Block(text) => {
                // One line end at the end is kept by `|`, none by `|-` (YAML 1.2.2 §8.1.1.2).
                out.push_str(if text.ends_with('\n') { "|" } else { "|-" });
                for line in text.trim_end_matches('\n').split('\n') {
                    out.push('\n');
                    if !line.is_empty() {
                        pad(out, indent + 2);
                        out.push_str(line);
                    }
                }
            }
        }
        out.push('\n');
    }
}

fn pad(out: &mut String, spaces: usize) {
    out.extend(std::iter::repeat_n(' ', spaces));
}

/// A text in its line: plain where nobody can misread it, else in single quotes, else in double quotes.
fn scalar(text: &str) -> String {
    if text.chars().any(char::is_control) {
        return double_quoted(text);
    }
    if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Letters, digits and a few signs; nothing that YAML 1.1 or 1.2 reads as a boolean, a null, a number or a date.
fn is_plain(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let inside = text.chars().all(|c| c.is_ascii_alphanumeric() || " ._/-".contains(c));
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    first && inside && !text.ends_with(' ') && !words.contains(&text.to_ascii_lowercase().as_str())
}

/// YAML 1.2.2 §5.7; every escape is a Unicode one.
fn double_quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(node: &Node) -> Value {
        let text = node.document();
        serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
    }

    #[test]
    fn another_reader_reads_what_was_written() {
        let node = Node::map([
            ("plain", Some(Node::text("apps/v1 and-more"))),
            (
                "words",
                Some(Node::texts([
                    "yes",
                    "NO",
                    "null",
                    "1.36",
                    "0x1",
                    "2026-01-01",
                    "",
                    " ",
                    "a ",
                    "~",
                    "- a",
                    "a: b",
                    "#",
                    "'",
                ])),
            ),
            ("hostile", Some(Node::text("a\nb\u{7}\"\\\u{85}"))),
            ("block", Some(Node::lines("one\n  two\n\nthree: 'x' # no comment"))),
            ("pem", Some(Node::lines("a\nb\n"))),
            ("left-out", None),
            ("empty", Some(Node::List(vec![]))),
            ("nothing", Some(Node::Map(vec![]))),
            (
                "list",
                Some(Node::List(vec![
                    Node::map([("a", Some(Node::Bool(true))), ("b", Some(Node::List(vec![Node::Number(7)])))]),
                    Node::List(vec![Node::text("x"), Node::map([("y", Some(Node::lines("1\n2")))])]),
                    Node::lines("1\n2"),
                ])),
            ),
        ]);
        assert_eq!(
            read(&node),
            json!({
                "plain": "apps/v1 and-more",
                "words": ["yes", "NO", "null", "1.36", "0x1", "2026-01-01", "", " ", "a ", "~", "- a", "a: b", "#", "'"],
                "hostile": "a\nb\u{7}\"\\\u{85}",
                "block": "one\n  two\n\nthree: 'x' # no comment",
                "pem": "a\nb\n",
                "empty": [], "nothing": {},
                "list": [{ "a": true, "b": [7] }, ["x", { "y": "1\n2" }], "1\n2"],
            })
        );
    }

    #[test]
    fn it_reads_as_people_write_it() {
        let rule =
            Node::map([("resources", Some(Node::texts(["pods"]))), ("operations", Some(Node::texts(["CREATE"])))]);
        let node = Node::map([("spec", Some(Node::map([("rules", Some(Node::List(vec![rule])))])))]);
        assert_eq!(
            node.document(),
            "spec:\n  rules:\n    - resources:\n        - pods\n      operations:\n        - CREATE\n"
        );
    }
}
