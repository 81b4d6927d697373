//! A stand-in for GitHub's expressions, as far as our workflows use them (GitHub, "Evaluate expressions in workflows and
//! actions"). What it does not know it refuses.

use serde_json::{Map, Value, json};

/// Replaces every `${{ … }}` of a text. A text that is one expression gives its value as it is.
///
/// # Panics
/// When an expression is none, or names what is not known.
pub fn interpolate(text: &str, contexts: &Value) -> Value {
    if let Some(inner) = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"))
        && !inner.contains("${{")
    {
        return evaluate(inner, contexts);
    }
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (inner, after) = after.split_once("}}").unwrap_or_else(|| panic!("{text:?} has no }}}}"));
        result.push_str(before);
        result.push_str(&as_text(&evaluate(inner, contexts)));
        rest = after;
    }
    result.push_str(rest);
    Value::String(result)
}

/// The value of an expression.
///
/// # Panics
/// When it is none, or names what is not known.
pub fn evaluate(expression: &str, contexts: &Value) -> Value {
    let tokens = tokens(expression);
    let mut reader = Reader { tokens: &tokens, at: 0, contexts };
    let value = reader.any();
    assert_eq!(reader.at, tokens.len(), "{expression:?} goes on with {:?}", tokens.get(reader.at));
    value
}

/// As a text: objects have none here.
pub fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => panic!("{value} is no text"),
    }
}

/// Whether a value counts as true: everything but false, 0, the empty text and null.
pub fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Text(String),
    Number(f64),
    Name(String),
    Sign(&'static str),
}

const SIGNS: [&str; 17] = ["&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ",", ".", "*", "-"];

fn tokens(expression: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken = if first == '\'' {
            let (text, length) = quoted(rest);
            tokens.push(Token::Text(text));
            length
        } else if first.is_ascii_digit() {
            let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            tokens.push(Token::Number(rest[..length].parse().expect("a number")));
            length
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c)).unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..length].to_owned()));
            length
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign)).unwrap_or_else(|| panic!("{rest:?}"));
            tokens.push(Token::Sign(sign));
            sign.len()
        };
        rest = rest[taken..].trim_start();
    }
    tokens
}

/// A text in single quotes, in which two are one, and its length with them.
fn quoted(text: &str) -> (String, usize) {
    let mut value = String::new();
    let mut at = 1;
    loop {
        let end = at + text[at..].find('\'').unwrap_or_else(|| panic!("{text:?} does not end"));
        value.push_str(&text[at..end]);
        at = end + 1;
        if !text[at..].starts_with('\'') {
            return (value, at);
        }
        value.push('\'');
        at += 1;
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    contexts: &'a Value,
}

impl Reader<'_> {
    fn take(&mut self, sign: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(is);
        is
    }

    fn any(&mut self) -> Value {
        let mut left = self.all();
        while self.take("||") {
            let right = self.all();
            left = if is_true(&left) { left } else { right };
        }
        left
    }

    fn all(&mut self) -> Value {
        let mut left = self.compared();
        while self.take("&&") {
            let right = self.compared();
            left = if is_true(&left) { right } else { left };
        }
        left
    }

    fn compared(&mut self) -> Value {
        let left = self.negated();
        if self.take("==") {
            return json!(same(&left, &self.negated()));
        }
        if self.take("!=") {
            return json!(!same(&left, &self.negated()));
        }
        left
    }

    fn negated(&mut self) -> Value {
        if self.take("!") {
            return json!(!is_true(&self.negated()));
        }
        self.single()
    }

    fn single(&mut self) -> Value {
        if self.take("(") {
            let value = self.any();
            assert!(self.take(")"), "no ) at {}", self.at);
            return value;
        }
        let token = self.tokens.get(self.at).cloned().unwrap_or_else(|| panic!("the expression ends early"));
        self.at += 1;
        match token {
            Token::Text(text) => json!(text),
            Token::Number(number) => json!(number),
            Token::Name(name) if self.take("(") => {
                let given = self.call(&name);
                self.below(given)
            }
            Token::Name(name) => match name.as_str() {
                "true" => json!(true),
                "false" => json!(false),
                "null" => Value::Null,
                _ => self.member(&name),
            },
            Token::Sign(sign) => panic!("{sign:?} starts nothing"),
        }
    }

    /// What is missing below a context that is there is null; an unknown context is a mistake.
    fn member(&mut self, context: &str) -> Value {
        let value = self.contexts.get(context).unwrap_or_else(|| panic!("no context {context:?}")).clone();
        self.below(value)
    }

    fn below(&mut self, mut value: Value) -> Value {
        loop {
            let key = if self.take(".") {
                let Some(Token::Name(name)) = self.tokens.get(self.at).cloned() else { panic!("no name behind a dot") };
                self.at += 1;
                json!(name)
            } else if self.take("[") {
                let key = self.any();
                assert!(self.take("]"), "no ] at {}", self.at);
                key
            } else {
                return value;
            };
            value = match &key {
                Value::String(name) => value.get(name.as_str()).cloned().unwrap_or(Value::Null),
                _ => panic!("{key} is no name"),
            };
        }
    }

    fn call(&mut self, name: &str) -> Value {
        let mut arguments = Vec::new();
        while !self.take(")") {
            arguments.push(self.any());
            let _ = self.take(",");
        }
        let text = |at: usize| as_text(arguments.get(at).unwrap_or(&Value::Null));
        match name {
            "toJSON" => json!(format!("{:#}", arguments[0])),
            "fromJSON" => serde_json::from_str(&text(0)).unwrap_or_else(|e| panic!("{e}: {}", text(0))),
            "startsWith" => json!(text(0).to_lowercase().starts_with(&text(1).to_lowercase())),
            "endsWith" => json!(text(0).to_lowercase().ends_with(&text(1).to_lowercase())),
            "contains" => match &arguments[0] {
                Value::Array(items) => json!(items.contains(&arguments[1])),
                _ => json!(text(0).to_lowercase().contains(&text(1).to_lowercase())),
            },
            "format" => {
                let parts = arguments.iter().enumerate().skip(1);
                json!(
                    parts.fold(text(0), |whole, (at, part)| whole.replace(&format!("{{{}}}", at - 1), &as_text(part)))
                )
            }
            "always" => json!(true),
            "success" => self.contexts["job"]["status"]
                .clone()
                .as_str()
                .map(|status| json!(status == "success"))
                .unwrap_or(json!(true)),
            "failure" => json!(self.contexts["job"]["status"] == "failure"),
            "cancelled" => json!(false),
            other => panic!("no function {other:?}"),
        }
    }
}

/// Texts are compared without case; of other pairs of kinds only numbers and truth values meet here.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.eq_ignore_ascii_case(other),
        (Value::Null, Value::String(text)) | (Value::String(text), Value::Null) => text.is_empty(),
        (one, other) => one == other,
    }
}

/// The contexts of a step by their names.
pub fn contexts<const N: usize>(named: [(&str, Value); N]) -> Value {
    Value::Object(named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_what_the_documentation_says() {
        let known = contexts([
            ("inputs", json!({ "push": "GHCR.io/a/b", "empty": "", "on": true, "n": 0 })),
            ("steps", json!({ "a-b": { "outputs": { "digest": "sha256:1" } } })),
        ]);
        for (expression, value) in [
            ("inputs.empty || 'x'", json!("x")),
            ("inputs.push && 'y' || 'z'", json!("y")),
            ("startsWith(inputs.push, 'ghcr.io/') && 'token' || ''", json!("token")),
            ("steps.a-b.outputs.digest", json!("sha256:1")),
            ("steps['a-b'].outputs['none']", Value::Null),
            ("!inputs.on", json!(false)),
            ("inputs.missing == ''", json!(true)),
            ("'It''s'", json!("It's")),
            ("inputs.push == 'ghcr.IO/A/b' && inputs.n != 1", json!(true)),
            ("fromJSON('{\"a\":[1]}').a", json!([1])),
            ("format('{0}-{1}', 'a', inputs.n)", json!("a-0")),
            ("contains(fromJSON('[\"a\"]'), 'a')", json!(true)),
            ("(false || true) && !cancelled()", json!(true)),
        ] {
            assert_eq!(evaluate(expression, &known), value, "{expression}");
        }
        assert_eq!(interpolate("a ${{ inputs.on }} b ${{ inputs.empty }}", &known), json!("a true b "));
        assert_eq!(interpolate("${{ inputs.on }}", &known), json!(true));
        for bad in ["secret.x", "hashFiles('x')", "'open", "1 +", "inputs.a b"] {
            assert!(std::panic::catch_unwind(|| evaluate(bad, &known)).is_err(), "{bad}");
        }
    }
}
