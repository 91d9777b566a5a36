//! The method table's words, and finding a method by verb and path.

use crate::generated::kind::MessageKind;
use crate::generated::method::METHODS;
use crate::json::Json;
use crate::query::percent_decode;
use crate::realtime::envelope::Message;

/// A method of the client API. One zero-sized type each, in [`crate::method`].
pub trait Method {
    /// The method's name.
    const NAME: &'static str;
    /// The method's entry in the table.
    const INFO: &'static MethodInfo;
    /// What a client sends.
    type Request: Json + prost::Message + Default;
    /// What it is answered.
    type Response: Json + prost::Message + Default;
}

/// A message that a client may send over the socket.
pub trait ClientMessage: Sized {
    /// Its kind.
    const KIND: MessageKind;
    /// The message, if it is of this type.
    fn from_message(message: Message) -> Option<Self>;
    /// The message as an envelope carries it.
    fn into_message(self) -> Message;
}

/// What is known of a method without its types.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MethodInfo {
    /// The method's name, such as `GetAccount`.
    pub name: &'static str,
    /// Where it is found over HTTP; at least one.
    pub routes: &'static [Route],
    /// How the caller proves who it is.
    pub auth: Auth,
    /// Name of the request message; `Empty` for none.
    pub request: &'static str,
    /// Name of the response message; `Empty` for none.
    pub response: &'static str,
}

/// A verb and a path that lead to a method.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Route {
    /// The HTTP verb.
    pub verb: Verb,
    /// The path, cut at its slashes.
    pub path: &'static [Segment],
    /// What the HTTP body holds.
    pub body: Body,
}

/// The HTTP verbs in use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Verb {
    Delete,
    Get,
    Post,
    Put,
}

impl Verb {
    /// The verb as HTTP writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// One part of a route's path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Segment {
    /// This text.
    Literal(&'static str),
    /// Any text but the empty one; it becomes the field of this name.
    Param(&'static str),
}

/// What a route's HTTP body holds. Fields that are in neither body nor path come from the query.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Body {
    /// Nothing.
    None,
    /// The whole request; the query is not read.
    Whole,
    /// The request's field of this name.
    Field(&'static str),
}

/// How a caller proves who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Auth {
    /// Not at all.
    None,
    /// The server key, as user name of basic authentication.
    ServerKey,
    /// A session token.
    Bearer,
    /// A session token, or the HTTP key for calls without a user.
    BearerOrHttpKey,
}

/// Why a request leads to no method.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RouteError {
    /// No method has this path.
    #[error("no such path")]
    NotFound,
    /// The path is a method's, but not with this verb.
    #[error("verb not allowed here")]
    WrongVerb,
}

/// What a path leads to: the method, its route, and the path's parameters by field name, percent-decoded.
pub type Routed = (
    &'static MethodInfo,
    &'static Route,
    Vec<(&'static str, String)>,
);

/// Finds the method for a verb and a path without its query.
///
/// # Errors
/// When there is none; a parameter that is not percent-encoded UTF-8 is not found.
pub fn route(verb: &str, path: &str) -> Result<Routed, RouteError> {
    let path = path.strip_prefix('/').ok_or(RouteError::NotFound)?;
    let mut segments = [""; SEGMENTS_MAX];
    let mut count = 0;
    for segment in path.split('/') {
        *segments.get_mut(count).ok_or(RouteError::NotFound)? = segment;
        count += 1;
    }
    let segments = segments.get(..count).unwrap_or_default();
    let mut failure = RouteError::NotFound;
    for info in METHODS {
        for route in info.routes {
            if !matches(route.path, segments) {
                continue;
            }
            if route.verb.name() != verb {
                failure = RouteError::WrongVerb;
                continue;
            }
            let params = params(route.path, segments).ok_or(RouteError::NotFound)?;
            return Ok((info, route, params));
        }
    }
    Err(failure)
}

/// Segments of the longest path.
const SEGMENTS_MAX: usize = 5;

fn matches(pattern: &[Segment], segments: &[&str]) -> bool {
    let mut pairs = pattern.iter().zip(segments);
    pattern.len() == segments.len()
        && pairs.all(|(part, segment)| match part {
            Segment::Literal(text) => text == segment,
            Segment::Param(_) => !segment.is_empty(),
        })
}

fn params(pattern: &[Segment], segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let mut params = Vec::new();
    for (part, segment) in pattern.iter().zip(segments) {
        if let Segment::Param(name) = part {
            params.push((*name, percent_decode(segment)?));
        }
    }
    Some(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verb: &str, path: &str, expected: &str) {
        let found = match route(verb, path) {
            Ok((info, _, params)) => {
                let params: Vec<String> = params
                    .iter()
                    .map(|(name, value)| format!(" {name}={value}"))
                    .collect();
                format!("{}{}", info.name, params.concat())
            }
            Err(err) => err.to_string(),
        };
        assert_eq!(found, expected, "{verb} {path}");
    }

    #[test]
    fn paths() {
        check("GET", "/healthcheck", "Healthcheck");
        check("GET", "/v2/account", "GetAccount");
        check("DELETE", "/v2/account", "DeleteAccount");
        check("PATCH", "/v2/account", "verb not allowed here");
        check("get", "/v2/account", "verb not allowed here");
        check("GET", "/v2/account/", "no such path");
        check("GET", "v2/account", "no such path");
        check("GET", "/", "no such path");
        check("GET", "", "no such path");
        check("GET", "/v2/friend/friends", "ListFriendsOfFriends");
        check(
            "GET",
            "/v2/storage/a%20b",
            "ListStorageObjects collection=a b",
        );
        check(
            "GET",
            "/v2/storage/c/u",
            "ListStorageObjects collection=c user_id=u",
        );
        check("PUT", "/v2/storage/delete", "DeleteStorageObjects");
        check("GET", "/v2/storage/", "no such path");
        check("GET", "/v2/storage/%ff", "no such path");
        check("GET", "/v2/storage/%4", "no such path");
        check("GET", "/v2/group/a%2Fb/user", "ListGroupUsers group_id=a/b");
        check("GET", "/v2/group/a+b/user", "ListGroupUsers group_id=a+b");
        check(
            "POST",
            "/v2/iap/subscription/apple",
            "ValidateSubscriptionApple",
        );
        check(
            "GET",
            "/v2/iap/subscription/apple",
            "GetSubscription product_id=apple",
        );
        check(
            "PUT",
            "/v2/tournament/t",
            "WriteTournamentRecord tournament_id=t",
        );
    }

    #[test]
    fn every_route_leads_home_and_no_two_overlap() {
        let mut count = 0;
        for info in METHODS {
            for expected in info.routes {
                let path: Vec<&str> = expected
                    .path
                    .iter()
                    .map(|part| match part {
                        Segment::Literal(text) | Segment::Param(text) => *text,
                    })
                    .collect();
                let (found, route, _) =
                    route(expected.verb.name(), &format!("/{}", path.join("/"))).unwrap();
                assert_eq!((found.name, route), (info.name, expected));
                count += 1;
            }
        }
        assert_eq!((METHODS.len(), count), (85, 88));
    }
}
