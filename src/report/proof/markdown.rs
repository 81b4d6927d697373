//! The page as Markdown.

use sealwright_core::Untrusted;
use sealwright_verify::{Check, Outcome};

use super::page::{Block, Section, page};
use crate::pipeline::prove::{OtherTool, Proof};
use crate::report::markdown::{code, fence, table_head, table_row, written};

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
                text.push_str(&table_head(head));
                rows.iter().for_each(|row| text.push_str(&table_row(head.len(), row)));
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
        let fence = fence(&commands, 3);
        text.push_str(&format!("{fence}sh\n{commands}\n{fence}\n\n"));
    }
}

/// The line breaks of a command are ours.
fn shown_lines(command: &str) -> String {
    command.lines().map(|line| Untrusted::from(line).to_string()).collect::<Vec<_>>().join("\n")
}
