//! The table of tiers: what passed, what failed, and what was not run and why. Nothing that was not run looks passed.

use std::time::Duration;

use crate::tiers::{Need, Outcome, Tier};

/// What became of one tier.
pub(crate) struct Row {
    pub(crate) tier: &'static Tier,
    pub(crate) seconds: Duration,
    pub(crate) outcome: Outcome,
}

/// Prints every tier with what it needs.
pub(crate) fn print_list(tiers: &[Tier]) {
    println!("{:<11} {:<9} {:>8}  about", "tier", "need", "cold min");
    for tier in tiers {
        println!("{:<11} {:<9} {:>8}  {}", tier.name, tier.need.word(), tier.cold_minutes, tier.about);
    }
}

/// Prints the results, and gives the names of the tiers that fail the run.
pub(crate) fn print_results(rows: &[Row], ci: bool) -> Vec<&'static str> {
    println!("\n{:<11} {:<9} {:>8} {:>9}  {:<8} ", "tier", "need", "cold min", "seconds", "result");
    for Row { tier, seconds, outcome } in rows {
        let (word, why) = match outcome {
            Outcome::Passed => ("passed", ""),
            Outcome::Failed(why) => ("FAILED", why.as_str()),
            Outcome::NotRun(why) => ("not run", why.as_str()),
        };
        let line = format!(
            "{:<11} {:<9} {:>8} {:>9.1}  {word:<8} {why}",
            tier.name,
            tier.need.word(),
            tier.cold_minutes,
            seconds.as_secs_f64()
        );
        println!("{}", line.trim_end());
    }
    let count = |wanted: fn(&Outcome) -> bool| rows.iter().filter(|r| wanted(&r.outcome)).count();
    println!(
        "{} tiers passed, {} failed, {} not run",
        count(|o| matches!(o, Outcome::Passed)),
        count(|o| matches!(o, Outcome::Failed(_))),
        count(|o| matches!(o, Outcome::NotRun(_))),
    );
    rows.iter().filter(|row| fails_the_run(row, ci)).map(|row| row.tier.name).collect()
}

fn fails_the_run(row: &Row, ci: bool) -> bool {
    match row.outcome {
        Outcome::Passed => false,
        Outcome::Failed(_) => true,
        Outcome::NotRun(_) => ci && row.tier.need == Need::Required,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_required_tier_that_was_not_run_fails_ci_and_nothing_else_that_was_not_run_does() {
        let tier = |need| -> &'static Tier {
            Box::leak(Box::new(Tier { name: "x", about: "", need, cold_minutes: 1, run: |_| Outcome::Passed }))
        };
        let row = |need, outcome| Row { tier: tier(need), seconds: Duration::ZERO, outcome };
        let not_run = || Outcome::NotRun("absent".into());
        assert!(fails_the_run(&row(Need::Required, not_run()), true));
        assert!(!fails_the_run(&row(Need::Required, not_run()), false));
        assert!(!fails_the_run(&row(Need::Optional, not_run()), true));
        assert!(fails_the_run(&row(Need::Optional, Outcome::Failed("x".into())), false));
        assert!(!fails_the_run(&row(Need::Required, Outcome::Passed), true));
    }
}
