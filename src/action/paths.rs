//! Paths of the runner's machine, as a container sees them.
//!
//! The runner translates an input only where all of it is a path, or starts with one (actions/runner, `ContainerInfo.cs`,
//! `TranslateToContainerPath`). `oci:/home/runner/…` and the second line of a list keep the machine's paths.

use std::path::Path;

use crate::context::Actions;

/// What is mounted into the container of an action.
const WORKSPACE: &str = "/github/workspace";
const TEMPORARY: &str = "/github/runner_temp";

/// The machine's folders and the container's.
#[derive(Debug, Default)]
pub struct HostPaths(Vec<(String, &'static str)>);

impl HostPaths {
    /// In a container: the machine's folders follow from `RUNNER_WORKSPACE`, which nobody translates. The checkout lies in it
    /// under the repository's name, and the temporary folder beside it (actions/runner, `PipelineDirectory`, `_temp`).
    pub fn of(actions: &Actions) -> Self {
        let in_container = actions.workspace.as_deref() == Some(Path::new(WORKSPACE));
        let name = actions.repository.as_deref().and_then(|name| name.rsplit('/').next());
        let (Some(machine), Some(name), true) = (&actions.runner_workspace, name, in_container) else {
            return Self::default();
        };
        let mut paths = vec![(machine.join(name), WORKSPACE)];
        paths.extend(machine.parent().map(|work| (work.join("_temp"), TEMPORARY)));
        Self(paths.into_iter().map(|(machine, inside)| (machine.display().to_string(), inside)).collect())
    }

    /// A value with its path, if there is one at its start or behind a `:` or `=`, as the container has it.
    pub fn inside(&self, value: &str) -> String {
        let translated = self.0.iter().find_map(|(machine, inside)| {
            let at = value.find(machine.as_str())?;
            let (before, rest) = (value.get(..at)?, value.get(at + machine.len()..)?);
            let starts = before.is_empty() || before.ends_with([':', '=']);
            let ends = rest.is_empty() || rest.starts_with(['/', ':']);
            (starts && ends).then(|| format!("{before}{inside}{rest}"))
        });
        translated.unwrap_or_else(|| value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_machine_is_translated_wherever_it_stands() {
        let actions = Actions {
            workspace: Some(WORKSPACE.into()),
            runner_workspace: Some("/home/runner/work/shop".into()),
            repository: Some("acme/shop".into()),
            ..Actions::default()
        };
        let paths = HostPaths::of(&actions);
        for (machine, inside) in [
            ("/home/runner/work/shop/shop/app.tar", "/github/workspace/app.tar"),
            (
                "docker-archive:/home/runner/work/shop/shop/app.tar:app:v1",
                "docker-archive:/github/workspace/app.tar:app:v1",
            ),
            ("json=/home/runner/work/_temp/a.json", "json=/github/runner_temp/a.json"),
            ("oci:/home/runner/work/shop/shop", "oci:/github/workspace"),
            ("app.tar", "app.tar"),
            ("/home/runner/work/shop/shopper/x", "/home/runner/work/shop/shopper/x"),
            ("a/home/runner/work/shop/shop/x", "a/home/runner/work/shop/shop/x"),
        ] {
            assert_eq!(paths.inside(machine), inside);
        }
        let outside = HostPaths::of(&Actions { workspace: Some("/home/runner/work/shop/shop".into()), ..actions });
        assert_eq!(outside.inside("/home/runner/work/shop/shop/x"), "/home/runner/work/shop/shop/x");
    }
}
