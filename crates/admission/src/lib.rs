//! What a cluster admits: the trust file as objects of an admission controller, what these would do with an image, and the silent
//! mistakes in such objects.
//!
//! Data in, data out: nothing here reads a file or speaks to a cluster.

pub mod explain;
pub mod lint;
pub mod render;
