//! What can be wrong with a query.

use super::{
    CLAUSES_MAX, EDITS_MAX, PATTERN_BYTES_MAX, QUERY_BYTES_MAX, REGEXP_MEMORY_BYTES_MAX,
    REGEXPS_MAX,
};

/// Why a text is not a query, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub struct QueryError {
    /// Where in the text, in bytes from its beginning.
    pub at: usize,
    /// What is wrong there.
    pub problem: QueryProblem,
}

/// What is wrong with a query.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryProblem {
    /// It is too long.
    #[error("the query is longer than {QUERY_BYTES_MAX} bytes")]
    QueryLength,
    /// It has too many clauses.
    #[error("the query has more than {CLAUSES_MAX} clauses")]
    ClauseCount,
    /// It has too many regular expressions.
    #[error("the query has more than {REGEXPS_MAX} regular expressions")]
    RegexpCount,
    /// A wildcard, fuzzy word or regular expression is too long.
    #[error("the pattern is longer than {PATTERN_BYTES_MAX} bytes")]
    PatternLength,
    /// A clause begins with something that is no term.
    #[error("a term is expected")]
    Term,
    /// There is no value behind a colon.
    #[error("a value is expected")]
    Value,
    /// There is no bound behind a comparison.
    #[error("a number or a date in quotation marks is expected")]
    Bound,
    /// There is no number behind a minus sign.
    #[error("a number is expected")]
    Number,
    /// A number is beyond what is compared.
    #[error("the number is too large")]
    NumberSize,
    /// A phrase that is compared is no date between the years 1678 and 2261.
    #[error("a date like 2006-01-02T15:04:05Z is expected")]
    Date,
    /// A phrase does not end.
    #[error("the quotation mark is never closed")]
    Quote,
    /// Nothing follows a backslash.
    #[error("the backslash has nothing behind it")]
    Escape,
    /// A boost is no number.
    #[error("a number is expected as boost")]
    Boost,
    /// A number of edits is no number, or too large.
    #[error("a number of edits from 0 to {EDITS_MAX} is expected")]
    Edits,
    /// A word is both fuzzy and a wildcard.
    #[error("a word with wildcards cannot be fuzzy")]
    FuzzyWildcard,
    /// A regular expression is not one.
    #[error("the regular expression cannot be read")]
    Regexp,
    /// A regular expression takes too much memory.
    #[error("the regular expression takes more than {REGEXP_MEMORY_BYTES_MAX} bytes of memory")]
    RegexpSize,
}
