//! The Common Expression Language, cut into tokens: enough to see which functions and fields an expression names.
//!
//! Not a parser: whether an expression compiles is Kyverno's to say. Source: cel-spec, "Lexical analysis".

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// An identifier.
    Name(String),
    /// A text, without its quotes and escapes.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// An operator or a bracket.
    Mark(String),
}

impl Token {
    pub(super) fn is_mark(&self, mark: &str) -> bool {
        matches!(self, Self::Mark(found) if found == mark)
    }

    pub(super) fn name(&self) -> Option<&str> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// Operators of more than one character, longest first.
const OPERATORS: [&str; 6] = ["==", "!=", "<=", ">=", "&&", "||"];

/// All tokens. What is none is left out: an unknown character is not a reason to look away from the rest.
pub(super) fn tokens(expression: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let (token, after) = if first.is_whitespace() {
            (None, skip(rest, first.len_utf8()))
        } else if rest.starts_with("//") {
            (None, rest.find('\n').map_or("", |end| skip(rest, end)))
        } else if let Some((text, after)) = quoted(rest) {
            (Some(Token::Text(text)), after)
        } else if first.is_ascii_alphabetic() || first == '_' {
            let (name, after) = split(rest, |c| c.is_ascii_alphanumeric() || c == '_');
            (Some(Token::Name(name.to_owned())), after)
        } else if first.is_ascii_digit() {
            let (number, after) = split(rest, |c| c.is_ascii_alphanumeric() || c == '.');
            (Some(Token::Number(number.to_owned())), after)
        } else if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
            (Some(Token::Mark((*operator).to_owned())), skip(rest, operator.len()))
        } else {
            (Some(Token::Mark(first.to_string())), skip(rest, first.len_utf8()))
        };
        tokens.extend(token);
        rest = after;
    }
    tokens
}

fn skip(text: &str, bytes: usize) -> &str {
    text.get(bytes..).unwrap_or_default()
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    (text.get(..end).unwrap_or_default(), skip(text, end))
}

/// A string literal: raw or not, of one quote or three. One that does not end goes to the end.
fn quoted(text: &str) -> Option<(String, &str)> {
    let raw = text.starts_with(['r', 'R']);
    let body = if raw { skip(text, 1) } else { text };
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| body.starts_with(quote))?;
    let mut rest = skip(body, quote.len());
    let mut found = String::new();
    while !rest.starts_with(quote) {
        let mut characters = rest.chars();
        let Some(c) = characters.next() else { return Some((found, "")) };
        if c == '\\' && !raw {
            match characters.next() {
                Some('n') => found.push('\n'),
                Some(escaped @ ('\\' | '"' | '\'' | '`' | '?')) => found.push(escaped),
                Some(other) => found.extend(['\\', other]),
                None => found.push('\\'),
            }
        } else {
            found.push(c);
        }
        rest = characters.as_str();
    }
    Some((found, skip(rest, quote.len())))
}

/// The calls of one function: where its name stands, and the tokens between its parentheses.
pub(super) fn calls<'a>(tokens: &'a [Token], function: &str) -> Vec<(usize, &'a [Token])> {
    let named = tokens.iter().enumerate().filter(|(_, token)| token.name() == Some(function));
    named.filter_map(|(at, _)| Some((at, arguments(tokens, at)?))).collect()
}

/// What stands between the parentheses after the token at `at`.
pub(super) fn arguments(tokens: &[Token], at: usize) -> Option<&[Token]> {
    let inner = tokens.get(at + 1).filter(|token| token.is_mark("(")).and_then(|_| tokens.get(at + 2..))?;
    let mut depth = 0_usize;
    for (position, token) in inner.iter().enumerate() {
        if ["(", "[", "{"].iter().any(|mark| token.is_mark(mark)) {
            depth += 1;
        } else if [")", "]", "}"].iter().any(|mark| token.is_mark(mark)) {
            if depth == 0 {
                return inner.get(..position);
            }
            depth -= 1;
        }
    }
    Some(inner)
}

/// The names that follow `owner.` or stand in `owner["…"]`, and whether `owner` stands alone somewhere.
pub(super) fn members_of<'a>(tokens: &'a [Token], owner: &str) -> (Vec<&'a str>, bool) {
    let (mut names, mut alone) = (Vec::new(), false);
    for (at, _) in tokens.iter().enumerate().filter(|(_, token)| token.name() == Some(owner)) {
        if at > 0 && tokens.get(at - 1).is_some_and(|before| before.is_mark(".")) {
            continue;
        }
        let mut following = tokens.iter().skip(at + 1);
        let member = match following.next() {
            Some(mark) if mark.is_mark(".") => following.find(|token| !token.is_mark("?")).and_then(Token::name),
            Some(mark) if mark.is_mark("[") => following.find(|token| !token.is_mark("?")).and_then(Token::text),
            _ => None,
        };
        match member {
            Some(name) => names.push(name),
            None => alone = true,
        }
    }
    (names, alone)
}

/// Whether the call of a method is negated: `!a.b.method(…)`.
pub(super) fn is_negated(tokens: &[Token], method: usize) -> bool {
    let mut depth = 0_usize;
    for token in tokens.get(..method).unwrap_or_default().iter().rev() {
        match token {
            Token::Mark(mark) if [")", "]"].contains(&mark.as_str()) => depth += 1,
            Token::Mark(mark) if ["(", "["].contains(&mark.as_str()) => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            Token::Mark(mark) if mark == "!" => return true,
            Token::Mark(mark) if depth == 0 && ![".", "?"].contains(&mark.as_str()) => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_cut_and_calls_found() {
        let expression = r#"images.containers.map(i, verifyImageSignatures(i, [attestors.a, attestors["b"]])).all(e, e >= 10) // f(x)"#;
        let tokens = tokens(expression);
        let calls = calls(&tokens, "verifyImageSignatures");
        assert_eq!(calls.len(), 1);
        assert_eq!(members_of(calls[0].1, "attestors"), (vec!["a", "b"], false));
        assert!(tokens.contains(&Token::Mark(">=".into())) && tokens.contains(&Token::Number("10".into())));
        assert!(!tokens.contains(&Token::Name("f".into())));
        assert!(members_of(&tokens, "e").1);
    }

    #[test]
    fn texts_lose_quotes_and_escapes_and_an_open_one_ends_with_the_expression() {
        let text = |expression: &str| tokens(expression).iter().find_map(|t| t.text().map(str::to_owned));
        assert_eq!(text(r#""a\\.b\"""#).as_deref(), Some(r#"a\.b""#));
        assert_eq!(text(r"r'a\.b'").as_deref(), Some(r"a\.b"));
        assert_eq!(text("'''a'b'''").as_deref(), Some("a'b"));
        assert_eq!(text("'open \u{1f600}").as_deref(), Some("open \u{1f600}"));
        assert!(tokens("\u{1f600} § (((").len() == 5);
    }

    #[test]
    fn a_negation_reaches_its_method_only() {
        let negated = |expression: &str| {
            let tokens = tokens(expression);
            is_negated(&tokens, calls(&tokens, "contains")[0].0)
        };
        assert!(negated("!c.image.contains(':')") && negated("a && !image(c.image).contains(':')"));
        assert!(
            !negated("c.image.contains(':')") && !negated("!a || c.contains(':')") && !negated("!f(c.contains(':'))")
        );
    }
}
