//! The client against the loopback registry, one switch and one fault at a time.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "what helpers of tests cannot do fails the test")]

mod access;
mod attach;
mod failing;
mod fixture;
mod legacy_tag;
mod peer;
mod pull;
mod push;
mod referrers;
mod remote_image;
