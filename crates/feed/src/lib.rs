//! Fetches advisory data: resumable, checked, atomic.
