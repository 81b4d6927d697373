//! The page for a terminal. [`Untrusted`] escapes what could steer it.

use sealwright_core::Untrusted;
use sealwright_verify::Outcome;

use super::page::{Block, Section, page};
use crate::pipeline::prove::{OtherTool, Proof};
use crate::report::columns::columns;
use crate::report::console::Style;
use crate::report::span::{Line, Mark, Span};

/// For a terminal.
pub fn text(proof: &Proof, style: Style) -> String {
    let page = page(proof);
    let verdict = if page.passed { style.good(&page.verdict) } else { style.bad(&page.verdict) };
    let mut text = format!("{verdict}\n{}\n", Untrusted::from(page.subject));
    for section in &page.sections {
        write_section(&mut text, section, style);
    }
    text.push_str(&format!("\n{}\n", style.faint(&page.footer)));
    text
}

fn write_section(text: &mut String, section: &Section, style: Style) {
    text.push_str(&format!("\n{}\n", style.heading(section.heading)));
    for block in &section.blocks {
        match block {
            Block::Facts(facts) => {
                for (name, value) in facts {
                    text.push_str(&format!("  {name:<13} {}\n", written(value, style)));
                }
            }
            Block::Table { head, rows } => {
                // Marks would count as width: cells of a table are plain.
                let plain = |row: &Vec<Line>| row.iter().map(|cell| written(cell, Style::default())).collect();
                let mut all = vec![head.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()];
                all.extend(rows.iter().map(plain));
                for line in columns(&all, style, |_, _, padded| padded).lines() {
                    text.push_str(&format!("  {line}\n"));
                }
            }
            Block::Checks(checks) => {
                for check in checks {
                    let (mark, why) = match &check.outcome {
                        Outcome::Passed => (style.good("ok    "), String::new()),
                        Outcome::Failed(why) => (style.bad("FAILED"), Untrusted::from(why.as_str()).to_string()),
                        Outcome::NotChecked(why) => (style.faint("-     "), style.faint(why)),
                    };
                    let line = format!("  {mark}  {:>2}  {:<16}  {why}", check.number, check.name);
                    text.push_str(line.trim_end());
                    text.push('\n');
                }
            }
            Block::List(lines) => {
                for line in lines {
                    text.push_str(&format!("  {}\n", written(line, style)));
                }
            }
            Block::Commands(tools) => tools.iter().for_each(|tool| write_tool(text, tool, style)),
        }
    }
}

fn write_tool(text: &mut String, tool: &OtherTool, style: Style) {
    text.push_str(&format!("  {}\n", style.heading(tool.tool)));
    for line in tool.commands.iter().flat_map(|command| command.lines()) {
        text.push_str(&format!("    {}\n", Untrusted::from(line)));
    }
    if let Some(note) = &tool.note {
        text.push_str(&format!("    {}\n", style.faint(note)));
    }
}

fn written(line: &Line, style: Style) -> String {
    let one = |span: &Span| match span {
        Span::Own(Mark::Plain, text) => text.clone(),
        Span::Own(Mark::Good, text) => style.good(text),
        Span::Own(Mark::Bad, text) => style.bad(text),
        Span::Own(Mark::Faint, text) => style.faint(text),
        Span::Quoted(text) => text.to_string(),
        // The address says all that the text does.
        Span::Link(_, address) => address.clone(),
    };
    line.iter().map(one).collect()
}
