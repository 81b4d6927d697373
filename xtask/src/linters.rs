//! The linters of workflows and actions, at pinned versions from PyPI.

use std::process::Command;

use crate::peers::{self, Missing, Peers};
use crate::process::{root, run};
use crate::workflows::{Repository, broken};

/// Our own rules first, then everybody's: zizmor's strictest persona, actionlint with ShellCheck, and the schemas.
pub(crate) fn all(peers: &Peers) -> Result<(), Missing> {
    let repository = Repository::read(&root()).map_err(Missing::Broken)?;
    let found = broken(&repository);
    if !found.is_empty() {
        return Err(Missing::Broken(found.join("\n")));
    }
    let programs = peers::linters(peers)?;
    let workflows: Vec<&str> = repository.workflows.iter().map(|workflow| workflow.path.as_str()).collect();
    let actions: Vec<&str> = repository.actions.iter().map(|action| action.path.as_str()).collect();
    let program = |name: &str| {
        let mut command = Command::new(programs.join(name));
        command.current_dir(root());
        command
    };
    let mut zizmor = program("zizmor");
    zizmor.args(["--persona", "auditor", "--offline", "--no-progress"]).args(&workflows).args(&actions);
    let mut actionlint = program("actionlint");
    actionlint.arg("-shellcheck").arg(programs.join("shellcheck")).args(&workflows);
    let mut of_workflows = program("check-jsonschema");
    of_workflows.args(["--builtin-schema", "vendor.github-workflows"]).args(&workflows);
    let mut of_actions = program("check-jsonschema");
    of_actions.args(["--builtin-schema", "vendor.github-actions"]).args(&actions);
    for command in [&mut zizmor, &mut actionlint, &mut of_workflows, &mut of_actions] {
        run(command).map_err(Missing::Broken)?;
    }
    Ok(())
}
