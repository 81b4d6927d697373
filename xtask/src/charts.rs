//! The tables of values in the READMEs of `charts/`, from the comments of each `values.yaml`, and the copies of dashboards and
//! rules that a chart carries because Helm reads nothing outside of it.
//!
//! Comments are written as helm-docs reads them: `# -- ` opens what stands above a key. The chart's prose is by hand.

use std::fs;
use std::path::Path;

use sealwright_core::bounded::read_file;
use serde_json::Value;

use crate::process::root;

/// No file of a chart is larger, in bytes.
const LIMIT: u64 = 1 << 20;
/// Between these two lines of a README the table stands.
const OPEN: &str = "<!-- values: cargo xtask generate -->\n";
const CLOSE: &str = "<!-- /values -->\n";

/// What the chart `observability` carries a copy of.
const COPIES: [(&str, &str); 2] =
    [("dashboards/admission.json", "dashboard.json"), ("dashboards/rules/admission.yaml", "rules.yaml")];

/// Every generated file of the charts: its path in the repository, and its text.
pub(crate) fn files() -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    for chart in names(&root().join("charts"))? {
        let name = format!("charts/{chart}/README.md");
        let values = text(&root().join("charts").join(&chart).join("values.yaml"))?;
        let page = with_table(&text(&root().join(&name))?, &table(&values)?).map_err(|e| format!("{name}: {e}"))?;
        files.push((name, page));
    }
    for (original, copy) in COPIES {
        files.push((format!("charts/observability/files/{copy}"), text(&root().join(original))?));
    }
    Ok(files)
}

/// The charts, in alphabetical order.
fn names(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let charts = paths.filter(|path| path.join("Chart.yaml").is_file());
    let mut names: Vec<String> = charts.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

fn text(path: &Path) -> Result<String, String> {
    let bytes = read_file(path, LIMIT).map_err(|e| format!("{}: {e}", path.display()))?;
    String::from_utf8(bytes).map_err(|e| format!("{}: {e}", path.display()))
}

/// A README with another table between its two lines.
fn with_table(page: &str, table: &str) -> Result<String, String> {
    let (before, rest) = page.split_once(OPEN).ok_or_else(|| format!("expected the line {}", OPEN.trim()))?;
    let (_, after) = rest.split_once(CLOSE).ok_or_else(|| format!("expected the line {}", CLOSE.trim()))?;
    Ok(format!("{before}{OPEN}{table}{CLOSE}{after}"))
}

/// One row for each key that has a comment.
fn table(values: &str) -> Result<String, String> {
    let defaults: Value = serde_saphyr::from_str(values).map_err(|e| format!("values.yaml: {e}"))?;
    let mut out = String::from("| key | default | what it is |\n| --- | --- | --- |\n");
    for (path, about) in described(values) {
        let default = path.iter().try_fold(&defaults, |value, key| value.get(key));
        let default = default.ok_or_else(|| format!("values.yaml: {} is not there", path.join(".")))?;
        out.push_str(&format!("| `{}` | `{default}` | {about} |\n", path.join(".")));
    }
    Ok(out)
}

/// The path of each key that has a comment, and the comment.
fn described(values: &str) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut about: Option<String> = None;
    for line in values.lines() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if let Some(opening) = content.strip_prefix("# -- ") {
            about = Some(opening.to_owned());
        } else if let (Some(more), Some(about)) = (content.strip_prefix("# "), about.as_mut()) {
            about.push(' ');
            about.push_str(more);
        } else if let Some((key, _)) = content.split_once(':').filter(|_| !content.starts_with(['#', '-'])) {
            path.retain(|(outer, _)| *outer < indent);
            path.push((indent, key.to_owned()));
            if let Some(about) = about.take() {
                found.push((path.iter().map(|(_, key)| key.clone()).collect(), about));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_belongs_to_the_key_below_it() {
        let values = "# No value.\n\n# -- One,\n# in two lines.\na: 1\nb:\n  # -- Nested.\n  c: {d: [x]}\n  e: 2\n";
        let table = table(values).expect("a table");
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(rows, ["| `a` | `1` | One, in two lines. |", "| `b.c` | `{\"d\":[\"x\"]}` | Nested. |"]);
    }

    #[test]
    fn a_readme_keeps_what_stands_around_the_table() {
        let page = format!("# Chart\n\n{OPEN}old\n{CLOSE}\nafter\n");
        assert_eq!(with_table(&page, "new\n"), Ok(format!("# Chart\n\n{OPEN}new\n{CLOSE}\nafter\n")));
        assert!(with_table("# Chart\n", "new\n").is_err());
    }

    /// A key that only one of them has would be refused, or never checked.
    #[test]
    fn values_and_schema_of_every_chart_have_the_same_keys() {
        let charts = names(&root().join("charts")).expect("charts");
        assert!(charts.contains(&"app".to_owned()), "{charts:?}");
        for chart in charts {
            let folder = root().join("charts").join(&chart);
            let values: Value =
                serde_saphyr::from_str(&text(&folder.join("values.yaml")).expect("values")).expect("YAML");
            let schema: Value =
                serde_json::from_str(&text(&folder.join("values.schema.json")).expect("schema")).expect("JSON");
            let keys = |value: &Value| -> Vec<String> {
                value.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default()
            };
            let mut expected = keys(schema.get("properties").expect("properties"));
            // What a parent chart adds by itself.
            expected.retain(|key| key != "global");
            assert_eq!(keys(&values), expected, "{chart}");
        }
    }
}
