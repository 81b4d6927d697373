//! The page as Markdown (GitHub Flavored Markdown, with tables). What statements say stands in code spans, where neither marks
//! nor HTML, addresses, mentions or numbers of issues mean anything (CommonMark 0.31, "Code spans").

use sealwright_core::Untrusted;
use sealwright_verify::{Check, Outcome};

use super::page::{Block, Line, Mark, Section, Span, page};
use crate::pipeline::prove::{OtherTool, Proof};

/// For a pull request or a wiki.
pub fn markdown(proof: &Proof) -> String {
    let page = page(proof);
    let mark = if page.passed { "✅" } else { "❌" };
    let mut text = format!("# Chain of custody\n\n{mark} **{}**\n\n{}\n", page.verdict, code(&page.subject.into()));
    for section in &page.sections {
        write_section(&mut text, section);
    }
    text.push_str(&format!("\n---\n\n{}\n", page.footer));
    text
}

fn write_section(text: &mut String, section: &Section) {
    text.push_str(&format!("\n## {}\n", section.heading));
    for block in &section.blocks {
        text.push('\n');
        match block {
            Block::Facts(facts) => {
                for (name, value) in facts {
                    text.push_str(&format!("- {name}: {}\n", written(value)));
                }
            }
            Block::Table { head, rows } => {
                text.push_str(&format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len())));
                for row in rows {
                    let cells: Vec<String> =
                        (0..head.len()).map(|n| row.get(n).map_or_else(String::new, cell)).collect();
                    text.push_str(&format!("| {} |\n", cells.join(" | ")));
                }
            }
            Block::Checks(checks) => checks.iter().for_each(|check| text.push_str(&checked(check))),
            Block::List(lines) => {
                for line in lines {
                    text.push_str(&format!("- {}\n", written(line)));
                }
            }
            Block::Commands(tools) => tools.iter().for_each(|tool| write_tool(text, tool)),
        }
    }
}

fn checked(check: &Check) -> String {
    let (mark, why) = match &check.outcome {
        Outcome::Passed => ("✅", String::new()),
        Outcome::Failed(why) => ("❌", format!(": {}", code(&why.as_str().into()))),
        Outcome::NotChecked(why) => ("➖", format!(": {}", code(&why.as_str().into()))),
    };
    format!("- {mark} {} {}{why}\n", check.number, check.name)
}

fn write_tool(text: &mut String, tool: &OtherTool) {
    text.push_str(&format!("{}:", tool.tool));
    if let Some(note) = &tool.note {
        text.push_str(&format!(" {note}"));
    }
    text.push_str("\n\n");
    if !tool.commands.is_empty() {
        let commands: Vec<String> = tool.commands.iter().map(|command| shown_lines(command)).collect();
        let commands = commands.join("\n");
        let fence = "`".repeat(longest_run(&commands).max(2) + 1);
        text.push_str(&format!("{fence}sh\n{commands}\n{fence}\n\n"));
    }
}

/// The line breaks of a command are ours.
fn shown_lines(command: &str) -> String {
    command.lines().map(|line| Untrusted::from(line).to_string()).collect::<Vec<_>>().join("\n")
}

fn cell(line: &Line) -> String {
    // GFM, "Tables": a pipe ends a cell also inside a code span.
    written(line).replace('|', "\\|")
}

fn written(line: &Line) -> String {
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
fn code(text: &Untrusted) -> String {
    let text = text.to_string();
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let space = if fence.len() > 1 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
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
    }
}
