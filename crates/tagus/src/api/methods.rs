//! From a routed call to its handler and back: decoding, hooks, encoding. The handlers lie in a file for each subject.

use std::future::Future;
use std::sync::Arc;

use tagus_players::Login;
use tagus_wire::{Method, MethodInfo, Route, decode_rest, to_json};

use crate::api::{ApiError, account, chat, friends, groups, matches, notifications, storage};
use crate::gateway::Gateway;
use crate::hooks::{BoxFuture, Caller};
use crate::tagus::Tagus;

/// One call over REST, after routing and authentication.
pub(crate) struct Call {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) login: Option<Login>,
    pub(crate) address: std::net::IpAddr,
    /// The client's version, where a header tells it.
    pub(crate) client_version: Option<String>,
    pub(crate) route: &'static Route,
    pub(crate) params: Vec<(&'static str, String)>,
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
}

/// What a handler is given beside its request.
pub(crate) struct Scope {
    pub(super) gateway: Arc<Gateway>,
    pub(super) address: std::net::IpAddr,
    pub(super) client_version: Option<String>,
    login: Option<Login>,
}

impl Scope {
    /// The caller's login.
    pub(super) fn login(&self) -> Result<&Login, ApiError> {
        self.login
            .as_ref()
            .ok_or_else(|| ApiError::unauthenticated("Auth token invalid"))
    }
}

/// Answers a call with the body.
pub(crate) type Handler = fn(Call) -> BoxFuture<Result<Vec<u8>, ApiError>>;

/// The handler of a method, or none when it is not built yet.
pub(crate) fn handler(info: &MethodInfo) -> Option<Handler> {
    let subjects = [
        account::handler,
        chat::handler,
        friends::handler,
        groups::handler,
        matches::handler,
        notifications::handler,
        storage::handler,
    ];
    subjects.iter().find_map(|handler| handler(info.name))
}

/// The function `handler` of a subject: its methods and who answers them.
macro_rules! handlers {
    ($($method:ident => $handle:expr,)+) => {
        pub(super) fn handler(name: &str) -> Option<crate::api::methods::Handler> {
            use tagus_wire::{Method as _, method};
            $(if name == method::$method::NAME {
                return Some(|call| {
                    crate::api::methods::run::<method::$method, _>(call, $handle)
                });
            })+
            None
        }
    };
}
pub(super) use handlers;

/// Decodes, runs the hooks around the handler, encodes.
pub(super) fn run<M, Fut>(
    call: Call,
    handle: fn(Scope, M::Request) -> Fut,
) -> BoxFuture<Result<Vec<u8>, ApiError>>
where
    M: Method,
    M::Request: Clone + Send + Sync + 'static,
    M::Response: Send + 'static,
    Fut: Future<Output = Result<M::Response, ApiError>> + Send + 'static,
{
    Box::pin(async move {
        let params: Vec<(&str, String)> = call.params;
        let mut request = decode_rest::<M>(call.route, &params, &call.query, &call.body)
            .map_err(|error| ApiError::invalid(error.to_string()))?;
        let gateway = call.gateway.clone();
        let caller = caller_of(call.login.as_ref());
        if let Some(hook) = gateway.hooks.before::<M>() {
            let tagus = Tagus {
                gateway: gateway.clone(),
            };
            match hook(tagus, caller.clone(), request).await? {
                Some(changed) => request = changed,
                None => return Err(ApiError::not_found("Requested resource was not found.")),
            }
        }
        let scope = Scope {
            gateway: gateway.clone(),
            login: call.login,
            address: call.address,
            client_version: call.client_version,
        };
        let Some(hook) = gateway.hooks.after::<M>() else {
            return Ok(to_json(&handle(scope, request).await?));
        };
        let response = handle(scope, request.clone()).await?;
        let tagus = Tagus {
            gateway: gateway.clone(),
        };
        let response = hook(tagus, caller, Arc::new(request), response).await;
        Ok(to_json(&response))
    })
}

pub(crate) fn caller_of(login: Option<&Login>) -> Caller {
    login.map_or_else(Caller::default, |login| Caller {
        user_id: Some(login.user_id),
        username: login.username.to_string(),
        vars: login.vars.clone(),
        ..Caller::default()
    })
}
