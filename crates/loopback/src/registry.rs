//! A small registry that speaks the distribution specification, with switches for faults.
