//! An error with its causes, in one line.

use std::error::Error;

/// The error's own text and those of its causes that it does not repeat.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Failed {
        text: &'static str,
        source: Option<Box<Failed>>,
    }

    #[test]
    fn every_cause_is_told_once() {
        let refused = Failed { text: "refused", source: None };
        let connect = Failed { text: "connect: refused", source: Some(Box::new(refused)) };
        let request = Failed { text: "request", source: Some(Box::new(connect)) };
        assert_eq!(causes(&request), "request: connect: refused");
    }
}
