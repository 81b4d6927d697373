//! Matches an inventory against advisories and keeps the evidence.
