//! Aligned columns.

use super::console::Style;

/// Lines with columns as wide as their widest cell; the last column is not padded. Cells are text that is safe to print:
/// hostile text goes through `Untrusted`'s `Display` first.
///
/// The first row is the heading. `paint` may mark a finished cell, which is padded before, so that marks do not count.
pub fn columns(rows: &[Vec<String>], style: Style, paint: impl Fn(usize, &str, String) -> String) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut out = String::new();
    for (line, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let last = column + 1 == row.len();
            let padded = if last { cell.clone() } else { format!("{cell:<width$}") };
            if line == 0 { style.faint(&padded) } else { paint(column, cell, padded) }
        });
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_nothing_trails() {
        let rows = vec![
            vec!["name".to_owned(), "v".into()],
            vec!["zürich-lib".into(), "1".into()],
            vec!["b".into(), String::new()],
        ];
        let text = columns(&rows, Style::default(), |_, _, padded| padded);
        assert_eq!(text, "name        v\nzürich-lib  1\nb\n");
    }
}
