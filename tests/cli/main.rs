//! The command line as scripts use it: exit codes, messages, and that nothing half done is left. Rust and loopback only.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a broken fixture fails the test")]

mod action;
mod adoption;
mod broken_images;
mod contract;
mod copy;
mod doctor;
mod documents;
mod download;
mod ecr;
mod explain;
mod export;
mod formats;
mod github;
mod hostile_registry;
mod keyless;
mod killed;
mod kms;
mod offline;
mod policy_lint;
mod policy_render;
mod prove;
mod registry_failures;
mod release_files;
mod report;
mod reports;
mod scene;
mod seal;
mod sign;
mod tree;
mod trust;
mod verify;
