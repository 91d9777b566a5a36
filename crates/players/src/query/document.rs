//! What a query is put to.

use serde_json::Value as Json;
use tagus_base::UnixMillis;

use super::date;

/// Most values of a document; what is added beyond is left out.
pub const VALUES_MAX: usize = 1_024;

/// Longest name of a field with its path, in bytes; what has a longer one is left out.
pub const FIELD_BYTES_MAX: usize = 256;

/// Deepest nesting of JSON that is looked into; what lies deeper is left out.
pub const DEPTH_MAX: usize = 64;

/// Most bytes of all names and texts of a document; what is added beyond is left out.
pub const DOCUMENT_BYTES_MAX: usize = 1_048_576;

/// Fields with values. A field is named by its dotted path and may have several values.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// Ordered by name.
    entries: Vec<Entry>,
    /// Names and texts in one piece: a query that goes over many documents finds each in few places of memory.
    text: String,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    name: Span,
    value: Value<Span>,
}

/// A part of a document's text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    begin: u32,
    end: u32,
}

const _: () = assert!(DOCUMENT_BYTES_MAX <= u32::MAX as usize);

/// A value of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<T> {
    /// Text, and the date that it is if it is one.
    Text {
        text: T,
        unix_nanos: Option<i64>,
    },
    Number(f64),
    Bool(bool),
}

impl Document {
    /// A document without fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text to the field's values. Text in the form of a date is a date too.
    pub fn add_text(&mut self, field: &str, text: &str) {
        let unix_nanos = date::parse(text);
        self.add(field, Value::Text { text, unix_nanos });
    }

    /// Adds a time to the field's values: as text to the millisecond, which is a date too.
    pub fn add_time(&mut self, field: &str, time: UnixMillis) {
        self.add_text(field, &date::text(time));
    }

    /// Adds a number to the field's values.
    pub fn add_number(&mut self, field: &str, number: f64) {
        self.add(field, Value::Number(number));
    }

    /// Adds a boolean to the field's values.
    pub fn add_bool(&mut self, field: &str, value: bool) {
        self.add(field, Value::Bool(value));
    }

    /// Adds what a JSON value holds: a member `b` of an object in the field `a` becomes the field `a.b`,
    /// the elements of an array become values of its field, and null is nothing.
    /// With an empty name the members become fields of their own names.
    pub fn add_json(&mut self, field: &str, json: &Json) {
        self.add_nested(&mut field.to_owned(), json, DEPTH_MAX);
    }

    /// Adds the members of a label that is a JSON object, as `label.` and their name. False: it is none.
    pub fn add_label(&mut self, label: &str) -> bool {
        let Ok(label @ Json::Object(_)) = serde_json::from_str(label) else {
            return false;
        };
        self.add_json("label", &label);
        true
    }

    /// Gives back memory that nothing is kept in. For documents that are kept.
    pub fn shrink(&mut self) {
        self.entries.shrink_to_fit();
        self.text.shrink_to_fit();
    }

    /// Values of all fields.
    #[must_use]
    pub const fn value_count(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of all names and texts.
    #[must_use]
    pub const fn text_bytes(&self) -> usize {
        self.text.len()
    }

    fn add_nested(&mut self, path: &mut String, json: &Json, depth_left: usize) {
        match json {
            Json::Null => {}
            Json::Bool(value) => self.add_bool(path, *value),
            Json::Number(number) => {
                if let Some(number) = number.as_f64() {
                    self.add_number(path, number);
                }
            }
            Json::String(text) => self.add_text(path, text),
            Json::Array(_) | Json::Object(_) if depth_left == 0 => {}
            Json::Array(elements) => {
                for element in elements {
                    self.add_nested(path, element, depth_left - 1);
                }
            }
            Json::Object(members) => {
                let bytes = path.len();
                for (name, member) in members {
                    let dot = if bytes > 0 { "." } else { "" };
                    if bytes + dot.len() + name.len() > FIELD_BYTES_MAX {
                        continue;
                    }
                    path.push_str(dot);
                    path.push_str(name);
                    self.add_nested(path, member, depth_left - 1);
                    path.truncate(bytes);
                }
            }
        }
    }

    fn add(&mut self, field: &str, value: Value<&str>) {
        if self.entries.len() == VALUES_MAX || field.len() > FIELD_BYTES_MAX {
            return;
        }
        let behind = self
            .entries
            .partition_point(|entry| self.text(entry.name) <= field);
        let before = self.entries[..behind].last().map(|entry| entry.name);
        let known = before.filter(|name| self.text(*name) == field);
        let name_bytes = known.map_or(field.len(), |_| 0);
        let value_bytes = value.text().map_or(0, str::len);
        if self.text.len() + name_bytes + value_bytes > DOCUMENT_BYTES_MAX {
            return;
        }
        let name = known.unwrap_or_else(|| self.keep(field));
        let value = match value {
            Value::Text { text, unix_nanos } => Value::Text {
                text: self.keep(text),
                unix_nanos,
            },
            Value::Number(number) => Value::Number(number),
            Value::Bool(value) => Value::Bool(value),
        };
        self.entries.insert(behind, Entry { name, value });
    }

    /// Appends to the text, of which there is at most [`DOCUMENT_BYTES_MAX`].
    fn keep(&mut self, text: &str) -> Span {
        let begin = self.text.len() as u32;
        self.text.push_str(text);
        let end = self.text.len() as u32;
        Span { begin, end }
    }

    fn text(&self, span: Span) -> &str {
        &self.text[span.begin as usize..span.end as usize]
    }

    /// The values of a field.
    pub(super) fn values<'a>(&'a self, field: &'a str) -> impl Iterator<Item = Value<&'a str>> {
        let first = self
            .entries
            .partition_point(|entry| self.text(entry.name) < field);
        self.entries[first..]
            .iter()
            .take_while(move |entry| self.text(entry.name) == field)
            .map(|entry| match entry.value {
                Value::Text { text, unix_nanos } => Value::Text {
                    text: self.text(text),
                    unix_nanos,
                },
                Value::Number(number) => Value::Number(number),
                Value::Bool(value) => Value::Bool(value),
            })
    }
}

impl<'a> Value<&'a str> {
    /// The text that patterns are held against. Numbers have none.
    pub(super) const fn text(&self) -> Option<&'a str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Number(_) => None,
            Self::Bool(true) => Some("T"),
            Self::Bool(false) => Some("F"),
        }
    }

    /// Whether it is the boolean of this JSON name.
    pub(super) fn is_named(&self, name: &str) -> bool {
        match self {
            Self::Bool(true) => name == "true",
            Self::Bool(false) => name == "false",
            Self::Text { .. } | Self::Number(_) => false,
        }
    }

    pub(super) const fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text { .. } | Self::Bool(_) => None,
        }
    }

    pub(super) const fn unix_nanos(&self) -> Option<i64> {
        match self {
            Self::Text { unix_nanos, .. } => *unix_nanos,
            Self::Number(_) | Self::Bool(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each value with its field, as Rust prints it.
    fn printed(document: &Document) -> Vec<String> {
        let entries = document.entries.iter().map(|entry| {
            let name = document.text(entry.name);
            match entry.value {
                Value::Text { text, unix_nanos } => match unix_nanos {
                    Some(_) => format!("{name}=date {}", document.text(text)),
                    None => format!("{name}={}", document.text(text)),
                },
                Value::Number(number) => format!("{name}={number}"),
                Value::Bool(value) => format!("{name}={value}"),
            }
        });
        entries.collect()
    }

    #[test]
    fn json_becomes_dotted_fields() {
        let json = serde_json::json!({
            "mode": "ranked", "open": true, "none": null, "level": -5.5,
            "tags": ["b", ["a", 3], {"deep": {"er": "x"}}],
            "at": "2006-01-02",
        });
        let mut document = Document::new();
        document.add_json("label", &json);
        document.add_json("", &serde_json::json!({"mode": "bare"}));
        let expected = [
            "label.at=date 2006-01-02",
            "label.level=-5.5",
            "label.mode=ranked",
            "label.open=true",
            "label.tags=b",
            "label.tags=a",
            "label.tags=3",
            "label.tags.deep.er=x",
            "mode=bare",
        ];
        assert_eq!(printed(&document), expected);
    }

    #[test]
    fn what_exceeds_a_limit_is_left_out() {
        let mut document = Document::new();
        for number in 0..=VALUES_MAX {
            document.add_number("n", number as f64);
        }
        assert_eq!(document.values("n").count(), VALUES_MAX);
        assert!(
            document
                .values("n")
                .all(|value| value.number() != Some(VALUES_MAX as f64))
        );

        let mut document = Document::new();
        let longest = "x".repeat(FIELD_BYTES_MAX);
        document.add_bool(&longest, true);
        document.add_bool(&format!("{longest}x"), true);
        document.add_json(
            "",
            &serde_json::json!({&longest: 1, format!("{longest}x"): 2}),
        );
        let member = "x".repeat(FIELD_BYTES_MAX - 2);
        document.add_json(
            "a",
            &serde_json::json!({&member: 1, format!("{member}x"): 2}),
        );
        assert_eq!(document.entries.len(), 3);
        assert_eq!(document.values(&format!("a.{member}")).count(), 1);

        let nested = |depth| (0..depth).fold(Json::from(1), |inner, _| Json::from(vec![inner]));
        let mut document = Document::new();
        document.add_json("at", &nested(DEPTH_MAX));
        document.add_json("beyond", &nested(DEPTH_MAX + 1));
        assert_eq!(printed(&document), ["at=1"]);

        let mut document = Document::new();
        document.add_text("a", &"x".repeat(DOCUMENT_BYTES_MAX - 1));
        document.add_text("a", "");
        document.add_text("a", "x");
        document.add_number("b", 1.0);
        assert_eq!(document.entries.len(), 2);
    }
}
