//! Writing JSON objects, member by member.

use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Json;
use crate::timestamp::Timestamp;

/// Writes one object: members in call order, then [`ObjectWriter::end`].
/// The functions named like a type leave the member out when the value is the type's default; those that end in `_value`
/// leave it out when there is none. Member names are written as they are and must need no escape.
#[derive(Debug)]
pub struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    separator: u8,
}

impl<'a> ObjectWriter<'a> {
    /// Begins an object.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            separator: b'{',
        }
    }

    /// Ends the object.
    pub fn end(self) {
        // The first separator opens the object; without members nothing has opened it yet.
        if self.separator == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }

    fn key(&mut self, name: &str) -> &mut Vec<u8> {
        self.out.push(self.separator);
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.separator = b',';
        self.out
    }

    /// Text.
    pub fn string(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.set_string(name, value);
        }
    }

    /// Text, also when it is empty.
    pub fn set_string(&mut self, name: &str, value: &str) {
        write_string(self.key(name), value);
    }

    /// Text in a wrapper.
    pub fn string_value(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.set_string(name, value);
        }
    }

    /// A truth value.
    pub fn bool(&mut self, name: &str, value: bool) {
        self.bool_value(name, value.then_some(true));
    }

    /// A truth value in a wrapper.
    pub fn bool_value(&mut self, name: &str, value: Option<bool>) {
        if let Some(value) = value {
            self.key(name)
                .extend_from_slice(if value { b"true" } else { b"false" });
        }
    }

    /// A 32-bit integer or an enum's number.
    pub fn int32(&mut self, name: &str, value: i32) {
        self.int32_value(name, (value != 0).then_some(value));
    }

    /// A 32-bit integer in a wrapper.
    pub fn int32_value(&mut self, name: &str, value: Option<i32>) {
        if let Some(value) = value {
            // Writing to a vector cannot fail, here and below.
            let _ = write!(self.key(name), "{value}");
        }
    }

    /// An unsigned 32-bit integer.
    pub fn uint32(&mut self, name: &str, value: u32) {
        self.uint32_value(name, (value != 0).then_some(value));
    }

    /// An unsigned 32-bit integer in a wrapper.
    pub fn uint32_value(&mut self, name: &str, value: Option<u32>) {
        if let Some(value) = value {
            let _ = write!(self.key(name), "{value}");
        }
    }

    /// A 64-bit integer, as text.
    pub fn int64(&mut self, name: &str, value: i64) {
        self.int64_value(name, (value != 0).then_some(value));
    }

    /// A 64-bit integer in a wrapper, as text.
    pub fn int64_value(&mut self, name: &str, value: Option<i64>) {
        if let Some(value) = value {
            let _ = write!(self.key(name), "\"{value}\"");
        }
    }

    /// A number in a wrapper.
    pub fn double_value(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value {
            write_double(self.key(name), value);
        }
    }

    /// Bytes, as padded base64.
    pub fn bytes(&mut self, name: &str, value: &[u8]) {
        if value.is_empty() {
            return;
        }
        let out = self.key(name);
        out.push(b'"');
        let start = out.len();
        out.resize(start + value.len().div_ceil(3) * 4, b'=');
        if let Some(room) = out.get_mut(start..) {
            let written = STANDARD.encode_slice(value, room);
            debug_assert_eq!(written, Ok(out.len() - start));
        }
        out.push(b'"');
    }

    /// A time.
    pub fn timestamp(&mut self, name: &str, value: Option<&Timestamp>) {
        if let Some(value) = value {
            let out = self.key(name);
            out.push(b'"');
            value.write_rfc3339(out);
            out.push(b'"');
        }
    }

    /// A message, also when it is empty.
    pub fn message(&mut self, name: &str, value: &impl Json) {
        value.write_json(self.key(name));
    }

    /// A list of messages.
    pub fn messages(&mut self, name: &str, values: &[impl Json]) {
        if values.is_empty() {
            return;
        }
        let out = self.key(name);
        let mut separator = b'[';
        for value in values {
            out.push(separator);
            value.write_json(out);
            separator = b',';
        }
        out.push(b']');
    }

    /// A list of texts.
    pub fn strings(&mut self, name: &str, values: &[String]) {
        if values.is_empty() {
            return;
        }
        let out = self.key(name);
        let mut separator = b'[';
        for value in values {
            out.push(separator);
            write_string(out, value);
            separator = b',';
        }
        out.push(b']');
    }

    /// A map to texts.
    pub fn string_map(&mut self, name: &str, map: &BTreeMap<String, String>) {
        self.map(name, map.iter(), &|out, value| write_string(out, value));
    }

    /// A map to numbers.
    pub fn double_map(&mut self, name: &str, map: &BTreeMap<String, f64>) {
        self.map(name, map.iter(), &|out, value| write_double(out, *value));
    }

    fn map<'v, V: 'v>(
        &mut self,
        name: &str,
        entries: impl ExactSizeIterator<Item = (&'v String, &'v V)>,
        write_value: &dyn Fn(&mut Vec<u8>, &V),
    ) {
        if entries.len() == 0 {
            return;
        }
        let out = self.key(name);
        let mut separator = b'{';
        for (key, value) in entries {
            out.push(separator);
            write_string(out, key);
            out.push(b':');
            write_value(out, value);
            separator = b',';
        }
        out.push(b'}');
    }
}

/// Appends a JSON string: quotes, backslashes and control characters are escaped, all else is as it was.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
    {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((special, tail)) = tail.split_first() else {
            break;
        };
        match special {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *special]),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends a number; what JSON has no number for is written as the text `NaN`, `Infinity` or `-Infinity`.
fn write_double(out: &mut Vec<u8>, value: f64) {
    let magnitude = value.abs();
    let _ = if value.is_nan() {
        write!(out, "\"NaN\"")
    } else if value.is_infinite() {
        write!(out, "\"{}Infinity\"", if value > 0.0 { "" } else { "-" })
    } else if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn strings_read_back(text in ".*|[\\x00-\\x7f]*") {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn doubles_read_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let mut out = Vec::new();
            write_double(&mut out, value);
            let text = String::from_utf8(out).unwrap();
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
        }
    }

    #[test]
    fn doubles_without_a_number() {
        for (value, expected) in [
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
            (1.0, "1"),
            (-0.5, "-0.5"),
            (1e21, "1e21"),
        ] {
            let mut out = Vec::new();
            write_double(&mut out, value);
            assert_eq!(out, expected.as_bytes());
        }
    }
}
