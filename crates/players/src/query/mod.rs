//! The query language of match listings, party listings, the matchmaker and storage indexes.
//!
//! A query is a list of clauses with spaces between them.
//!
//! | clause | holds for a document when |
//! | --- | --- |
//! | `field:value` | a value of the field is this text, or this number where it looks like one |
//! | `field:"a phrase"` | a value of the field is exactly this text |
//! | `field:>5`, `>=`, `<`, `<=` | a number of the field lies on that side |
//! | `field:>"2006-01-02T15:04:05Z"` | a date of the field, which is text of that form, lies on that side |
//! | `field:ab*`, `field:a?c` | a text fits: `*` is any characters, `?` is one |
//! | `field:*` | the field has any value |
//! | `field:/a+b/` | a whole text fits the regular expression; `\d`, `\w` and `\s` are ASCII |
//! | `field:word~2` | a text is at most 2 edits away; `~` alone is one edit |
//! | `*` | always |
//! | `value` | the same as with a field, looked up in the field without a name, which few documents have |
//!
//! `+` before a clause says that it must hold, `-` that it must not.
//! Of the others at least one must hold if nothing must; each that holds adds its boost (`^5` behind it, else 1)
//! to the score.
//! A backslash before a space or one of `+-=&|><!(){}[]^"~*?:\/` takes its meaning away.
//! An empty query holds for every document.
//!
//! Text is compared whole and letter for letter: values are names and identifiers, not prose, and the protocol's
//! clients rely on `Rank` and `rank` being two things.
//! Of a boolean the text is `T` or `F`, as clients write it; `true` and `false` are understood as well.

#![warn(
    clippy::disallowed_methods,
    clippy::iter_over_hash_type,
    clippy::wildcard_enum_match_arm
)]

mod clause;
mod date;
mod document;
mod error;
mod parse;
mod pattern;

use std::fmt;
use std::str::FromStr;

pub use clause::{Clause, Comparison, Date, Number, Occur, Test};
pub use document::{DEPTH_MAX, DOCUMENT_BYTES_MAX, Document, FIELD_BYTES_MAX, VALUES_MAX};
pub use error::{QueryError, QueryProblem};
pub use pattern::{
    EDITS_MAX, PATTERN_BYTES_MAX, REGEXP_DEPTH_MAX, REGEXP_MEMORY_BYTES_MAX, Regexp, Wildcard,
};

/// Longest query, in bytes; a longer one is refused.
pub const QUERY_BYTES_MAX: usize = 8_192;

/// Most clauses of a query; one with more is refused.
pub const CLAUSES_MAX: usize = 256;

/// Most regular expressions of a query, since each takes memory; one with more is refused.
pub const REGEXPS_MAX: usize = 8;

/// A query, ready to be put to any number of documents. It is printed as text that means the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What must hold comes first, then what must not, then the rest.
    clauses: Vec<Clause>,
    /// Whether one of the optional clauses has to hold.
    needs_optional: bool,
    /// Clauses that go over texts.
    pattern_count: usize,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    ///
    /// The text is not a query, or exceeds a limit; the error says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut clauses = parse::clauses(text)?;
        clauses.sort_by_key(|clause| clause.occur);
        let has = |occur| clauses.iter().any(|clause| clause.occur == occur);
        let needs_optional = has(Occur::Should) && !has(Occur::Must);
        let is_pattern = |clause: &&Clause| clause.test.is_pattern();
        Ok(Self {
            pattern_count: clauses.iter().filter(is_pattern).count(),
            clauses,
            needs_optional,
        })
    }

    /// The clauses: first those that must hold, then those that must not, then the optional ones,
    /// each kind in the order of the text.
    #[must_use]
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// How much work it is at most to put the query to the document, in units of some 0.1 µs at worst: clauses count once
    /// and again for every 16 values of the document, those that go over texts for every byte of its text.
    /// Who puts a query of somebody else's to many documents adds these up and gives up at a limit.
    #[must_use]
    pub const fn work(&self, document: &Document) -> usize {
        let looks = (1 + self.clauses.len()) * (1 + document.value_count() / 16);
        looks + self.pattern_count * document.text_bytes()
    }

    /// Whether the query holds for the document.
    #[must_use]
    pub fn matches(&self, document: &Document) -> bool {
        self.score(document).is_some()
    }

    /// How well the document fits: the sum of the boosts of the optional clauses that hold, or none where the query
    /// does not hold. Of two documents the one with the higher score is listed first.
    #[must_use]
    pub fn score(&self, document: &Document) -> Option<f64> {
        let mut score = 0.0;
        let mut any_optional = false;
        for clause in &self.clauses {
            let holds = clause.holds(document);
            match clause.occur {
                Occur::Must if !holds => return None,
                Occur::MustNot if holds => return None,
                Occur::Must | Occur::MustNot => {}
                Occur::Should if holds => {
                    any_optional = true;
                    score += clause.boost;
                }
                Occur::Should => {}
            }
        }
        (any_optional || !self.needs_optional).then_some(score)
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, clause) in self.clauses.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            clause.fmt(f)?;
        }
        Ok(())
    }
}
