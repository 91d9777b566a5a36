//! Ways to fit text that is not given whole: wildcards, regular expressions, edits.
//! Each takes at most the product of pattern and text in steps, whatever they are.

use std::fmt;

use regex_automata::meta;
use regex_automata::util::syntax;

use super::clause::write_character;
use super::error::QueryProblem;

/// Longest wildcard, fuzzy word or regular expression, in bytes; a longer one is refused.
pub const PATTERN_BYTES_MAX: usize = 256;

/// Deepest nesting of a regular expression; a deeper one is refused.
pub const REGEXP_DEPTH_MAX: u32 = 16;

/// Most memory of a regular expression made ready, in bytes; one that takes more is refused.
/// What is matched against it takes time in proportion.
pub const REGEXP_MEMORY_BYTES_MAX: usize = 65_536;

/// Most edits of a fuzzy word; more are refused.
pub const EDITS_MAX: u8 = 2;

/// Text with gaps.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wildcard(Box<[Piece]>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Piece {
    /// This character.
    Character(char),
    /// Any one character.
    One,
    /// Any characters, or none.
    Many,
}

impl Wildcard {
    pub(super) fn new(pieces: impl Iterator<Item = Piece>) -> Self {
        Self(pieces.collect())
    }

    /// Whether it fits every text: it is nothing but `*`.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|piece| *piece == Piece::Many)
    }

    /// Whether the whole text fits.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut next = 0;
        // Where to go on when nothing fits: behind the last `*`, which then takes one more character.
        let mut retry = None;
        loop {
            match self.0.get(next) {
                Some(Piece::Many) => {
                    next += 1;
                    retry = Some((next, rest.clone()));
                    continue;
                }
                Some(piece) => {
                    let mut ahead = rest.clone();
                    if ahead.next().is_some_and(|character| piece.takes(character)) {
                        rest = ahead;
                        next += 1;
                        continue;
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((behind, from)) = &mut retry else {
                return false;
            };
            if from.next().is_none() {
                return false;
            }
            next = *behind;
            rest = from.clone();
        }
    }
}

impl Piece {
    fn takes(self, character: char) -> bool {
        match self {
            Self::Character(wanted) => wanted == character,
            Self::One | Self::Many => true,
        }
    }
}

impl fmt::Display for Wildcard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Character(character) => write_character(*character, f),
            Piece::One => f.write_str("?"),
            Piece::Many => f.write_str("*"),
        })
    }
}

/// A regular expression that a whole text has to fit.
#[derive(Clone, Debug)]
pub struct Regexp {
    pattern: Box<str>,
    compiled: meta::Regex,
}

impl Regexp {
    pub(super) fn new(pattern: &str) -> Result<Self, QueryProblem> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(QueryProblem::PatternLength);
        }
        let ascii = with_ascii_classes(pattern);
        let syntax = syntax::Config::new().nest_limit(REGEXP_DEPTH_MAX);
        // Alone first: `a)|(b` must not become something else between the anchors.
        syntax::parse_with(&ascii, &syntax).map_err(|_| QueryProblem::Regexp)?;
        let size = meta::Config::new().nfa_size_limit(Some(REGEXP_MEMORY_BYTES_MAX));
        let compiled = meta::Builder::new()
            .configure(size)
            // The group and what is around it are two levels.
            .syntax(syntax.nest_limit(REGEXP_DEPTH_MAX + 2))
            .build(&format!(r"\A(?:{ascii})\z"))
            .map_err(|error| match error.size_limit() {
                Some(_) => QueryProblem::RegexpSize,
                None => QueryProblem::Regexp,
            })?;
        let pattern = pattern.into();
        Ok(Self { pattern, compiled })
    }

    /// The expression as the query has it, without the slashes.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether the whole text fits.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }
}

impl PartialEq for Regexp {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

/// Spells out the classes of letters, digits and spaces, which inside brackets are classes too.
/// With those of Unicode a short pattern would take a lot of memory.
fn with_ascii_classes(pattern: &str) -> String {
    let mut ascii = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let escaped = (character == '\\').then(|| characters.next()).flatten();
        match escaped {
            Some('d') => ascii.push_str("[0-9]"),
            Some('D') => ascii.push_str("[^0-9]"),
            Some('w') => ascii.push_str("[0-9A-Za-z_]"),
            Some('W') => ascii.push_str("[^0-9A-Za-z_]"),
            Some('s') => ascii.push_str(r"[\t\n\f\r ]"),
            Some('S') => ascii.push_str(r"[^\t\n\f\r ]"),
            _ => ascii.extend([Some(character), escaped].into_iter().flatten()),
        }
    }
    ascii
}

/// Whether at most so many insertions, removals and replacements of a character make the one text the other.
pub(super) fn within_edits(one: &str, other: &str, edits: u8) -> bool {
    let mut one = one.chars();
    let mut other = other.chars();
    loop {
        let (one_here, other_here) = (one.as_str(), other.as_str());
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(left), Some(right)) if left == right => {}
            // What two texts have in common at their beginning need never be edited.
            (left, right) => {
                let Some(edits) = edits.checked_sub(1) else {
                    return false;
                };
                return within_edits(one.as_str(), other.as_str(), edits)
                    || (left.is_some() && within_edits(one.as_str(), other_here, edits))
                    || (right.is_some() && within_edits(one_here, other.as_str(), edits));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook's distance.
    fn distance(one: &str, other: &str) -> usize {
        let other: Vec<char> = other.chars().collect();
        let mut row: Vec<usize> = (0..=other.len()).collect();
        for (index, left) in one.chars().enumerate() {
            let mut diagonal = row[0];
            row[0] = index + 1;
            for (column, right) in other.iter().enumerate() {
                let replaced = diagonal + usize::from(left != *right);
                diagonal = row[column + 1];
                row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
            }
        }
        row[other.len()]
    }

    fn wildcard(pattern: &str) -> Wildcard {
        Wildcard::new(pattern.chars().map(|character| match character {
            '*' => Piece::Many,
            '?' => Piece::One,
            other => Piece::Character(other),
        }))
    }

    proptest::proptest! {
        #[test]
        fn edits_are_the_textbooks(one in "[abé]{0,6}", other in "[abé]{0,6}", edits in 0..=EDITS_MAX) {
            let expected = distance(&one, &other) <= usize::from(edits);
            assert_eq!(within_edits(&one, &other, edits), expected);
        }

        #[test]
        fn wildcards_are_regular_expressions(pattern in "[ab*?]{0,7}", text in "[abé]{0,7}") {
            let wildcard = wildcard(&pattern);
            let regexp = Regexp::new(&pattern.replace('?', ".").replace('*', ".*")).unwrap();
            assert_eq!(wildcard.matches(&text), regexp.matches(&text), "{pattern} {text}");
        }
    }

    #[test]
    fn regular_expressions_fit_the_whole_text() {
        for (pattern, fits, fits_not) in [
            ("a|ab", "ab", "abc"),
            ("mar.*ty", "marketty", "marketty!"),
            (r"v\d+\.\d", "v12.3", "v12x3"),
            ("[^/]{2,3}", "ab", "a/b"),
            ("(?i)eu-.*", "EU-west", "us-west"),
            ("", "", "a"),
            ("é.", "éü", "é"),
            (r"[\w-]+", "a-1_B", "a b"),
            (r"[^\d\s]\D\S\W", "ab!é", "1b!é"),
            (r"\\w", r"\w", "a"),
        ] {
            let regexp = Regexp::new(pattern).unwrap();
            assert!(regexp.matches(fits), "{pattern}");
            assert!(!regexp.matches(fits_not), "{pattern}");
        }
    }

    #[test]
    fn regular_expressions_have_limits() {
        let problem = |pattern: &str| Regexp::new(pattern).err();
        for pattern in ["(", "a)|(b", "*", "[z-a]", "a{2,1}", r"\1", "(?x)a #"] {
            assert_eq!(problem(pattern), Some(QueryProblem::Regexp), "{pattern}");
        }
        assert_eq!(problem(&"a".repeat(PATTERN_BYTES_MAX)), None);
        let long = "a".repeat(PATTERN_BYTES_MAX + 1);
        assert_eq!(problem(&long), Some(QueryProblem::PatternLength));
        let nested = |depth: u32| {
            let depth = depth as usize;
            format!("{}a{}", "(".repeat(depth), ")".repeat(depth))
        };
        assert_eq!(problem(&nested(REGEXP_DEPTH_MAX)), None);
        let deep = nested(REGEXP_DEPTH_MAX + 1);
        assert_eq!(problem(&deep), Some(QueryProblem::Regexp));
        let large = "((a{100}){100}){100}";
        assert_eq!(problem(large), Some(QueryProblem::RegexpSize));
        assert_eq!(problem(r"\w{3,64}"), None);
        assert_eq!(problem(".{1,32}"), None);
    }

    /// Backtracking engines take longer than the universe for these.
    #[test]
    fn hostile_patterns_end() {
        let text = format!("{}b", "a".repeat(2_048));
        let regexp = Regexp::new("(a*)*(a|aa)+(a?){20}c").unwrap();
        assert!(!regexp.matches(&text));
        let many = wildcard(&"*a".repeat(PATTERN_BYTES_MAX / 2));
        assert!(!many.matches(&text));
    }
}
