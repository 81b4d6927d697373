//! `--parameters JSON`: the declared inputs of a reusable workflow.

use std::str::FromStr;

use serde_json::{Map, Value};

/// They may have so many bytes: a workflow's inputs are short, and all of them stand in a statement.
const LONGEST: usize = 64 << 10;

/// The declared inputs by their names. What has no value is left out: it changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters(pub Map<String, Value>);

impl FromStr for Parameters {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("{} bytes, expected at most {LONGEST}", text.len()));
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(mut members)) => {
                members.retain(|_, value| !matches!(value, Value::Null) && value != "" && value != false);
                Ok(Self(members))
            }
            Ok(_) => Err("expected a JSON object".to_owned()),
            Err(error) => Err(format!("expected a JSON object: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_value_is_left_out() {
        let Parameters(members) =
            r#"{"context":"app","target":"","n":0,"b":false,"c":true,"d":null}"#.parse().expect("an object");
        assert_eq!(Value::Object(members).to_string(), r#"{"c":true,"context":"app","n":0}"#);
        for bad in ["[]", "1", "{", &format!("{{\"a\":\"{}\"}}", "x".repeat(LONGEST))] {
            assert!(bad.parse::<Parameters>().is_err(), "{}", bad.len());
        }
    }
}
