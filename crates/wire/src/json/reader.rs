//! Reading JSON by pulling one value after the other.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::{Json, JsonError, JsonErrorKind};
use crate::timestamp::Timestamp;

/// How deep objects and lists may be nested; a text that goes deeper is refused.
pub const JSON_DEPTH_MAX: usize = 64;

/// Reads a JSON text from its start. The functions named like a type read one value and return `None` for `null`;
/// after an error the position is undefined and the text is to be dropped.
#[derive(Debug)]
pub struct JsonReader<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
    loose: bool,
}

type Result<T> = std::result::Result<T, JsonError>;

impl<'a> JsonReader<'a> {
    /// Starts at the beginning of a text.
    ///
    /// # Errors
    /// When the text is not UTF-8.
    pub fn new(text: &'a [u8]) -> Result<Self> {
        match str::from_utf8(text) {
            Ok(text) => Ok(Self {
                text,
                position: 0,
                depth: 0,
                loose: false,
            }),
            Err(err) => Err(JsonError {
                offset: err.valid_up_to(),
                kind: JsonErrorKind::NotUtf8,
            }),
        }
    }

    /// Reads values that came from a URL: texts stand for truth values too, and a single value for a list of one.
    pub(crate) fn loose(text: &'a [u8]) -> Result<Self> {
        Ok(Self {
            loose: true,
            ..Self::new(text)?
        })
    }

    /// Checks that only white space is left.
    ///
    /// # Errors
    /// When something else is.
    pub fn finish(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error(JsonErrorKind::TrailingText)),
        }
    }

    /// Reads an object's members into a message; unknown ones are skipped.
    ///
    /// # Errors
    /// When the value is not an object, or a member does not suit its field.
    pub fn merge(&mut self, message: &mut impl Json) -> Result<()> {
        self.members(&mut |key, reader| {
            if !message.merge_field(key, reader)? {
                reader.skip()?;
            }
            Ok(())
        })
    }

    /// Reads a message.
    ///
    /// # Errors
    /// As [`JsonReader::merge`].
    pub fn message<M: Json>(&mut self) -> Result<Option<M>> {
        if self.null()? {
            return Ok(None);
        }
        let mut message = M::default();
        self.merge(&mut message)?;
        Ok(Some(message))
    }

    /// Reads a list of messages; `null` is the empty list.
    ///
    /// # Errors
    /// When the value is not a list of objects.
    pub fn messages<M: Json>(&mut self) -> Result<Vec<M>> {
        let mut values = Vec::new();
        self.elements(&mut |reader| {
            let mut message = M::default();
            reader.merge(&mut message)?;
            values.push(message);
            Ok(())
        })?;
        Ok(values)
    }

    /// Reads a list of texts; `null` is the empty list.
    ///
    /// # Errors
    /// When the value is not a list of texts.
    pub fn strings(&mut self) -> Result<Vec<String>> {
        let mut values = Vec::new();
        self.elements(&mut |reader| {
            values.push(reader.text()?.into_owned());
            Ok(())
        })?;
        Ok(values)
    }

    /// Reads a map to texts; `null` is the empty map.
    ///
    /// # Errors
    /// When the value is not an object whose members are texts.
    pub fn string_map(&mut self) -> Result<BTreeMap<String, String>> {
        let mut map = BTreeMap::new();
        if !self.null()? {
            self.members(&mut |key, reader| {
                map.insert(key.to_owned(), reader.text()?.into_owned());
                Ok(())
            })?;
        }
        Ok(map)
    }

    /// Reads a map to numbers; `null` is the empty map.
    ///
    /// # Errors
    /// When the value is not an object whose members are numbers.
    pub fn double_map(&mut self) -> Result<BTreeMap<String, f64>> {
        let mut map = BTreeMap::new();
        if !self.null()? {
            self.members(&mut |key, reader| {
                map.insert(key.to_owned(), reader.number()?);
                Ok(())
            })?;
        }
        Ok(map)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// When the value is anything else.
    pub fn string(&mut self) -> Result<Option<String>> {
        if self.null()? {
            Ok(None)
        } else {
            Ok(Some(self.text()?.into_owned()))
        }
    }

    /// Reads a text in place of what is in `text`; `null` is the empty one.
    ///
    /// # Errors
    /// When the value is anything else.
    pub fn string_into(&mut self, text: &mut String) -> Result<()> {
        text.clear();
        if !self.null()? {
            text.push_str(&self.text()?);
        }
        Ok(())
    }

    /// Reads a truth value.
    ///
    /// # Errors
    /// When the value is anything else.
    pub fn bool(&mut self) -> Result<Option<bool>> {
        if self.null()? {
            return Ok(None);
        }
        if self.word("true") {
            return Ok(Some(true));
        }
        if self.word("false") {
            return Ok(Some(false));
        }
        let expected = self.error(JsonErrorKind::Expected("true or false"));
        if !self.loose {
            return Err(expected);
        }
        match &*self.text()? {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Some(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Some(false)),
            _ => Err(expected),
        }
    }

    /// Reads an integer of 32 bits, a number or a number in a text.
    ///
    /// # Errors
    /// When the value is not an integer or out of range.
    pub fn int32(&mut self) -> Result<Option<i32>> {
        self.integer_of()
    }

    /// Reads an unsigned integer of 32 bits, a number or a number in a text.
    ///
    /// # Errors
    /// When the value is not an integer or out of range.
    pub fn uint32(&mut self) -> Result<Option<u32>> {
        self.integer_of()
    }

    /// Reads an integer of 64 bits, a number or a number in a text.
    ///
    /// # Errors
    /// When the value is not an integer or out of range.
    pub fn int64(&mut self) -> Result<Option<i64>> {
        self.integer_of()
    }

    /// Reads a number.
    ///
    /// # Errors
    /// When the value is anything else.
    pub fn double(&mut self) -> Result<Option<f64>> {
        if self.null()? {
            Ok(None)
        } else {
            Ok(Some(self.number()?))
        }
    }

    /// Reads an enum's number, or its name by `from_name`. Numbers without a name are kept.
    ///
    /// # Errors
    /// When the value is neither, or the name unknown.
    pub fn enumeration(&mut self, from_name: fn(&str) -> Option<i32>) -> Result<Option<i32>> {
        if self.peek() != Some(b'"') {
            return self.int32();
        }
        let unknown = self.error(JsonErrorKind::UnknownEnumName);
        let name = self.text()?;
        let number = || if self.loose { name.parse().ok() } else { None };
        from_name(&name).or_else(number).map(Some).ok_or(unknown)
    }

    /// Reads base64: the standard or the URL alphabet, padded or not.
    ///
    /// # Errors
    /// When the value is not a text of base64.
    pub fn bytes(&mut self) -> Result<Option<Bytes>> {
        if self.null()? {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.bytes_into(&mut bytes)?;
        Ok(Some(Bytes::from(bytes)))
    }

    /// Reads base64 as [`JsonReader::bytes`] does, in place of what is in `bytes`; `null` is no bytes.
    ///
    /// # Errors
    /// When the value is not a text of base64.
    pub fn bytes_into(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.clear();
        if self.null()? {
            return Ok(());
        }
        let bad = self.error(JsonErrorKind::BadBase64);
        let text = self.text()?;
        let engine = if text.contains(['-', '_']) {
            &URL_SAFE
        } else {
            &STANDARD
        };
        engine.decode_vec(text.as_bytes(), bytes).map_err(|_| bad)
    }

    /// Reads an RFC 3339 time.
    ///
    /// # Errors
    /// When the value is anything else.
    pub fn timestamp(&mut self) -> Result<Option<Timestamp>> {
        if self.null()? {
            return Ok(None);
        }
        let bad = self.error(JsonErrorKind::BadTime);
        Timestamp::parse_rfc3339(&self.text()?).map(Some).ok_or(bad)
    }

    /// Skips one value of any kind.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn skip(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'"') => self.text().map(drop),
            Some(b'{') => self.members(&mut |_, reader| reader.skip()),
            Some(b'[') => self.elements(&mut |reader| reader.skip()),
            Some(b'-' | b'0'..=b'9') => self.number_text().map(drop),
            Some(_) if self.word("null") || self.word("true") || self.word("false") => Ok(()),
            _ => Err(self.error(JsonErrorKind::Expected("a value"))),
        }
    }

    /// Calls `visit` for each member of an object, with the reader at the member's value, which it must read or skip.
    ///
    /// # Errors
    /// When the value is not an object, or what `visit` says.
    pub fn members(&mut self, visit: &mut dyn FnMut(&str, &mut Self) -> Result<()>) -> Result<()> {
        self.take(b'{', "an object")?;
        self.descend()?;
        if self.peek() == Some(b'}') {
            self.position += 1;
        } else {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.error(JsonErrorKind::Expected("a member name")));
                }
                let key = self.text()?;
                self.take(b':', "a colon")?;
                visit(&key, self)?;
                if self.ends(b'}', "a comma or the end of the object")? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Calls `visit` for each element of a list, with the reader at the element; never for `null`.
    fn elements(&mut self, visit: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if self.null()? {
            return Ok(());
        }
        if self.loose && self.peek() != Some(b'[') {
            return visit(self);
        }
        self.take(b'[', "a list")?;
        self.descend()?;
        if self.peek() == Some(b']') {
            self.position += 1;
        } else {
            loop {
                visit(self)?;
                if self.ends(b']', "a comma or the end of the list")? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn descend(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > JSON_DEPTH_MAX {
            return Err(self.error(JsonErrorKind::TooDeep));
        }
        Ok(())
    }

    /// Takes a comma (`false`) or the closing byte (`true`).
    fn ends(&mut self, close: u8, expected: &'static str) -> Result<bool> {
        match self.peek() {
            Some(b',') => {
                self.position += 1;
                Ok(false)
            }
            _ => self.take(close, expected).map(|()| true),
        }
    }

    /// Skips white space and returns the next byte without taking it.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.position) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.position += 1,
                other => return other.copied(),
            }
        }
    }

    fn take(&mut self, byte: u8, expected: &'static str) -> Result<()> {
        if self.peek() != Some(byte) {
            return Err(self.error(JsonErrorKind::Expected(expected)));
        }
        self.position += 1;
        Ok(())
    }

    /// Takes a word if it comes next.
    fn word(&mut self, word: &str) -> bool {
        self.peek();
        let found = self.rest().starts_with(word);
        if found {
            self.position += word.len();
        }
        found
    }

    fn null(&mut self) -> Result<bool> {
        match self.peek() {
            None => Err(self.error(JsonErrorKind::UnexpectedEnd)),
            Some(b'n') => Ok(self.word("null")),
            Some(_) => Ok(false),
        }
    }

    fn rest(&self) -> &'a str {
        // The position is always at a character's start; were it not, there would be nothing to read.
        self.text.get(self.position..).unwrap_or_default()
    }

    /// Reads a string; borrowed when it has no escape.
    fn text(&mut self) -> Result<Cow<'a, str>> {
        self.take(b'"', "a string")?;
        let mut whole = String::new();
        loop {
            let rest = self.rest();
            let stop = rest
                .bytes()
                .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            let Some((plain, tail)) = stop.and_then(|at| rest.split_at_checked(at)) else {
                self.position = self.text.len();
                return Err(self.error(JsonErrorKind::UnexpectedEnd));
            };
            self.position += plain.len();
            if tail.starts_with('"') {
                self.position += 1;
                if whole.is_empty() {
                    return Ok(Cow::Borrowed(plain));
                }
                whole.push_str(plain);
                return Ok(Cow::Owned(whole));
            }
            whole.push_str(plain);
            if !tail.starts_with('\\') {
                return Err(self.error(JsonErrorKind::BadString));
            }
            whole.push(self.escape()?);
        }
    }

    /// Reads an escape, the reader being at its backslash.
    fn escape(&mut self) -> Result<char> {
        let bad = self.error(JsonErrorKind::BadString);
        let letter = self.text.as_bytes().get(self.position + 1);
        self.position += 2;
        let value = match letter.ok_or(bad)? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.four_hex().ok_or(bad)?;
                match first {
                    0xd800..=0xdbff => {
                        let low = self.low_surrogate().ok_or(bad)?;
                        let code = 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00);
                        char::from_u32(code).ok_or(bad)?
                    }
                    // A low surrogate alone is no character.
                    _ => char::from_u32(first).ok_or(bad)?,
                }
            }
            _ => return Err(bad),
        };
        Ok(value)
    }

    fn four_hex(&mut self) -> Option<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let byte = self.text.as_bytes().get(self.position)?;
            value = value * 16 + char::from(*byte).to_digit(16)?;
            self.position += 1;
        }
        Some(value)
    }

    fn low_surrogate(&mut self) -> Option<u32> {
        if !self.rest().starts_with("\\u") {
            return None;
        }
        self.position += 2;
        self.four_hex()
            .filter(|low| (0xdc00..=0xdfff).contains(low))
    }

    fn integer_of<T: TryFrom<i64>>(&mut self) -> Result<Option<T>> {
        if self.null()? {
            return Ok(None);
        }
        let error = self.error(JsonErrorKind::NumberOutOfRange);
        let value = self.integer(error)?;
        T::try_from(value).map(Some).map_err(|_| error)
    }

    fn integer(&mut self, error: JsonError) -> Result<i64> {
        let text = self.quoted_or_bare_number()?;
        if let Ok(value) = text.parse() {
            return Ok(value);
        }
        // Rarely: an integer written with a fraction or an exponent, exact up to 2^53.
        let value: f64 = text.parse().map_err(|_| error)?;
        if value.fract() != 0.0 || value.abs() > 9_007_199_254_740_992.0 {
            return Err(error);
        }
        format!("{value:.0}").parse().map_err(|_| error)
    }

    /// Reads a number, or a text of one, or the texts `NaN`, `Infinity` and `-Infinity`.
    fn number(&mut self) -> Result<f64> {
        self.peek();
        for (text, value) in [
            ("\"NaN\"", f64::NAN),
            ("\"Infinity\"", f64::INFINITY),
            ("\"-Infinity\"", f64::NEG_INFINITY),
        ] {
            if self.word(text) {
                return Ok(value);
            }
        }
        let error = self.error(JsonErrorKind::NumberOutOfRange);
        let value: f64 = self.quoted_or_bare_number()?.parse().map_err(|_| error)?;
        if value.is_finite() {
            Ok(value)
        } else {
            Err(error)
        }
    }

    fn quoted_or_bare_number(&mut self) -> Result<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return self.number_text().map(Cow::Borrowed);
        }
        let expected = self.error(JsonErrorKind::Expected("a number"));
        let text = self.text()?;
        if number_len(&text) == Some(text.len()) {
            Ok(text)
        } else {
            Err(expected)
        }
    }

    fn number_text(&mut self) -> Result<&'a str> {
        self.peek();
        let rest = self.rest();
        let text = number_len(rest).and_then(|len| rest.get(..len));
        let text = text.ok_or_else(|| self.error(JsonErrorKind::Expected("a number")))?;
        self.position += text.len();
        Ok(text)
    }

    /// An error here; an end of text is named as such whatever was expected.
    fn error(&self, kind: JsonErrorKind) -> JsonError {
        let at_end = self.position >= self.text.len();
        let expected = matches!(kind, JsonErrorKind::Expected(_));
        let kind = if expected && at_end {
            JsonErrorKind::UnexpectedEnd
        } else {
            kind
        };
        JsonError {
            offset: self.position.min(self.text.len()),
            kind,
        }
    }
}

/// Length of the JSON number at the start of `text`.
fn number_len(text: &str) -> Option<usize> {
    let digits = |from: usize| -> Option<usize> {
        let count = text
            .get(from..)?
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        (count > 0).then_some(from + count)
    };
    let at = |index: usize| text.as_bytes().get(index).copied();

    let start = usize::from(at(0) == Some(b'-'));
    let mut end = if at(start) == Some(b'0') {
        start + 1
    } else {
        digits(start)?
    };
    if at(end) == Some(b'.') {
        end = digits(end + 1)?;
    }
    if matches!(at(end), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(at(end + 1), Some(b'+' | b'-')));
        end = digits(end + 1 + signed)?;
    }
    Some(end)
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
