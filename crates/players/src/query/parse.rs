//! From text to clauses.

use super::clause::{Clause, Comparison, Date, Number, Occur, Test};
use super::error::{QueryError, QueryProblem};
use super::pattern::{EDITS_MAX, PATTERN_BYTES_MAX, Piece, Regexp, Wildcard};
use super::{CLAUSES_MAX, QUERY_BYTES_MAX, REGEXPS_MAX, date};

/// Reads the clauses of a query.
pub(super) fn clauses(text: &str) -> Result<Vec<Clause>, QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(QueryProblem::QueryLength.at(QUERY_BYTES_MAX));
    }
    let mut parser = Parser {
        text,
        at: 0,
        regexps: 0,
    };
    let mut clauses = Vec::new();
    while parser.peek().is_some() {
        if clauses.len() == CLAUSES_MAX {
            return Err(QueryProblem::ClauseCount.at(parser.at));
        }
        clauses.push(parser.clause()?);
    }
    Ok(clauses)
}

/// Whether the character needs a backslash to mean itself in a word.
pub(super) fn is_special(character: char) -> bool {
    r#"+-=&|><!(){}[]^"~*?:\/"#.contains(character) || character.is_whitespace()
}

impl QueryProblem {
    const fn at(self, at: usize) -> QueryError {
        QueryError { at, problem: self }
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Where the next character is, in bytes.
    at: usize,
    /// Regular expressions so far.
    regexps: usize,
}

impl<'a> Parser<'a> {
    fn clause(&mut self) -> Result<Clause, QueryError> {
        let occur = if self.skip('+') {
            Occur::Must
        } else if self.skip('-') {
            Occur::MustNot
        } else {
            Occur::Should
        };
        let (field, test) = self.field_and_test()?;
        let boost = self.boost()?;
        Ok(Clause {
            occur,
            field,
            test,
            boost,
        })
    }

    fn field_and_test(&mut self) -> Result<(Box<str>, Test), QueryError> {
        let next = self.peek();
        let at = self.at;
        let test = match next {
            None | Some('+' | '-' | ':' | '<' | '>' | '=' | '^' | '~') => {
                return Err(QueryProblem::Term.at(at));
            }
            Some('"') => Test::Term(self.phrase()?.into()),
            Some(_) => match self.regexp()? {
                Some(regexp) => regexp,
                None => {
                    let word = self.word()?;
                    if self.skip(':') {
                        return Ok((word.text().into(), self.value()?));
                    }
                    let test = self.word_test(word, at)?;
                    let everything = matches!(&test, Test::Wildcard(word) if word.is_any());
                    if everything { Test::Everything } else { test }
                }
            },
        };
        Ok((Box::default(), test))
    }

    /// What is behind the colon.
    fn value(&mut self) -> Result<Test, QueryError> {
        let next = self.peek();
        let at = self.at;
        match next {
            None | Some('+' | ':' | '=' | '^' | '~') => Err(QueryProblem::Value.at(at)),
            Some('<' | '>') => self.range(),
            Some('"') => Ok(Test::Term(self.phrase()?.into())),
            Some('-') => self.number(QueryProblem::Number).map(Test::Number),
            Some(_) => match self.regexp()? {
                Some(regexp) => Ok(regexp),
                None => {
                    let word = self.word()?;
                    self.word_test(word, at)
                }
            },
        }
    }

    fn range(&mut self) -> Result<Test, QueryError> {
        let above = self.skip('>') || !self.skip('<');
        let side = match (above, self.skip('=')) {
            (true, true) => Comparison::GreaterOrEqual,
            (true, false) => Comparison::Greater,
            (false, true) => Comparison::LessOrEqual,
            (false, false) => Comparison::Less,
        };
        if self.peek() != Some('"') {
            let bound = self.number(QueryProblem::Bound)?;
            return Ok(Test::NumberRange(side, bound));
        }
        let at = self.at;
        let text = self.phrase()?;
        let unix_nanos = date::parse(&text).ok_or(QueryProblem::Date.at(at))?;
        let text = text.into();
        Ok(Test::DateRange(side, Date { text, unix_nanos }))
    }

    /// A number, perhaps with a minus sign before it.
    fn number(&mut self, otherwise: QueryProblem) -> Result<Number, QueryError> {
        let negative = self.skip('-');
        let next = self.peek();
        let at = self.at;
        if !next.is_some_and(|first| first.is_ascii_digit()) {
            return Err(otherwise.at(at));
        }
        let word = self.word()?;
        if !word.is_number {
            return Err(otherwise.at(at));
        }
        let sign = if negative { "-" } else { "" };
        number(format!("{sign}{}", word.text()), at)
    }

    /// What a word by itself asks for.
    fn word_test(&mut self, word: Word, at: usize) -> Result<Test, QueryError> {
        let edits = self.edits()?;
        if (word.is_wildcard || edits.is_some()) && word.text().len() > PATTERN_BYTES_MAX {
            return Err(QueryProblem::PatternLength.at(at));
        }
        match edits {
            Some(_) if word.is_wildcard => Err(QueryProblem::FuzzyWildcard.at(at)),
            Some(edits) => {
                let word = word.text().into();
                Ok(Test::Fuzzy { word, edits })
            }
            None if word.is_wildcard => Ok(Test::Wildcard(Wildcard::new(word.pieces.into_iter()))),
            None if word.is_number => number(word.text(), at).map(Test::Number),
            None => Ok(Test::Term(word.text().into())),
        }
    }

    /// The characters up to a space, colon, `^` or `~`, of which there is at least one.
    fn word(&mut self) -> Result<Word, QueryError> {
        let begin = self.at;
        let mut pieces = Vec::new();
        while let Some(character) = self.rest().chars().next() {
            let at = self.at;
            match character {
                ':' | '^' | '~' => break,
                _ if character.is_whitespace() => break,
                _ => self.at += character.len_utf8(),
            }
            pieces.push(match character {
                '*' => Piece::Many,
                '?' => Piece::One,
                '\\' => {
                    let next = self.rest().chars().next();
                    let next = next.ok_or(QueryProblem::Escape.at(at))?;
                    if is_special(next) {
                        self.at += next.len_utf8();
                        Piece::Character(next)
                    } else {
                        Piece::Character('\\')
                    }
                }
                _ => Piece::Character(character),
            });
        }
        Ok(Word {
            is_wildcard: pieces
                .iter()
                .any(|piece| *piece == Piece::Many || *piece == Piece::One),
            is_number: is_number(&self.text[begin..self.at]),
            pieces,
        })
    }

    /// The text between quotation marks, the first of which is next.
    fn phrase(&mut self) -> Result<String, QueryError> {
        let begin = self.at;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((offset, character)) = characters.next() {
            match character {
                '"' => {
                    self.at = begin + offset + 1;
                    return Ok(text);
                }
                '\\' => {
                    let (_, next) = characters.next().ok_or(QueryProblem::Quote.at(begin))?;
                    if !is_special(next) {
                        text.push('\\');
                    }
                    text.push(next);
                }
                _ => text.push(character),
            }
        }
        Err(QueryProblem::Quote.at(begin))
    }

    /// A regular expression, if one is next. A word may begin with a slash too: what makes the difference is a slash
    /// at the end, before any space.
    fn regexp(&mut self) -> Result<Option<Test>, QueryError> {
        let Some(rest) = self.rest().strip_prefix('/') else {
            return Ok(None);
        };
        let mut characters = rest.char_indices();
        let length = loop {
            match characters.next() {
                Some((_, '\\')) => {
                    characters.next();
                }
                Some((length, '/')) if ends_clause(characters.as_str()) => break length,
                Some((_, character)) if !character.is_whitespace() => {}
                Some(_) | None => return Ok(None),
            }
        };
        self.regexps += 1;
        if self.regexps > REGEXPS_MAX {
            return Err(QueryProblem::RegexpCount.at(self.at));
        }
        let regexp = Regexp::new(&rest[..length]).map_err(|problem| problem.at(self.at))?;
        self.at += length + 2;
        Ok(Some(Test::Regexp(regexp)))
    }

    /// The number behind `~`, if there is one.
    fn edits(&mut self) -> Result<Option<u8>, QueryError> {
        if !self.skip('~') {
            return Ok(None);
        }
        let at = self.at;
        match self.suffix() {
            "" => Ok(Some(1)),
            text => match text.parse() {
                Ok(edits) if edits <= EDITS_MAX => Ok(Some(edits)),
                _ => Err(QueryProblem::Edits.at(at)),
            },
        }
    }

    /// The number behind `^`, 1 if there is none.
    fn boost(&mut self) -> Result<f64, QueryError> {
        if !self.skip('^') {
            return Ok(1.0);
        }
        let at = self.at;
        match self.suffix() {
            "" => Ok(1.0),
            text => match text.parse::<f64>() {
                Ok(boost) if boost.is_finite() => Ok(boost),
                _ => Err(QueryProblem::Boost.at(at)),
            },
        }
    }

    /// The characters up to a space or `^`.
    fn suffix(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let ends = |character: char| character == '^' || character.is_whitespace();
        let suffix = rest.find(ends).map_or(rest, |end| &rest[..end]);
        self.at += suffix.len();
        suffix
    }

    /// Goes over spaces and, if it comes next, this character. Tells whether it did.
    fn skip(&mut self, character: char) -> bool {
        let found = self.peek() == Some(character);
        if found {
            self.at += character.len_utf8();
        }
        found
    }

    /// Goes over spaces and looks at the character behind them.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest().trim_start();
        self.at = self.text.len() - rest.len();
        rest.chars().next()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
}

/// Some characters without a space between them.
struct Word {
    pieces: Vec<Piece>,
    is_wildcard: bool,
    is_number: bool,
}

impl Word {
    /// Its text. Wildcards mean themselves in names of fields.
    fn text(&self) -> String {
        let characters = self.pieces.iter().map(|piece| match piece {
            Piece::Character(character) => *character,
            Piece::One => '?',
            Piece::Many => '*',
        });
        characters.collect()
    }
}

/// Whether the text is digits with at most one point, which is not first.
fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && text.bytes().filter(|byte| *byte == b'.').count() <= 1
}

fn number(text: String, at: usize) -> Result<Number, QueryError> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Number {
            text: text.into(),
            value,
        }),
        _ => Err(QueryProblem::NumberSize.at(at)),
    }
}

/// Whether nothing more of the same value follows.
fn ends_clause(rest: &str) -> bool {
    match rest.chars().next() {
        None | Some('^') => true,
        Some(character) => character.is_whitespace(),
    }
}
