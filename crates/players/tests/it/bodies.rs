//! What the parsers promise for any bytes. Run on seeds by these tests, and by the targets of `fuzz/`.

use tagus_players::query::{Document, QUERY_BYTES_MAX, Query};

/// A query is read or refused at a place in it. One that is read is printed as text that means the same.
pub(crate) fn query_text(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let query = match Query::parse(&text) {
        Ok(query) => query,
        Err(error) => {
            assert!(text.is_char_boundary(error.at), "{error}");
            return;
        }
    };
    let mut document = Document::new();
    document.add_json(
        "a",
        &serde_json::json!({"b": ["ab", 5, true, "2006-01-02"]}),
    );
    document.add_text("", "ab");
    let score = query.score(&document).map(f64::to_bits);
    let printed = query.to_string();
    if printed.len() <= QUERY_BYTES_MAX {
        let again = Query::parse(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
        assert_eq!(again, query, "{printed}");
        assert_eq!(again.score(&document).map(f64::to_bits), score);
    }
}
