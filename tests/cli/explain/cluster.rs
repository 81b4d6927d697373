//! `--from-cluster`, with a stand-in for kubectl: a script that notes its arguments and writes a list that lies beside it.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use super::pods::{list, pod};
use super::{EXPLAIN, sealed};
use crate::scene::{Said, Scene};

/// The folder of the stand-in, which has kubectl's name because it is run by it.
const STAND_IN: &str = "stand-in-for-kubectl";

/// With a stand-in that does this.
fn explain(scene: &Scene, script: &str, more: &[&str]) -> Said {
    let folder = scene.path().join(STAND_IN);
    std::fs::create_dir_all(&folder).expect("folder");
    let file = folder.join("kubectl");
    let text = format!("#!/bin/sh\n# A stand-in for kubectl.\nprintf '%s\\n' \"$@\" > arguments.txt\n{script}\n");
    std::fs::write(&file, text).expect("script");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    scene.run_with(&[("PATH", &path)], &[&EXPLAIN[..], &["--from-cluster"], more].concat())
}

fn arguments(scene: &Scene) -> Vec<String> {
    let bytes = sealwright_core::bounded::read_file(&scene.path().join("arguments.txt"), 1 << 20).expect("arguments");
    String::from_utf8(bytes).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn what_runs_is_asked_of_kubectl() {
    let scene = sealed();
    scene.write("pods.json", list(vec![pod("shop", "shop", &scene.reference(), Some(scene.sealed()))]));
    explain(&scene, "cat pods.json", &[]).expect(0, &["shop/Deployment/shop", "1 admitted"]);
    assert_eq!(arguments(&scene), ["get", "pods", "--output=json", "--request-timeout=300s", "--all-namespaces"]);
    explain(&scene, "cat pods.json", &["--context", "--evil", "--namespace", "shop", "--timeout", "7s"])
        .expect(2, &["--evil"]);
    explain(&scene, "cat pods.json", &["--context=-evil", "--namespace", "shop", "--timeout", "7s"]).expect(0, &[]);
    assert_eq!(
        arguments(&scene),
        ["get", "pods", "--output=json", "--request-timeout=7s", "--namespace=shop", "--context=-evil"],
        "a value is no flag of its own"
    );
}

#[test]
fn a_kubectl_that_fails_or_is_not_there_is_said_so() {
    let scene = Scene::new();
    let words = ["kubectl could not list the Pods", "You must be logged in", "--pods pods.json"];
    explain(&scene, "echo 'error: You must be logged in' >&2; exit 1", &[]).expect(5, &words);
    explain(&scene, "echo '{'", &[]).expect(2, &["what kubectl wrote is no list of Pods"]);
    let nothing = scene.path().join("nothing");
    let path = [("PATH", nothing.to_str().expect("a path"))];
    let said = scene.run_with(&path, &[&EXPLAIN[..], &["--from-cluster"]].concat());
    said.expect(5, &["kubectl is not installed", "--pods pods.json"]);
}
