//! Verified SBOMs against the advisories of today and today's gate.

use sealwright_advisory::AdvisorySource as _;
use sealwright_core::{Decision, Digest};
use sealwright_feed::Store;
use sealwright_gate::{Evidence, Judgment, judge};
use sealwright_policy::GateRules;
use sealwright_verify::Outcome;
use serde_json::Value;

use super::scan::scan;
use crate::context::Context;
use crate::failure::Failure;
use crate::report::decision::line;
use crate::report::scan::ScanReport;

/// Judges the image of every platform by each of its documents. One without a document was not judged, and that fails.
///
/// # Errors
/// When the advisories cannot be read.
pub fn judge_today(
    images: &[(Digest, Vec<Value>)],
    gate: &GateRules,
    store: &Store,
    context: &Context,
) -> Result<Outcome, Failure> {
    if images.is_empty() {
        return Ok(Outcome::Failed("there is no image that runs".into()));
    }
    for (image, documents) in images {
        if documents.is_empty() {
            return Ok(Outcome::Failed(format!("{}: there is no verified SBOM", image.short())));
        }
        for document in documents {
            let bytes = serde_json::to_vec(document).unwrap_or_default();
            let inventory = match sealwright_sbom::read(&bytes, &context.limits) {
                Ok(inventory) => inventory,
                Err(e) => return Ok(Outcome::Failed(format!("{}: its verified SBOM: {e}", image.short()))),
            };
            let scanned = scan(&inventory, store)?;
            context.console.note(&ScanReport::data_line(store.snapshot(), &scanned.ages));
            let evidence = Evidence { subject: *image, findings: scanned.findings.clone(), ages: &scanned.ages };
            if let Judgment::Refused(decision) = judge(evidence, gate, context.now) {
                return Ok(Outcome::Failed(format!("{}: {}", image.short(), refused(&decision))));
            }
        }
    }
    Ok(Outcome::Passed)
}

/// The first finding that is refused, and how many more there are.
fn refused(decision: &Decision) -> String {
    let first = decision.refused.first().map(|refused| format!("{} ({})", line(&refused.finding), refused.rule));
    let more = match decision.refused.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("today's gate refuses {}{more}", first.unwrap_or_default())
}
