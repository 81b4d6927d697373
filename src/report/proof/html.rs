//! The page for a browser and a printer: one file with nothing to load and nothing that runs, on one sheet of A4 or Letter.
//!
//! A small writer instead of a template engine: all text passes [`escaped`], and tags are literals of this file.

use sealwright_core::Untrusted;
use sealwright_verify::{Check, Outcome};

use super::page::{Block, Section, page};
use crate::pipeline::prove::{OtherTool, Proof};
use crate::report::span::{Line, Mark, Span};

/// Nothing is loaded, nothing runs, nothing is sent. Only the style in the page itself counts.
const SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("proof.css");

/// For a browser.
pub fn html(proof: &Proof) -> String {
    let page = page(proof);
    let class = if page.passed { "good" } else { "bad" };
    let subject = escaped(&page.subject.clone().into());
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{SECURITY}\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta name=\"referrer\" content=\"no-referrer\"/>\n\
         <title>Chain of custody of {subject}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>Chain of custody</h1>\n<p class=\"subject\"><code>{subject}</code></p>\n\
         <p class=\"verdict {class}\">{}</p>\n</header>\n<main>\n",
        escaped(&page.verdict.into())
    );
    for section in &page.sections {
        write_section(&mut html, section);
    }
    html.push_str(&format!("</main>\n<footer>{}</footer>\n</body>\n</html>\n", escaped(&page.footer.into())));
    html
}

fn write_section(html: &mut String, section: &Section) {
    // Headings are ours, and their letters are an identifier.
    let id: String = section.heading.to_lowercase().replace(' ', "-");
    html.push_str(&format!("<section id=\"{id}\">\n<h2>{}</h2>\n", section.heading));
    for block in &section.blocks {
        match block {
            Block::Facts(facts) => {
                html.push_str("<dl>\n");
                for (name, value) in facts {
                    html.push_str(&format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", written(value)));
                }
                html.push_str("</dl>\n");
            }
            Block::Table { head, rows } => write_table(html, section.heading, head, rows),
            Block::Checks(checks) => {
                html.push_str("<ol class=\"checks\">\n");
                checks.iter().for_each(|check| html.push_str(&checked(check)));
                html.push_str("</ol>\n");
            }
            Block::List(lines) => {
                let items: String = lines.iter().map(|line| format!("<li>{}</li>\n", written(line))).collect();
                html.push_str(&format!("<ul>\n{items}</ul>\n"));
            }
            Block::Commands(tools) => tools.iter().for_each(|tool| write_tool(html, tool)),
        }
    }
    html.push_str("</section>\n");
}

fn write_table(html: &mut String, heading: &str, head: &[&str], rows: &[Vec<Line>]) {
    html.push_str(&format!("<table>\n<caption>{heading}</caption>\n<thead><tr>"));
    for name in head {
        html.push_str(&if name.is_empty() { "<td></td>".to_owned() } else { format!("<th scope=\"col\">{name}</th>") });
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        for (column, _) in head.iter().enumerate() {
            let cell = row.get(column).map_or_else(String::new, written);
            html.push_str(&match column {
                0 => format!("<th scope=\"row\">{cell}</th>"),
                _ => format!("<td>{cell}</td>"),
            });
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n");
}

fn checked(check: &Check) -> String {
    // The word stands beside the color, for those who see or print none.
    let (class, word, why) = match &check.outcome {
        Outcome::Passed => ("good", "✓ holds", None),
        Outcome::Failed(why) => ("bad", "✗ FAILED", Some(why)),
        Outcome::NotChecked(why) => ("faint", "– not checked", Some(why)),
    };
    let why = why.map(|why| format!(" <small>{}</small>", escaped(&why.as_str().into()))).unwrap_or_default();
    format!("<li value=\"{}\">{} <span class=\"{class}\">{word}</span>{why}</li>\n", check.number, check.name)
}

fn write_tool(html: &mut String, tool: &OtherTool) {
    html.push_str(&format!("<h3>{}</h3>\n", tool.tool));
    if !tool.commands.is_empty() {
        let lines: Vec<String> =
            tool.commands.iter().flat_map(|command| command.lines()).map(|line| escaped(&line.into())).collect();
        html.push_str(&format!("<pre tabindex=\"0\"><code>{}</code></pre>\n", lines.join("\n")));
    }
    if let Some(note) = &tool.note {
        html.push_str(&format!("<p class=\"faint\">{}</p>\n", escaped(&note.as_str().into())));
    }
}

fn written(line: &Line) -> String {
    let one = |span: &Span| match span {
        Span::Own(mark, text) => {
            let text = escaped(&text.as_str().into());
            match mark {
                Mark::Plain => text,
                Mark::Good => format!("<span class=\"good\">{text}</span>"),
                Mark::Bad => format!("<span class=\"bad\">{text}</span>"),
                Mark::Faint => format!("<span class=\"faint\">{text}</span>"),
            }
        }
        // Letters that are read from right to left do not reorder what stands beside them.
        Span::Quoted(text) => format!("<bdi>{}</bdi>", escaped(text)),
        Span::Link(text, address) => {
            let address = escaped(&address.as_str().into());
            format!("<a href=\"{address}\" rel=\"noreferrer noopener\"><bdi>{}</bdi></a>", escaped(text))
        }
    };
    line.iter().map(one).collect()
}

/// Text for an element or a quoted attribute (HTML, §13.3 "Escaping a string"), after [`Untrusted`] made visible what steers.
fn escaped(text: &Untrusted) -> String {
    let mut escaped = String::new();
    for c in text.to_string().chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_tag_an_attribute_or_a_direction() {
        assert_eq!(escaped(&"<script>&\"'".into()), "&lt;script&gt;&amp;&quot;&#39;");
        assert_eq!(escaped(&"a\u{202e}b\u{1b}[2J\n".into()), "a\\u{202e}b\\u{1b}[2J\\u{a}");
        let line = vec![Span::Quoted("</bdi><img src=x onerror=alert(1)>".into())];
        assert_eq!(written(&line), "<bdi>&lt;/bdi&gt;&lt;img src=x onerror=alert(1)&gt;</bdi>");
    }

    #[test]
    fn the_style_loads_nothing() {
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains('<'));
    }
}
