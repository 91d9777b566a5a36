//! Queries, alone and beside a naive model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;
use tagus_players::query::{
    CLAUSES_MAX, Clause, Document, EDITS_MAX, Occur, PATTERN_BYTES_MAX, QUERY_BYTES_MAX, Query,
    QueryProblem, REGEXPS_MAX, Test,
};

use crate::bodies;

fn document() -> Document {
    let mut document = Document::new();
    let label = json!({
        "mode": "ranked",
        "name": "what a \"room\"",
        "path": "/maps/one",
        "odd": "a\\e",
        "level": 7,
        "delta": -5.5,
        "open": true,
        "full": false,
        "tags": ["fast", "2v2", 33],
        "version": "127.0.0.1",
        "season": {"start": "2026-03-01T12:00:00Z", "number": "33"},
    });
    document.add_json("label", &label);
    document.add_number("size", 4.0);
    document.add_text("", "nameless");
    document
}

fn check(query: &str, holds: bool) {
    let parsed = Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    assert_eq!(parsed.matches(&document()), holds, "{query}");
}

#[test]
fn clauses_that_hold() {
    for query in [
        "",
        "   ",
        "*",
        "+*",
        "* label.mode:none",
        "label.mode:ranked",
        "label.mode:\"ranked\"",
        r#"label.name:"what a \"room\"""#,
        r"label.name:what\ a\ \\ label.mode:ranked",
        r"label.odd:a\e",
        r"label.odd:a\\e",
        "label.odd:\"a\\e\"",
        "label.path:/maps/one",
        r"label.path:\/maps\/one",
        "label.path:/.maps.one/",
        r"label.path:/\/maps\/\w{3}/",
        "label.level:7",
        "label.level:7.0",
        "label.level:>6.5",
        "label.level:>=7",
        "label.level:<=7",
        "label.level:<8",
        "label.delta:-5.5",
        "label.delta:>-6",
        "label.delta:<=-5.5",
        "label.open:T",
        "label.open:true",
        "label.full:F",
        "label.full:false",
        "label.tags:fast",
        "label.tags:2v2",
        "label.tags:33",
        "label.season.number:33",
        "label.version:127.0.0.1",
        "label.season.start:>\"2026-02-28T23:59:59Z\"",
        "label.season.start:>=\"2026-03-01T13:00:00+01:00\"",
        "label.season.start:<=\"2026-03-01T12:00:00.000Z\"",
        "label.season.start:<\"2026-03-02\"",
        "label.season.start:2026*",
        "label.mode:r*d",
        "label.mode:ran?ed",
        "label.mode:*",
        "label.level:*",
        "label.mode:/r.*|x/",
        "label.mode:rankt~2",
        "label.mode:rnked~",
        "label.mode:ranked~0",
        "nameless",
        "name*",
        "+label.mode:ranked -label.open:F",
        "+label.mode:ranked label.mode:none",
        "-label.mode:none",
        "label.mode:none label.mode:ranked",
        "+ label.mode : ranked\n+size:> 3",
        "label.mode:ranked^",
        "label.level:7^2",
    ] {
        check(query, true);
    }
}

#[test]
fn clauses_that_do_not_hold() {
    for query in [
        "-*",
        "label.mode:Ranked",
        "label.mode:rank",
        "mode:ranked",
        "ranked",
        "label:ranked",
        "label.mode.x:*",
        "label.none:*",
        "label.level:\"7\"",
        "label.level:7.5",
        "label.level:>7",
        "label.level:<7",
        "label.season.number:>1",
        "label.open:F",
        "label.open:1",
        "label.level:T",
        "label.mode:>1",
        "label.level:>\"2006-01-02\"",
        "label.season.start:>\"2026-03-01T12:00:00Z\"",
        "label.mode:ran?",
        r"label.mode:r\*",
        r"label.level:\7",
        "label.mode:/anke/",
        "label.mode:rn~",
        "label.mode:rankt~1",
        "label.mode:none label.open:F",
        "+label.mode:ranked +label.open:F",
        "+label.mode:ranked -label.open:T",
        "-label.open:T label.mode:ranked",
        "+label.mode:none label.mode:ranked",
    ] {
        check(query, false);
    }
}

#[test]
fn work_grows_with_clauses_values_and_texts() {
    let work = |query: &str, document: &Document| Query::parse(query).unwrap().work(document);
    let mut document = Document::new();
    assert_eq!(work("", &document), 1);
    assert_eq!(work("a:1 +b:x -c:* d:>2", &document), 5);
    document.add_text("a", "12345");
    assert_eq!(document.text_bytes(), 6);
    assert_eq!(work("a:x", &document), 2);
    for pattern in ["a:x*", "a:/x/", "a:x~"] {
        assert_eq!(work(pattern, &document), 8, "{pattern}");
        assert_eq!(
            work(&format!("{pattern} -{pattern}"), &document),
            15,
            "{pattern}"
        );
    }
    for number in 0..31 {
        document.add_number("b", f64::from(number));
    }
    assert_eq!(work("a:x", &document), 6);
}

#[test]
fn optional_clauses_add_their_boosts() {
    let score = |query: &str| Query::parse(query).unwrap().score(&document());
    assert_eq!(score(""), Some(0.0));
    assert_eq!(score("*"), Some(1.0));
    assert_eq!(score("+label.mode:ranked^7 -label.open:F^3"), Some(0.0));
    assert_eq!(
        score("label.mode:ranked label.level:7^2.5 label.level:8^9"),
        Some(3.5)
    );
    assert_eq!(score("label.mode:ran*^-2 +size:4"), Some(-2.0));
    assert_eq!(
        score("label.mode:rankd~1^3 label.mode:/r.*/^1e1"),
        Some(13.0)
    );
    assert_eq!(score("label.mode:none^3"), None);
}

#[test]
fn errors_name_the_place() {
    for (query, problem, at) in [
        ("^", QueryProblem::Term, 0),
        ("a ^5 ^6", QueryProblem::Term, 5),
        ("+", QueryProblem::Term, 1),
        ("+-a", QueryProblem::Term, 1),
        (":a", QueryProblem::Term, 0),
        ("a =b", QueryProblem::Term, 2),
        ("field:", QueryProblem::Value, 6),
        ("field::text", QueryProblem::Value, 6),
        ("field:+text", QueryProblem::Value, 6),
        ("field:~text", QueryProblem::Value, 6),
        ("field:=5", QueryProblem::Value, 6),
        ("a:b:c", QueryProblem::Term, 3),
        ("field:-text", QueryProblem::Number, 7),
        ("field:>text", QueryProblem::Bound, 7),
        ("field:<=5x", QueryProblem::Bound, 8),
        ("field:>", QueryProblem::Bound, 7),
        ("é:>\"yesterday\"", QueryProblem::Date, 4),
        ("b \"this is the time", QueryProblem::Quote, 2),
        ("a\\", QueryProblem::Escape, 1),
        ("\"a\\", QueryProblem::Quote, 0),
        ("cat^3\\:", QueryProblem::Boost, 4),
        ("cat^x", QueryProblem::Boost, 4),
        ("cat^inf", QueryProblem::Boost, 4),
        ("cat^NaN", QueryProblem::Boost, 4),
        ("cat~3", QueryProblem::Edits, 4),
        ("cat~x", QueryProblem::Edits, 4),
        ("c?t~", QueryProblem::FuzzyWildcard, 0),
        ("a:/(/", QueryProblem::Regexp, 2),
        ("a:/.{1000}{1000}/", QueryProblem::RegexpSize, 2),
    ] {
        let error = Query::parse(query).expect_err(query);
        assert_eq!((error.problem, error.at), (problem, at), "{query}");
    }
    for query in ["", "f:", "f:>", "f:<=-"].map(|start| format!("{start}{}", "9".repeat(369))) {
        let error = Query::parse(&query).expect_err(&query);
        assert_eq!(error.problem, QueryProblem::NumberSize, "{query}");
    }
    let error = Query::parse("a:>b").expect_err("no bound");
    let sentence = "a number or a date in quotation marks is expected at byte 3";
    assert_eq!(error.to_string(), sentence);
}

#[test]
fn limits_hold_at_and_beyond() {
    let problem = |query: String| Query::parse(&query).err().map(|error| error.problem);
    let long = |bytes: usize| problem(format!("\"{}\"", "x".repeat(bytes - 2)));
    assert_eq!(long(QUERY_BYTES_MAX), None);
    assert_eq!(long(QUERY_BYTES_MAX + 1), Some(QueryProblem::QueryLength));

    assert_eq!(problem("x ".repeat(CLAUSES_MAX)), None);
    assert_eq!(
        problem("x ".repeat(CLAUSES_MAX + 1)),
        Some(QueryProblem::ClauseCount)
    );

    assert_eq!(problem("a:/x/ ".repeat(REGEXPS_MAX)), None);
    assert_eq!(
        problem("a:/x/ ".repeat(REGEXPS_MAX + 1)),
        Some(QueryProblem::RegexpCount)
    );

    let word = "x".repeat(PATTERN_BYTES_MAX);
    let too_long = Some(QueryProblem::PatternLength);
    for (exact, beyond) in [
        (format!("{}*", &word[1..]), format!("{word}*")),
        (format!("{word}~"), format!("{word}x~")),
        (format!("/{word}/"), format!("/{word}x/")),
    ] {
        assert_eq!(problem(exact), None);
        assert_eq!(problem(beyond), too_long);
    }
    assert_eq!(problem(format!("{word}x")), None);

    assert_eq!(problem(format!("x~{EDITS_MAX}")), None);
    assert_eq!(
        problem(format!("x~{}", EDITS_MAX + 1)),
        Some(QueryProblem::Edits)
    );
}

#[test]
fn clauses_can_be_looked_at() {
    let query: Query = "a:x b:y^2 -c:z +d:w".parse().unwrap();
    let seen: Vec<_> = query
        .clauses()
        .iter()
        .map(|it| (it.occur, &*it.field))
        .collect();
    let expected = [
        (Occur::Must, "d"),
        (Occur::MustNot, "c"),
        (Occur::Should, "a"),
        (Occur::Should, "b"),
    ];
    assert_eq!(seen, expected);
    let must = Clause {
        occur: Occur::Must,
        field: "d".into(),
        test: Test::Term("w".into()),
        boost: 1.0,
    };
    assert_eq!(query.clauses()[0], must);
    assert_eq!(query.to_string(), "+d:\"w\" -c:\"z\" a:\"x\" b:\"y\"^2");
}

/// Queries to break.
const SEEDS: [&str; 5] = [
    "+label.mode:ranked +label.level:>=5 +label.level:<10 label.region:eu^5",
    r#"-a.b:"x \" y" a\:b:-5.5^2 a.b:>"2006-01-02T15:04:05Z" +*"#,
    r"a.b:/(a|b)+\/[^c]{1,3}/^3 ab~2 a.b:a?*",
    "a.b:ab a.b:/ab/ a.b:T a.b:5 a.b:<=5 a.b:a\\*",
    "\u{e9}:\u{3000}\u{1f600}~1",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes(input in prop::collection::vec(any::<u8>(), 0..100)) {
        bodies::query_text(&input);
    }

    #[test]
    fn random_signs(input in r#"[ab/* :?"\\+\-<>=^~1.(]{0,30}"#) {
        bodies::query_text(input.as_bytes());
    }

    #[test]
    fn damaged_queries(
        seed in select(&SEEDS[..]),
        hits in prop::collection::vec((any::<Index>(), select(&b"ab/* :?\"\\+-<>=^~1.()\xc3"[..])), 0..5),
        cut: Option<Index>,
    ) {
        let mut input = seed.as_bytes().to_vec();
        for (at, byte) in hits {
            let at = at.index(input.len());
            input[at] = byte;
        }
        if let Some(cut) = cut {
            input.truncate(cut.index(input.len()));
        }
        bodies::query_text(&input);
    }
}

/// A value of the model's documents.
#[derive(Clone, Debug)]
enum Scalar {
    Text(String),
    Number(i32),
    Bool(bool),
}

/// A clause as the model has it.
#[derive(Clone, Debug)]
struct Model {
    sign: &'static str,
    field: &'static str,
    asks: Asks,
    boost: i8,
}

#[derive(Clone, Debug)]
enum Asks {
    Word(String),
    Phrase(String),
    Number(i32),
    Range(&'static str, i32),
    Since(&'static str, usize),
    Gaps(Vec<Option<char>>),
}

const FIELDS: [&str; 4] = ["a", "a.b", "we ird", "+f:x"];
const DATES: [&str; 3] = ["2006-01-02", "2006-01-02T00:00:01Z", "2026-11-23 01:02:03"];

impl Model {
    /// The clause as text, with spaces where they may be.
    fn printed(&self, space: &str) -> String {
        let escaped = |text: &str| {
            let mut escaped = String::new();
            for character in text.chars() {
                if r#"+-=&|><!(){}[]^"~*?:\/ "#.contains(character) {
                    escaped.push('\\');
                }
                escaped.push(character);
            }
            escaped
        };
        let value = match &self.asks {
            Asks::Word(word) => escaped(word),
            Asks::Phrase(text) => format!("{text:?}"),
            Asks::Number(number) => number.to_string(),
            Asks::Range(side, bound) => format!("{side}{space}{bound}"),
            Asks::Since(side, date) => format!("{side}{space}{:?}", DATES[*date]),
            Asks::Gaps(pieces) => pieces
                .iter()
                .map(|piece| piece.map_or("*".into(), |piece| escaped(&piece.to_string())))
                .collect(),
        };
        let (sign, field, boost) = (self.sign, escaped(self.field), self.boost);
        format!("{sign}{space}{field}{space}:{space}{value}{space}^{boost}")
    }

    fn holds(&self, document: &BTreeMap<&str, Vec<Scalar>>) -> bool {
        let mut values = document.get(self.field).into_iter().flatten();
        values.any(|value| match (&self.asks, value) {
            (Asks::Word(word) | Asks::Phrase(word), Scalar::Text(text)) => word == text,
            (Asks::Word(word) | Asks::Phrase(word), Scalar::Bool(true)) => {
                word == "T" || word == "true"
            }
            (Asks::Word(word) | Asks::Phrase(word), Scalar::Bool(false)) => {
                word == "F" || word == "false"
            }
            (Asks::Number(wanted), Scalar::Number(number)) => wanted == number,
            (Asks::Number(wanted), Scalar::Text(text)) => wanted.to_string() == *text,
            (Asks::Range(">", bound), Scalar::Number(number)) => number > bound,
            (Asks::Range(">=", bound), Scalar::Number(number)) => number >= bound,
            (Asks::Range("<", bound), Scalar::Number(number)) => number < bound,
            (Asks::Range("<=", bound), Scalar::Number(number)) => number <= bound,
            (Asks::Since(side, bound), Scalar::Text(text)) => {
                // They are in order.
                let date = DATES.iter().position(|date| date == text);
                date.is_some_and(|date| match *side {
                    ">" => date > *bound,
                    ">=" => date >= *bound,
                    "<" => date < *bound,
                    _ => date <= *bound,
                })
            }
            (Asks::Gaps(pieces), _) if pieces.iter().all(Option::is_none) => true,
            (Asks::Gaps(pieces), Scalar::Text(text)) => {
                fits(pieces, &text.chars().collect::<Vec<_>>())
            }
            (Asks::Gaps(pieces), Scalar::Bool(true)) => fits(pieces, &['T']),
            (Asks::Gaps(pieces), Scalar::Bool(false)) => fits(pieces, &['F']),
            _ => false,
        })
    }
}

/// Wildcards as they are explained: `None` is `*`.
fn fits(pieces: &[Option<char>], text: &[char]) -> bool {
    match pieces.split_first() {
        None => text.is_empty(),
        Some((None, rest)) => (0..=text.len()).any(|taken| fits(rest, &text[taken..])),
        Some((Some(piece), rest)) => text.first() == Some(piece) && fits(rest, &text[1..]),
    }
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => r#"[ab:?"*\\+ /TFé]{1,3}"#,
        1 => select(&["T", "F", "true", "false", "1", "-1"][..]).prop_map(Into::into),
        1 => select(&DATES[..]).prop_map(Into::into),
    ]
}

fn models() -> impl Strategy<Value = Model> {
    let side = || select(&["<", "<=", ">", ">="][..]);
    let piece = prop_oneof![Just(None), "[abT:é]".prop_map(|text| text.chars().next())];
    let gaps = prop::collection::vec(piece, 0..4);
    let asks = prop_oneof![
        r#"[ab:?"*\\+ /TFé]{1,3}"#.prop_map(Asks::Word),
        texts().prop_map(Asks::Phrase),
        (-2..3).prop_map(Asks::Number),
        (side(), -2..3).prop_map(|(side, bound)| Asks::Range(side, bound)),
        (side(), 0..DATES.len()).prop_map(|(side, date)| Asks::Since(side, date)),
        gaps.prop_map(|mut pieces| {
            pieces.push(None);
            Asks::Gaps(pieces)
        }),
    ];
    let sign = prop_oneof![1 => Just("+"), 1 => Just("-"), 3 => Just("")];
    (sign, select(&FIELDS[..]), asks, -3..4_i8).prop_map(|(sign, field, asks, boost)| Model {
        sign,
        field,
        asks,
        boost,
    })
}

fn documents() -> impl Strategy<Value = BTreeMap<&'static str, Vec<Scalar>>> {
    let scalar = prop_oneof![
        3 => texts().prop_map(Scalar::Text),
        2 => (-2..3).prop_map(Scalar::Number),
        1 => any::<bool>().prop_map(Scalar::Bool),
    ];
    let values = prop::collection::vec(scalar, 0..4);
    prop::collection::btree_map(select(&FIELDS[..]), values, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn queries_mean_what_the_model_means(
        clauses in prop::collection::vec(models(), 0..5),
        model in documents(),
        space in select(&["", " ", "\t\n"][..]),
    ) {
        let printed: Vec<_> = clauses.iter().map(|clause| clause.printed(space)).collect();
        let text = printed.join(" ");
        let query = Query::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));

        let mut document = Document::new();
        for (field, values) in &model {
            for value in values {
                match value {
                    Scalar::Text(text) => document.add_text(field, text),
                    Scalar::Number(number) => document.add_number(field, f64::from(*number)),
                    Scalar::Bool(value) => document.add_bool(field, *value),
                }
            }
        }
        let of = |sign: &'static str| clauses.iter().filter(move |clause| clause.sign == sign);
        let all = of("+").all(|clause| clause.holds(&model));
        let none = !of("-").any(|clause| clause.holds(&model));
        let optional = of("").count() == 0 || of("+").count() > 0 || of("").any(|it| it.holds(&model));
        let boosts = of("").filter(|clause| clause.holds(&model)).map(|it| f64::from(it.boost));
        let expected = (all && none && optional).then(|| boosts.sum::<f64>() + 0.0);

        assert_eq!(query.score(&document), expected, "{text}");
        let again = Query::parse(&query.to_string()).unwrap();
        assert_eq!(again, query);
        assert_eq!(again.score(&document), expected, "{again}");
    }
}
