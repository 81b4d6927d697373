//! Images, advisories and servers made in code, for tests.
