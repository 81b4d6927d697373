//! Where capabilities meet: every step of the main job, from a source to a verified, tagged image.

pub mod builders;
pub mod copy;
pub mod doctor;
pub mod ecr;
pub mod egress;
pub mod evidence;
pub mod evidence_files;
pub mod failures;
pub mod github;
pub mod github_run;
pub mod graph;
pub mod inventory;
pub mod judge;
pub mod prove;
pub mod publish;
pub mod scan;
pub mod signer;
pub mod source;
pub mod statements;
pub mod target;
pub mod today;
pub mod token;
pub mod trust_file;
pub mod trust_root;
pub mod vault;
pub mod verify_command;
