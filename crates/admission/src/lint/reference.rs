//! Which images a policy is about: `matchImageReferences`.

use sealwright_policy::Position;
use sealwright_policy::yaml::Node;

use super::judge::Judge;
use super::pattern::{glob as compile, lacks_boundary};
use super::rule::Rule;

/// Ways to write Docker Hub's registry.
const DOCKER_HUB: [&str; 3] = ["docker.io/", "index.docker.io/", "registry-1.docker.io/"];

pub(super) fn judge(judge: &mut Judge<'_, '_>) {
    let globs = globs(judge.subject.spec(&["matchImageReferences"]));
    for (at, glob) in &globs {
        if lacks_boundary(glob) {
            judge.find(Rule::GlobWithoutBoundary, *at, glob);
        }
        if needs_tag(glob, &globs) {
            judge.find(Rule::GlobNeedsTag, *at, glob);
        }
        if is_of_docker_hub(glob) && !covers(&globs, "nginx") {
            judge.find(Rule::ShortNames, *at, glob);
        }
    }
}

/// The globs of a list, with their places.
pub(super) fn globs(references: Option<&Node>) -> Vec<(Position, &str)> {
    let items = references.map(Node::items).unwrap_or_default().iter();
    items.filter_map(|item| item.member("glob")).filter_map(|node| Some((node.at, node.text()?))).collect()
}

/// Whether one of the globs matches every image.
pub(super) fn is_everything(globs: &[(Position, &str)]) -> bool {
    ["nginx", "sealwright-probe.example:5000/a/b@sha256:0", "localhost/a:b"].iter().all(|probe| covers(globs, probe))
}

fn covers(globs: &[(Position, &str)], image: &str) -> bool {
    globs.iter().any(|(_, glob)| compile(glob).is_some_and(|glob| glob.is_match(image)))
}

/// A tag in the glob, and no other glob for the same repository by digest or without a tag.
fn needs_tag(glob: &str, globs: &[(Position, &str)]) -> bool {
    let name = glob.rsplit('/').next().unwrap_or_default();
    let Some(colon) = name.find(':').filter(|_| !name.contains('@') && !name.contains('{')) else { return false };
    let end = glob.len() - name.len() + colon;
    // A host with a port and nothing else is no repository.
    let repository = glob.get(..end).unwrap_or_default();
    if repository.is_empty()
        || !glob.contains('/') && name.get(colon + 1..).is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
    {
        return false;
    }
    let plain = repository.replace(['*', '?'], "a");
    !covers(globs, &format!("{plain}@sha256:{}", "0".repeat(64)))
}

fn is_of_docker_hub(glob: &str) -> bool {
    if DOCKER_HUB.iter().any(|registry| glob.starts_with(registry)) {
        return true;
    }
    // Without a registry: the first part has no dot and no port, and is not localhost.
    let first = glob.split('/').next().unwrap_or_default();
    let name = if glob.contains('/') { first } else { first.split([':', '@']).next().unwrap_or_default() };
    !name.is_empty() && name != "localhost" && !name.contains(['.', ':', '*', '{', '[', '?'])
}
