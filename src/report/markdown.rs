//! Markdown (GitHub Flavored Markdown, with tables). What others wrote stands in code spans, where neither marks nor HTML,
//! addresses, mentions or numbers of issues mean anything (CommonMark 0.31, "Code spans").

use sealwright_core::Untrusted;

use super::span::{Line, Mark, Span};

/// The first two lines of a table. Headings are ours.
pub fn table_head(head: &[&str]) -> String {
    format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()))
}

/// A row of a table with so many columns.
pub fn table_row(columns: usize, row: &[Line]) -> String {
    let cells: Vec<String> = (0..columns).map(|n| row.get(n).map_or_else(String::new, cell)).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn cell(line: &Line) -> String {
    // GFM, "Tables": a pipe ends a cell also inside a code span.
    written(line).replace('|', "\\|")
}

/// A line.
pub fn written(line: &Line) -> String {
    let one = |span: &Span| match span {
        Span::Own(Mark::Good | Mark::Bad, text) => {
            let inner = text.trim();
            text.replacen(inner, &format!("**{inner}**"), 1)
        }
        Span::Own(_, text) => text.clone(),
        Span::Quoted(text) => code(text),
        Span::Link(text, address) => format!("[{}](<{address}>)", code(text)),
    };
    line.iter().map(one).collect()
}

/// A code span with a fence that is longer than any run of backticks inside.
pub fn code(text: &Untrusted) -> String {
    let text = text.to_string();
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let fence = fence(&text, 1);
    let space = if fence.len() > 1 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Backticks that nothing in `text` ends, at least `least` of them.
pub fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(longest + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_in_its_code_span_and_its_cell() {
        assert_eq!(code(&"a".into()), "`a`");
        assert_eq!(code(&"a`b``c".into()), "``` a`b``c ```");
        assert_eq!(code(&"`".into()), "`` ` ``");
        assert_eq!(code(&"a\n# b\u{1b}\u{202e}".into()), "`a\\u{a}# b\\u{1b}\\u{202e}`");
        let line = vec![Span::Quoted("a | <b> | @team #1".into())];
        assert_eq!(cell(&line), "`a \\| <b> \\| @team #1`");
        assert_eq!(fence("```x", 3), "````");
    }
}
