//! HTTP routes of server code.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use crate::api::ApiError;
use crate::hooks::{BoxFuture, Caller};
use crate::tagus::Tagus;

/// One request to a route of server code.
#[derive(Clone)]
pub struct HttpCall {
    /// The server's own functions.
    pub tagus: Tagus,
    /// Who asks, where the request has a session token that counts.
    pub caller: Option<Caller>,
    /// The parameters of the path by name, percent-decoded.
    pub params: BTreeMap<String, String>,
    /// The pairs of the query in their order, percent-decoded.
    pub query: Vec<(String, String)>,
    /// The headers in their order, their names in lower case; those that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The body, at most `limits.request_body_bytes_max`.
    pub body: Bytes,
}

impl HttpCall {
    /// The first header of this name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What a route answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpReply {
    /// The status (200..=599).
    pub status: u16,
    /// Headers by name. `access-control-allow-origin: *` is added where it is not among them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl HttpReply {
    /// An answer without a body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Plain text, status 200.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self::of("text/plain; charset=utf-8", body.into())
    }

    /// JSON, status 200.
    #[must_use]
    pub fn json(body: impl Into<String>) -> Self {
        Self::of("application/json", body.into())
    }

    fn of(content_type: &str, body: String) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }
}

impl HttpReply {
    /// The answer as HTTP has it.
    ///
    /// # Errors
    /// A status, or the name or value of a header, that HTTP does not have.
    pub(crate) fn into_answer(self) -> Result<Response<Full<Bytes>>, ApiError> {
        let wrong = |what: &str| {
            tracing::error!(what, "a route answered what HTTP does not have");
            ApiError::internal()
        };
        let mut answer = Response::new(Full::new(self.body));
        *answer.status_mut() = match StatusCode::from_u16(self.status) {
            Ok(status) if (200..600).contains(&self.status) => status,
            _ => return Err(wrong("status")),
        };
        let headers = answer.headers_mut();
        for (name, value) in self.headers {
            let name = HeaderName::try_from(name).map_err(|_| wrong("header name"))?;
            let value = HeaderValue::try_from(value).map_err(|_| wrong("header value"))?;
            headers.append(name, value);
        }
        headers
            .entry(header::ACCESS_CONTROL_ALLOW_ORIGIN)
            .or_insert(HeaderValue::from_static("*"));
        Ok(answer)
    }
}

pub(crate) type RouteFn =
    Arc<dyn Fn(HttpCall) -> BoxFuture<Result<HttpReply, ApiError>> + Send + Sync>;

/// All routes, in the order in which they were added: the first one that suits answers.
#[derive(Default)]
pub(crate) struct Routes {
    all: Vec<Route>,
}

struct Route {
    verb: String,
    pattern: String,
    handler: RouteFn,
}

/// What a path leads to.
pub(crate) enum Found<'a> {
    Handler(&'a RouteFn, BTreeMap<String, String>),
    WrongVerb,
    Nothing,
}

impl Routes {
    pub(crate) fn add(&mut self, verb: &str, pattern: &str, handler: RouteFn) {
        self.all.push(Route {
            verb: verb.to_owned(),
            pattern: pattern.to_owned(),
            handler,
        });
    }

    /// Says of the first route that makes no sense why not.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        for (index, route) in self.all.iter().enumerate() {
            let Route { verb, pattern, .. } = route;
            let wrong = |why: &str| anyhow::bail!("the route {verb} {pattern}: {why}");
            if !VERBS.contains(&verb.as_str()) {
                wrong("the method must be one of GET, POST, PUT, DELETE")?;
            }
            let segments: Vec<&str> = pattern.split('/').skip(1).collect();
            if !pattern.starts_with('/') || pattern.contains(['?', '#', ' ']) {
                wrong("the path must begin with / and have no query")?;
            }
            let mut names: Vec<&str> = segments.iter().filter_map(|part| param(part)).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            if names.len() < count || names.contains(&"") {
                wrong("each {parameter} needs a name of its own")?;
            }
            let known = |verb| tagus_wire::route(verb, pattern).is_ok();
            let is_reserved = pattern == "/ws" || pattern.starts_with("/v2/");
            if is_reserved || VERBS.iter().any(|verb| known(verb)) {
                wrong("the path belongs to the API")?;
            }
            let mut before = self.all[..index].iter();
            if before.any(|other| other.verb == *verb && same(&other.pattern, pattern)) {
                wrong("there is one already")?;
            }
        }
        Ok(())
    }

    pub(crate) fn find(&self, verb: &str, path: &str) -> Found<'_> {
        let verb = if verb == "HEAD" { "GET" } else { verb };
        let mut found = Found::Nothing;
        for route in &self.all {
            if let Some(params) = matches(&route.pattern, path) {
                if route.verb == verb {
                    return Found::Handler(&route.handler, params);
                }
                found = Found::WrongVerb;
            }
        }
        found
    }
}

/// The parameters, if the path suits the pattern.
fn matches(pattern: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut params = BTreeMap::new();
    let mut segments = path.split('/');
    for part in pattern.split('/') {
        let segment = segments.next()?;
        match param(part) {
            Some(_) if segment.is_empty() => return None,
            Some(name) => {
                let value = tagus_wire::percent_decode(segment)?;
                params.insert(name.to_owned(), value);
            }
            None if part == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(params)
}

/// Whether two patterns suit the same paths.
fn same(one: &str, other: &str) -> bool {
    let shape = |pattern: &str| -> Vec<Option<String>> {
        let parts = pattern.split('/');
        let literal = |part: &str| param(part).is_none().then(|| part.to_owned());
        parts.map(literal).collect()
    };
    shape(one) == shape(other)
}

/// The name of a part that is a parameter.
fn param(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

const VERBS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(all: &[(&str, &str)]) -> Routes {
        let mut routes = Routes::default();
        for (verb, pattern) in all {
            let handler: RouteFn = Arc::new(|_| Box::pin(async { Ok(HttpReply::status(204)) }));
            routes.add(verb, pattern, handler);
        }
        routes
    }

    #[test]
    fn the_first_route_that_suits_answers() {
        let routes = routes(&[
            ("GET", "/shop/{id}"),
            ("POST", "/shop/{id}/buy/{count}"),
            ("GET", "/shop/"),
        ]);
        routes.check().unwrap();
        let found = |verb, path| match routes.find(verb, path) {
            Found::Handler(_, params) => format!("{params:?}"),
            Found::WrongVerb => "wrong verb".to_owned(),
            Found::Nothing => "nothing".to_owned(),
        };
        assert_eq!(found("GET", "/shop/a%20b"), r#"{"id": "a b"}"#);
        assert_eq!(found("HEAD", "/shop/1"), r#"{"id": "1"}"#);
        assert_eq!(found("GET", "/shop/"), "{}");
        assert_eq!(
            found("POST", "/shop/a/buy/2"),
            r#"{"count": "2", "id": "a"}"#
        );
        assert_eq!(found("POST", "/shop/a"), "wrong verb");
        for path in ["/shop", "/shop/a/", "/shop/%ff", "/shop/a/buy/", "/", ""] {
            assert_eq!(found("GET", path), "nothing", "{path}");
        }
    }

    #[test]
    fn routes_that_make_no_sense_are_said() {
        for (all, said) in [
            (&[("FETCH", "/a")][..], "method"),
            (&[("GET", "a")], "begin"),
            (&[("GET", "/a?b")], "query"),
            (&[("GET", "/{a}/{a}")], "name of its own"),
            (&[("GET", "/{}")], "name of its own"),
            (&[("GET", "/v2/account")], "API"),
            (&[("DELETE", "/v2/rpc/mine")], "API"),
            (&[("GET", "/ws")], "API"),
            (&[("GET", "/healthcheck")], "API"),
            (&[("GET", "/v2/mine")], "API"),
            (&[("GET", "/a/{b}"), ("GET", "/a/{c}")], "already"),
        ] {
            let error = routes(all).check().unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        routes(&[("GET", "/a"), ("POST", "/a"), ("GET", "/{a}")])
            .check()
            .unwrap();
    }
}
