//! The client against the loopback registry, one switch and one fault at a time.

mod access;
mod attach;
mod failing;
mod fixture;
mod peer;
mod pull;
mod push;
mod referrers;
mod remote_image;
