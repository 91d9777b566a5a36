//! Requests over HTTP: path, query and body together make the request message.

use crate::envelope::DecodeError;
use crate::json::{Json, JsonReader, from_json};
use crate::query::{self, Node};
use crate::table::{Body, Method, Route};

/// Most name-value pairs in a query; a query with more is refused.
pub const QUERY_PAIRS_MAX: usize = 1_000;

/// Makes a method's request from the parts of an HTTP request. `params` are the path's, as [`crate::route`] found them; they
/// win over the query, and the query over the body. Names in the query may be snake_case or camelCase, dotted for nested
/// fields; a repeated field is the name repeated; unknown names are ignored. An empty body is an empty message.
///
/// # Errors
/// When a part does not suit its field, or the query has more than [`QUERY_PAIRS_MAX`] pairs.
pub fn decode_rest<M: Method>(
    route: &Route,
    params: &[(&str, String)],
    query: &str,
    body: &[u8],
) -> Result<M::Request, DecodeError> {
    let mut request = M::Request::default();
    let has_body = !body.trim_ascii().is_empty();
    match route.body {
        Body::Whole if has_body => request = from_json(body)?,
        Body::Field(name) if has_body => {
            let mut reader = JsonReader::new(body)?;
            request.merge_field(name, &mut reader)?;
            reader.finish()?;
        }
        Body::None | Body::Whole | Body::Field(_) => {}
    }
    if route.body != Body::Whole && !query.is_empty() {
        let pairs = query::pairs(query, QUERY_PAIRS_MAX).ok_or(DecodeError::Query)?;
        for (name, node) in query::tree(pairs) {
            // The body's field is the body's alone.
            if !matches!(route.body, Body::Field(field) if field == name) {
                merge_node(&mut request, name, &node)?;
            }
        }
    }
    for (name, value) in params {
        merge_node(
            &mut request,
            (*name).to_owned(),
            &Node::Values(vec![value.clone()]),
        )?;
    }
    Ok(request)
}

/// The name-value pairs of a query, percent-decoded; none when there are more than [`QUERY_PAIRS_MAX`] or one is not UTF-8.
#[must_use]
pub fn query_pairs(query: &str) -> Option<Vec<(String, String)>> {
    query::pairs(query, QUERY_PAIRS_MAX)
}

fn merge_node(request: &mut impl Json, name: String, node: &Node) -> Result<(), DecodeError> {
    let mut text = Vec::new();
    query::write_json(node, &mut text);
    let merged =
        JsonReader::loose(&text).and_then(|mut reader| request.merge_field(&name, &mut reader));
    match merged {
        Ok(_) => Ok(()),
        Err(err) => Err(DecodeError::Param { name, err }),
    }
}
