//! The URL's query as JSON: dotted names become objects, repeated names become lists.

use std::collections::BTreeMap;

use crate::json::{JSON_DEPTH_MAX, write_string};

/// A value from the URL.
#[derive(Debug)]
pub(crate) enum Node {
    Values(Vec<String>),
    Fields(BTreeMap<String, Self>),
}

/// The pairs of a query, decoded; `None` when an escape is broken or there are more than `pairs_max`.
pub(crate) fn pairs(query: &str, pairs_max: usize) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == pairs_max {
            return None;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| percent_decode(&text.replace('+', " "));
        pairs.push((decode(name)?, decode(value)?));
    }
    Some(pairs)
}

/// Sorts pairs into their dotted places. A name that is both a value and an object keeps what came first.
pub(crate) fn tree(pairs: Vec<(String, String)>) -> BTreeMap<String, Node> {
    let mut root = BTreeMap::new();
    for (name, value) in pairs {
        if name.split('.').count() < JSON_DEPTH_MAX {
            insert(&mut root, &name, value);
        }
    }
    root
}

fn insert(fields: &mut BTreeMap<String, Node>, name: &str, value: String) {
    let (first, rest) = match name.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (name, None),
    };
    let node = fields
        .entry(first.to_owned())
        .or_insert_with(|| match rest {
            Some(_) => Node::Fields(BTreeMap::new()),
            None => Node::Values(Vec::new()),
        });
    match (node, rest) {
        (Node::Fields(inner), Some(rest)) => insert(inner, rest, value),
        (Node::Values(values), None) => values.push(value),
        (Node::Fields(_), None) | (Node::Values(_), Some(_)) => {}
    }
}

/// Appends the value as JSON text: a string, a list of strings when there are several, or an object.
pub(crate) fn write_json(node: &Node, out: &mut Vec<u8>) {
    match node {
        Node::Values(values) => match values.as_slice() {
            [only] => write_string(out, only),
            several => {
                let mut separator = b'[';
                for value in several {
                    out.push(separator);
                    write_string(out, value);
                    separator = b',';
                }
                out.push(b']');
            }
        },
        Node::Fields(fields) => {
            let mut separator = b'{';
            for (name, inner) in fields {
                out.push(separator);
                write_string(out, name);
                out.push(b':');
                write_json(inner, out);
                separator = b',';
            }
            out.push(b'}');
        }
    }
}

/// Text without its `%xx` escapes; `None` when one is broken or the result is not UTF-8.
#[must_use]
pub fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut nibble = || char::from(bytes.next()?).to_digit(16);
        let value = nibble()? * 16 + nibble()?;
        out.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(out).ok()
}
