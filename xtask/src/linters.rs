//! The linters of workflows and actions, at pinned versions from PyPI.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

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
    let (templates, own): (Vec<&str>, Vec<&str>) = workflows.iter().partition(|path| path.starts_with("workflows/"));
    let caller = caller(&repository).map_err(Missing::Broken)?;
    let actions: Vec<&str> = repository.actions.iter().map(|action| action.path.as_str()).collect();
    let program = |name: &str| {
        let mut command = Command::new(programs.join(name));
        command.current_dir(root());
        command
    };
    let mut zizmor = program("zizmor");
    zizmor.args(["--persona", "auditor", "--offline", "--no-progress"]).args(&workflows).args(&actions);
    let mut actionlint = program("actionlint");
    actionlint.arg("-shellcheck").arg(programs.join("shellcheck")).args(&own);
    let mut actionlint_of_callers = program("actionlint");
    actionlint_of_callers.arg("-shellcheck").arg(programs.join("shellcheck")).current_dir(caller.path());
    actionlint_of_callers.args(templates.iter().map(|path| format!(".github/{path}")));
    let mut of_workflows = program("check-jsonschema");
    of_workflows.args(["--builtin-schema", "vendor.github-workflows"]).args(&workflows);
    let mut of_actions = program("check-jsonschema");
    of_actions.args(["--builtin-schema", "vendor.github-actions"]).args(&actions);
    for command in [&mut zizmor, &mut actionlint, &mut actionlint_of_callers, &mut of_workflows, &mut of_actions] {
        run(command).map_err(Missing::Broken)?;
    }
    Ok(())
}

/// A repository into which somebody has copied all templates: they name each other as neighbors.
fn caller(repository: &Repository) -> Result<TempDir, String> {
    let wrong = |e: std::io::Error| format!("a repository for the templates: {e}");
    let folder = TempDir::new().map_err(wrong)?;
    // actionlint takes a folder with these two for a repository.
    for name in [".git", ".github/workflows"] {
        fs::create_dir_all(folder.path().join(name)).map_err(wrong)?;
    }
    for template in repository.workflows.iter().filter(|workflow| workflow.path.starts_with("workflows/")) {
        fs::write(folder.path().join(".github").join(&template.path), &template.text).map_err(wrong)?;
    }
    Ok(folder)
}
