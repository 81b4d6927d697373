//! Secrets that cannot be printed by accident, and whoever has to hear of them before anything is printed at all.

use std::fmt;
use std::sync::OnceLock;

/// A secret: `Debug` and `Display` print `[redacted]`, and there is no `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub struct Redacted<T>(T);

/// What a secret can be.
pub trait Secret {
    /// It as text, where it is one.
    fn text(&self) -> Option<&str>;
}

impl Secret for String {
    fn text(&self) -> Option<&str> {
        Some(self)
    }
}

impl Secret for Vec<u8> {
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(self).ok()
    }
}

/// Told of every secret of this process as soon as it is known to be one.
static WITNESS: OnceLock<fn(&str)> = OnceLock::new();

/// Has `witness` told of every secret from now on, so that a log can mask it before its first line about it. There is one for
/// the whole process, because whatever makes a secret writes into the same log: the first one stays.
pub fn tell_secrets_to(witness: fn(&str)) {
    // A second one would be a second log.
    let _ = WITNESS.set(witness);
}

impl<T: Secret> Redacted<T> {
    /// Wraps a secret.
    pub fn new(secret: T) -> Self {
        if let (Some(witness), Some(text)) = (WITNESS.get(), secret.text()) {
            witness(text);
        }
        Self(secret)
    }
}

impl<T> Redacted<T> {
    /// The secret itself, for the one place that sends or decrypts with it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

    #[test]
    fn a_secret_prints_as_redacted_and_is_told_to_the_witness_first() {
        tell_secrets_to(|secret| TOLD.lock().expect("not poisoned").push(secret.to_owned()));
        let secret = Redacted::new("hunter2".to_owned());
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "[redacted] [redacted] Some([redacted])");
        assert_eq!(secret.expose(), "hunter2");
        let bytes = (Redacted::new(b"hunter3".to_vec()), Redacted::new(vec![0xff]));
        assert_eq!(format!("{bytes:?}"), "([redacted], [redacted])");
        let told = TOLD.lock().expect("not poisoned");
        assert!(told.iter().any(|s| s == "hunter2") && told.iter().any(|s| s == "hunter3"), "{told:?}");
    }
}
