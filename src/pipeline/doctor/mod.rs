//! What a job lacks for what it is going to do, found before it does it. Nothing is signed, pushed or stored.

mod aws;
mod clock;
mod github;
mod iam;
mod key;
mod machine;
mod registry;
mod row;
mod token;
mod trust_file;
mod vault;

pub use row::{CHECKS, Outcome, Row};

use tokio::runtime::Handle;

use crate::cli::arguments::Doctor;
use crate::context::Context;
use crate::exit::Exit;
use clock::Clocks;
use token::Tokens;

/// Everything that was found.
#[derive(Debug)]
pub struct Findings {
    /// What the job's token says, claim by claim.
    pub claims: Vec<(&'static str, String)>,
    /// One row for each check.
    pub rows: Vec<Row>,
}

impl Findings {
    /// What is to be changed here counts before what did not answer.
    pub fn exit(&self) -> Exit {
        let failed = |exit| self.rows.iter().any(|row| row.outcome == Outcome::Fail(exit));
        match (failed(Exit::Usage), failed(Exit::Unavailable)) {
            (true, _) => Exit::Usage,
            (false, true) => Exit::Unavailable,
            (false, false) => Exit::Passed,
        }
    }
}

/// Makes every check that the arguments ask for.
pub fn examine(arguments: &Doctor, context: &Context, handle: &Handle) -> Findings {
    let (tokens, identity_token) = Tokens::find(arguments, context, handle);
    let mut clocks = Clocks::new(context.now);
    clocks.token(&tokens);
    let mut rows = vec![identity_token, tokens.audience(arguments)];
    let registry = registry::Place::open(arguments, &tokens, context, handle);
    rows.push(aws::trust_policy(arguments, registry.as_ref(), &tokens, context, handle));
    rows.push(aws::role(arguments, registry.as_ref(), &tokens, handle));
    rows.push(vault::role(arguments, &tokens, context, handle));
    rows.push(key::key(arguments, context, handle));
    rows.push(trust_file::builders(arguments, &tokens, context));
    rows.extend(github::permissions(arguments, &tokens, &mut clocks, context, handle));
    rows.push(machine::runner(&tokens, context));
    rows.push(machine::docker(arguments, context));
    rows.extend(registry::rows(registry, &mut clocks, context, handle));
    rows.push(clocks.row());
    Findings { claims: tokens.shown(), rows }
}
