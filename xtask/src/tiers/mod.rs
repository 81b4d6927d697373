//! The tiers of the test run: what one is, and running them one after another.

mod budget;
mod interop;
mod list;
mod workspace;

use std::time::Instant;

use crate::peers::Peers;
use crate::process::{free_gigabytes, in_ci};
use crate::table::{Row, print_results};

pub(crate) use interop::{bench_action, bench_admission};
pub(crate) use list::ALL;

use budget::{space_is_left, time_is_left};

/// Whether CI may go on without a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// With `CI=true` it has to run.
    Required,
    /// It runs where its peers can be had.
    Optional,
}

impl Need {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }
}

/// What became of a tier.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// The peer that is missing.
    NotRun(String),
}

/// One group of tests that share their peers.
pub(crate) struct Tier {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) need: Need,
    /// Minutes on two cores with empty caches.
    pub(crate) cold_minutes: u32,
    pub(crate) run: fn(&Peers) -> Outcome,
}

/// The tiers that the arguments `--tier NAME …` name; all of them without arguments.
pub(crate) fn named(arguments: &[&str]) -> Result<Vec<&'static Tier>, String> {
    if arguments.is_empty() {
        return Ok(ALL.iter().collect());
    }
    let names = || ALL.iter().map(|t| t.name).collect::<Vec<_>>().join(", ");
    arguments
        .chunks(2)
        .map(|pair| match pair {
            ["--tier", name] => ALL
                .iter()
                .find(|t| t.name == *name)
                .ok_or_else(|| format!("no tier {name:?}, expected one of {}", names())),
            _ => Err(format!("expected --tier NAME, with one of {}", names())),
        })
        .collect()
}

/// Runs the tiers one after another, also after a failure, and prints the table.
pub(crate) fn run(tiers: &[&'static Tier]) -> Result<(), String> {
    let peers = Peers::prepare()?;
    let begun = Instant::now();
    let mut rows = Vec::new();
    for (number, tier) in tiers.iter().enumerate() {
        println!("\n== {}: {}", tier.name, tier.about);
        let start = Instant::now();
        let later = tiers.get(number + 1..).unwrap_or_default();
        let left = time_is_left(begun.elapsed(), tier, later).and_then(|()| space_is_left(tier, free_gigabytes()));
        let outcome = match left {
            Err(why) if in_ci() => Outcome::NotRun(why),
            _ => (tier.run)(&peers),
        };
        if let Outcome::Failed(why) | Outcome::NotRun(why) = &outcome {
            println!("{why}");
        }
        rows.push(Row { tier, seconds: start.elapsed(), outcome });
    }
    let failed = print_results(&rows, in_ci());
    if failed.is_empty() { Ok(()) } else { Err(format!("tiers that did not pass: {}", failed.join(", "))) }
}

fn outcome(result: Result<(), String>) -> Outcome {
    result.map_or_else(Outcome::Failed, |()| Outcome::Passed)
}
