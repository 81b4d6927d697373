//! The name of a source: what is shown is read as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_source::Transport;

fuzz_target!(|data: &str| {
    let Ok(transport) = data.parse::<Transport>() else { return };
    assert_eq!(transport.to_string().parse(), Ok(transport));
});
