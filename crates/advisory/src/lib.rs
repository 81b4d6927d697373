//! Advisory records: OSV, KEV, and the store's snapshot.
