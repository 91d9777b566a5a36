//! `/openapi.json`: what this server answers, out of the document of the whole method table, and the extensions.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{self, HeaderValue};
use serde_json::{Map, Value, json};
use tagus_wire::{Method as _, MethodInfo, OPENAPI, method, route};

use crate::api::http::json as answer_json;
use crate::api::methods::handler;

/// The document, or not modified.
pub(super) fn serve(if_none_match: Option<&HeaderValue>) -> Response<Full<Bytes>> {
    static SERVED: LazyLock<(Bytes, HeaderValue)> = LazyLock::new(|| {
        let text = document().to_string();
        let mut hash = DefaultHasher::new();
        text.hash(&mut hash);
        let etag = HeaderValue::from_str(&format!("\"{:016x}\"", hash.finish()));
        (text.into(), etag.expect("hexadecimal digits"))
    });
    let (text, etag) = &*SERVED;
    let mut answer = answer_json(200, Vec::new());
    if if_none_match == Some(etag) {
        *answer.status_mut() = hyper::StatusCode::NOT_MODIFIED;
    } else {
        *answer.body_mut() = Full::from(text.clone());
    }
    let headers = answer.headers_mut();
    headers.insert(header::ETAG, etag.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

fn document() -> Value {
    let mut document: Value = serde_json::from_str(OPENAPI).expect("the generated document");
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, verbs) in &mut *paths {
            if let Some(verbs) = verbs.as_object_mut() {
                verbs.retain(|verb, _| is_answered(verb, path));
            }
        }
        paths.retain(|_, verbs| verbs != &json!({}));
        let extensions: Map<String, Value> =
            serde_json::from_str(EXTENSIONS).expect("the extensions' paths");
        paths.extend(extensions);
    }
    document
}

fn is_answered(verb: &str, path: &str) -> bool {
    route(&verb.to_uppercase(), path).is_ok_and(|(info, ..)| is_built(info))
}

/// Functions of server code are called beside the handlers, for any path below theirs is one.
fn is_built(info: &MethodInfo) -> bool {
    info.name == method::RpcFunc::NAME || handler(info).is_some()
}

/// The paths below `/v2/x/`, written beside their table.
const EXTENSIONS: &str = include_str!("extensions.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tagus_wire::{Auth, METHODS, Segment};

    use super::*;
    use crate::api::extensions;

    /// Verb and path of each operation.
    fn operations() -> BTreeSet<(String, String)> {
        let document = document();
        let mut operations = BTreeSet::new();
        for (path, verbs) in document["paths"].as_object().unwrap() {
            for verb in verbs.as_object().unwrap().keys() {
                operations.insert((verb.to_uppercase(), path.clone()));
            }
        }
        operations
    }

    #[test]
    fn exactly_what_is_answered_is_described() {
        let mut answered = BTreeSet::new();
        for info in METHODS.iter().filter(|info| is_built(info)) {
            for route in info.routes {
                let segments = route.path.iter().map(|segment| match segment {
                    Segment::Literal(text) => format!("/{text}"),
                    Segment::Param(name) => format!("/{{{name}}}"),
                });
                answered.insert((route.verb.name().to_owned(), segments.collect()));
            }
        }
        let (extensions, methods): (BTreeSet<_>, BTreeSet<_>) = operations()
            .into_iter()
            .partition(|(_, path)| path.starts_with("/v2/x/"));
        assert_eq!(methods, answered);

        let described: BTreeSet<_> = extensions
            .into_iter()
            .map(|(verb, path)| (verb, in_table(&path)))
            .collect();
        let known = extensions::all().map(|(verb, path, _)| (verb.to_owned(), path));
        assert_eq!(described, known.collect());
    }

    /// The path as the table of extensions has it.
    fn in_table(path: &str) -> String {
        let segments = path.split('/');
        let segments: Vec<&str> = segments
            .map(|it| if it.starts_with('{') { "*" } else { it })
            .collect();
        segments.join("/")
    }

    #[test]
    fn extensions_say_who_may_call_them() {
        let document = document();
        for (path, verbs) in document["paths"].as_object().unwrap() {
            for (verb, operation) in verbs.as_object().unwrap() {
                let known = extensions::all().find(|(known, pattern, _)| {
                    *known == verb.to_uppercase() && *pattern == in_table(path)
                });
                let expected = match known {
                    None => continue,
                    Some((_, _, Auth::None)) => json!([]),
                    Some((_, _, Auth::Bearer)) => json!([{ "session": [] }]),
                    Some((_, _, other)) => panic!("no scheme for {other:?}"),
                };
                assert_eq!(operation["security"], expected, "{verb} {path}");
            }
        }
    }

    #[test]
    fn an_operation_is_named_after_its_method() {
        for (path, verbs) in document()["paths"].as_object().unwrap() {
            for (verb, operation) in verbs.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                match route(&verb.to_uppercase(), path) {
                    Ok((info, ..)) => {
                        assert_eq!(
                            id.trim_end_matches(|it: char| it.is_ascii_digit()),
                            info.name
                        );
                    }
                    Err(_) => assert!(path.starts_with("/v2/x/"), "{path}"),
                }
            }
        }
    }

    #[test]
    fn a_known_document_is_not_sent_again() {
        let first = serve(None);
        assert_eq!(first.status(), 200);
        let etag = first.headers()[header::ETAG].clone();
        assert_eq!(serve(Some(&etag)).status(), 304);
        assert_eq!(serve(Some(&HeaderValue::from_static("\"\""))).status(), 200);
    }
}
