//! One clause of a query: what it asks, and whether a document fulfils it.

use std::fmt::{self, Write};

use super::document::{Document, Value};
use super::parse::is_special;
use super::pattern::{Regexp, Wildcard, within_edits};

/// A condition on one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// What follows from the condition.
    pub occur: Occur,
    /// Dotted name of the field; empty where the query names none.
    pub field: Box<str>,
    /// The condition, on any one value of the field.
    pub test: Test,
    /// What an optional clause adds to the score when it holds; any finite number, 1 by default.
    pub boost: f64,
}

/// What a clause means for its query.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Occur {
    /// The query holds only if the clause does.
    Must,
    /// The query holds only if the clause does not.
    MustNot,
    /// The clause adds to the score; if there is nothing that must hold, one such clause has to.
    Should,
}

/// A condition on a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// True of every document, whatever its fields.
    Everything,
    /// The text is this.
    Term(Box<str>),
    /// The number is this one, or the text is how it is written.
    Number(Number),
    /// The number lies on this side of the bound.
    NumberRange(Comparison, Number),
    /// The date lies on this side of the bound.
    DateRange(Comparison, Date),
    /// The text fits the wildcards.
    Wildcard(Wildcard),
    /// The whole text fits the regular expression.
    Regexp(Regexp),
    /// The text is at most so many insertions, removals or replacements of a character away.
    Fuzzy {
        /// The word.
        word: Box<str>,
        /// Most edits, 0 to [`super::EDITS_MAX`].
        edits: u8,
    },
}

/// The four comparisons.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A number and how the query writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// As it is written.
    pub text: Box<str>,
    /// Its value, which is finite.
    pub value: f64,
}

/// A date and how the query writes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Date {
    /// As it is written.
    pub text: Box<str>,
    /// Nanoseconds since 1970-01-01T00:00:00Z; negative before it.
    pub unix_nanos: i64,
}

impl Clause {
    /// Whether the condition is true of one of the field's values, whatever follows from that.
    #[must_use]
    pub fn holds(&self, document: &Document) -> bool {
        let mut values = document.values(&self.field);
        matches!(self.test, Test::Everything) || values.any(|value| self.test.accepts(value))
    }
}

impl Test {
    /// Whether it goes over texts, and does not only compare.
    pub(super) fn is_pattern(&self) -> bool {
        match self {
            Self::Wildcard(wildcard) => !wildcard.is_any(),
            Self::Regexp(_) | Self::Fuzzy { .. } => true,
            Self::Everything
            | Self::Term(_)
            | Self::Number(_)
            | Self::NumberRange(..)
            | Self::DateRange(..) => false,
        }
    }

    fn accepts(&self, value: Value<&str>) -> bool {
        match self {
            Self::Everything => true,
            Self::Term(term) => value.text() == Some(&**term) || value.is_named(term),
            Self::Number(number) => {
                value.number() == Some(number.value) || value.text() == Some(&*number.text)
            }
            Self::NumberRange(side, bound) => value
                .number()
                .is_some_and(|number| side.holds(number, bound.value)),
            Self::DateRange(side, bound) => value
                .unix_nanos()
                .is_some_and(|nanos| side.holds(nanos, bound.unix_nanos)),
            Self::Wildcard(wildcard) if wildcard.is_any() => true,
            Self::Wildcard(wildcard) => value.text().is_some_and(|text| wildcard.matches(text)),
            Self::Regexp(regexp) => value.text().is_some_and(|text| regexp.matches(text)),
            Self::Fuzzy { word, edits } => value
                .text()
                .is_some_and(|text| within_edits(word, text, *edits)),
        }
    }
}

impl Comparison {
    fn holds<T: PartialOrd>(self, value: T, bound: T) -> bool {
        match self {
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.occur {
            Occur::Must => "+",
            Occur::MustNot => "-",
            Occur::Should => "",
        })?;
        if !self.field.is_empty() {
            write_word(&self.field, f)?;
            f.write_str(":")?;
        }
        self.test.fmt(f)?;
        match self.boost {
            1.0 => Ok(()),
            boost => write!(f, "^{boost}"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("*"),
            Self::Term(term) => write_phrase(term, f),
            Self::Number(number) => f.write_str(&number.text),
            Self::NumberRange(side, bound) => write!(f, "{side}{}", bound.text),
            Self::DateRange(side, bound) => {
                side.fmt(f)?;
                write_phrase(&bound.text, f)
            }
            Self::Wildcard(wildcard) => wildcard.fmt(f),
            Self::Regexp(regexp) => write!(f, "/{}/", regexp.pattern()),
            Self::Fuzzy { word, edits } => {
                write_word(word, f)?;
                write!(f, "~{edits}")
            }
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

fn write_phrase(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            f.write_str("\\")?;
        }
        f.write_char(character)?;
    }
    f.write_str("\"")
}

fn write_word(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    text.chars()
        .try_for_each(|character| write_character(character, f))
}

/// Writes a character of a word so that it means itself.
pub(super) fn write_character(character: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if is_special(character) {
        f.write_str("\\")?;
    }
    f.write_char(character)
}
