//! RFC 8785, the JSON Canonicalization Scheme: one byte sequence for one value, so that a digest names a meaning.

use std::fmt::Write as _;

use serde_json::Value;

/// The canonical bytes of `value`.
///
/// Members are sorted by the UTF-16 code units of their keys (RFC 8785 §3.2.3), whatever order the parser kept. Numbers
/// are integers wherever we write them; others are written in the shortest form that reads back the same, which agrees
/// with RFC 8785 §3.2.2.3 for all magnitudes between 1e-6 and 1e21.
pub fn to_vec(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write_value(&mut out, value);
    out.into_bytes()
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => write_number(out, n),
        Value::String(s) => write_string(out, s),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            out.push('{');
            for (i, (key, item)) in members.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(out, key);
                out.push(':');
                write_value(out, item);
            }
            out.push('}');
        }
    }
}

fn write_number(out: &mut String, number: &serde_json::Number) {
    match number.as_f64() {
        // ECMAScript writes 1.0 as 1 and -0 as 0.
        Some(f) if !number.is_i64() && !number.is_u64() && f.fract() == 0.0 && f.abs() < 1e21 => {
            let _ = write!(out, "{f:.0}");
            if out.ends_with("-0") {
                out.truncate(out.len() - 2);
                out.push('0');
            }
        }
        _ => {
            let _ = write!(out, "{number}");
        }
    }
}

/// RFC 8785 §3.2.2.2: the two-character escapes where JSON has them, `\u00xx` for other controls, nothing else.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_8785_come_out_as_printed() {
        // §3.2.3: sorting by UTF-16 code units puts the emoji before the Hebrew letter.
        let value: Value = serde_json::from_str(r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#).expect("json");
        let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
        assert_eq!(String::from_utf8(to_vec(&value)).expect("utf-8"), expected);
        // §3.2.2: literals, an integral float, escapes.
        let value: Value = serde_json::from_str(r#"{"literals":[null,true,false],"numbers":[1.0,4.50,-0.0,333333333.33333329],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"}"#).expect("json");
        let expected = "{\"literals\":[null,true,false],\"numbers\":[1,4.5,0,333333333.3333333],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(String::from_utf8(to_vec(&value)).expect("utf-8"), expected);
    }
}
