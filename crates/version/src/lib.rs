//! Version orders and ranges: one file per ecosystem.
