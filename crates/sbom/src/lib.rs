//! CycloneDX and SPDX documents from one inventory, with deterministic bytes.
