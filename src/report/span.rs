//! Pieces of a line: our own words, and those of others, which every form escapes in its own way.

use sealwright_core::Untrusted;

/// Longer texts are cut.
const MOST_CHARS: usize = 160;

/// How a text is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Not at all.
    Plain,
    /// As something good.
    Good,
    /// As something bad.
    Bad,
    /// As less important.
    Faint,
}

/// A piece of text.
#[derive(Debug, Clone)]
pub enum Span {
    /// Our own words.
    Own(Mark, String),
    /// What somebody else wrote.
    Quoted(Untrusted),
    /// The same, with an address that was proved or that we made.
    Link(Untrusted, String),
}

/// A line of pieces.
pub type Line = Vec<Span>;

/// Our own words.
pub fn own(text: impl Into<String>) -> Span {
    Span::Own(Mark::Plain, text.into())
}

/// Our own words with a mark.
pub fn marked(mark: Mark, text: impl Into<String>) -> Span {
    Span::Own(mark, text.into())
}

/// Our own words that are less important.
pub fn faint(text: impl Into<String>) -> Span {
    marked(Mark::Faint, text)
}

/// What somebody else wrote, not too much of it.
pub fn quoted(text: &Untrusted) -> Span {
    Span::Quoted(cut(text.raw()))
}

/// The start of a long text.
pub fn cut(text: &str) -> Untrusted {
    if text.chars().count() <= MOST_CHARS {
        return text.into();
    }
    let start: String = text.chars().take(MOST_CHARS).collect();
    format!("{start}…").into()
}
