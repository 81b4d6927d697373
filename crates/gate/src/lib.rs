//! Judges findings by rules and waivers; the only maker of a clearance.
