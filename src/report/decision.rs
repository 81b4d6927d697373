//! Findings and the gate's decision, in lines for a person.

use sealwright_core::{Decision, Finding, Fix, Outcome, Place, Vulnerability};

use super::columns::columns;
use super::console::Style;

/// One finding in one line.
pub fn line(finding: &Finding) -> String {
    match finding {
        Finding::Vulnerability(v) => format!("{} in {} {} ({})", v.id, v.package.name, v.package.version, severity(v)),
        Finding::Observation { id, place, detail } => format!("{id}: {detail}{}", shown_place(place)),
    }
}

fn shown_place(place: &Place) -> String {
    let path = place.path.as_ref().map(|p| format!(" (/{p}")).unwrap_or_default();
    match (&place.layer, path.is_empty()) {
        (Some(layer), true) => format!(" (layer {})", layer.short()),
        (Some(layer), false) => format!("{path}, layer {})", layer.short()),
        (None, false) => format!("{path})"),
        (None, true) => String::new(),
    }
}

fn severity(vulnerability: &Vulnerability) -> String {
    let word = vulnerability.severity.map_or("unknown", |s| s.word());
    if vulnerability.known_exploited { format!("{word}, exploited") } else { word.to_owned() }
}

fn fix(vulnerability: &Vulnerability) -> String {
    match &vulnerability.fix {
        Fix::FixedIn(version) => version.to_string(),
        Fix::NoneKnown => "-".to_owned(),
    }
}

/// Vulnerabilities as a table, worst first, then the observations as lines.
pub fn findings(findings: &[Finding], style: Style) -> String {
    let mut vulnerabilities: Vec<&Vulnerability> = findings
        .iter()
        .filter_map(|f| match f {
            Finding::Vulnerability(v) => Some(&**v),
            Finding::Observation { .. } => None,
        })
        .collect();
    vulnerabilities.sort_by_key(|v| (std::cmp::Reverse(v.severity), &v.package.name, &v.id));
    let mut rows = vec![["vulnerability", "severity", "package", "version", "fixed in"].map(str::to_owned).to_vec()];
    rows.extend(vulnerabilities.iter().map(|v| {
        vec![v.id.to_string(), severity(v), v.package.name.to_string(), v.package.version.to_string(), fix(v)]
    }));
    let mut text = String::new();
    if rows.len() > 1 {
        text.push_str(&columns(&rows, style, |column, cell, padded| match column {
            1 if cell.starts_with("critical") || cell.contains("exploited") => style.bad(&padded),
            1 if cell.starts_with("high") => style.remarkable(&padded),
            _ => padded,
        }));
    }
    for finding in findings.iter().filter(|f| matches!(f, Finding::Observation { .. })) {
        text.push_str(&line(finding));
        text.push('\n');
    }
    text
}

/// The decision: the head line, then what refuses the image, then what was waived and by whom.
pub fn decision(decision: &Decision, style: Style) -> String {
    let counts = format!(
        "({} refused, {} waived, {} reported)",
        decision.refused.len(),
        decision.waived.len(),
        decision.reported.len()
    );
    let head = match decision.outcome {
        Outcome::Pass => style.good("passed"),
        Outcome::Refuse => style.bad("refused"),
    };
    let mut text = format!("gate: {head} {counts}\n");
    for refused in &decision.refused {
        text.push_str(&format!("  {}  {}: {}\n", style.bad("refused"), refused.rule, line(&refused.finding)));
    }
    for waived in &decision.waived {
        let owner = waived.owner.as_ref().map(|o| format!(", {o}")).unwrap_or_default();
        let expires = waived.expires.as_ref().map(|e| format!(", until {e}")).unwrap_or_default();
        text.push_str(&format!(
            "  {}   {}: {} ({}{owner}{expires})\n",
            style.remarkable("waived"),
            waived.rule,
            line(&waived.finding),
            waived.reason
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealwright_core::{Digest, FindingId, Refused};

    #[test]
    fn hostile_text_of_a_finding_cannot_start_a_line() {
        let place = Place { layer: Some(Digest::of(b"")), path: Some("a\n::error::".into()) };
        let finding = Finding::observation(FindingId::DeniedContent, place, "x\u{1b}[2J");
        let text = decision(
            &Decision::new(vec![Refused { finding, rule: "gate.contents.deny".into() }], vec![], vec![]),
            Style::default(),
        );
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("\\u{a}::error::") && !text.contains('\u{1b}'), "{text}");
        assert!(text.starts_with("gate: refused (1 refused, 0 waived, 0 reported)\n"), "{text}");
    }
}
