//! From a routed call to its handler and back: decoding, hooks, encoding. The handlers lie in a file for each subject.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use tagus_players::Login;
use tagus_wire::{METHODS, Method, MethodInfo, Route, decode_rest, to_json};

use crate::api::{
    ApiError, account, chat, events, friends, groups, leaderboards, matches, matchmaker,
    notifications, parties, storage, tournaments,
};
use crate::gateway::Gateway;
use crate::hooks::{BoxFuture, Caller, caught};
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
    pub(crate) body: Bytes,
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
    HANDLERS.get(info.name).copied()
}

static HANDLERS: LazyLock<HashMap<&'static str, Handler>> = LazyLock::new(|| {
    let built = METHODS
        .iter()
        .filter_map(|info| Some((info.name, subject_handler(info.name)?)));
    built.collect()
});

fn subject_handler(name: &str) -> Option<Handler> {
    let subjects = [
        account::handler,
        chat::handler,
        events::handler,
        friends::handler,
        groups::handler,
        leaderboards::handler,
        matches::handler,
        matchmaker::handler,
        notifications::handler,
        parties::handler,
        storage::handler,
        tournaments::handler,
    ];
    subjects.iter().find_map(|handler| handler(name))
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
        let request = decode_rest::<M>(call.route, &params, &call.query, &call.body)
            .map_err(|error| ApiError::invalid(error.to_string()))?;
        let gateway = call.gateway;
        let caller = caller_of(call.login.as_ref());
        let scope = Scope {
            gateway: gateway.clone(),
            login: call.login,
            address: call.address,
            client_version: call.client_version,
        };
        let handled = around::<M, _>(&gateway, caller, request, |request| handle(scope, request));
        Ok(to_json(&handled.await?))
    })
}

/// Runs what was registered before and after a method around its handler: server code first, then services.
pub(super) async fn around<M, Fut>(
    gateway: &Arc<Gateway>,
    caller: Caller,
    mut request: M::Request,
    handle: impl FnOnce(M::Request) -> Fut,
) -> Result<M::Response, ApiError>
where
    M: Method,
    M::Request: Clone + Send + Sync + 'static,
    M::Response: Send + 'static,
    Fut: Future<Output = Result<M::Response, ApiError>>,
{
    let (hooks, remotes) = (&gateway.hooks, &gateway.remotes);
    let tagus = || Tagus::of(gateway);
    let refused = || ApiError::not_found("Requested resource was not found.");
    if let Some(hook) = hooks.before::<M>() {
        let hooked = caught(hook(tagus(), caller.clone(), request)).await?;
        request = hooked?.ok_or_else(refused)?;
    }
    request = remotes
        .before(M::NAME, &caller, request)
        .await?
        .ok_or_else(refused)?;
    let after = hooks.after::<M>();
    if after.is_none() && !remotes.has_after(M::NAME) {
        return handle(request).await;
    }
    let mut response = handle(request.clone()).await?;
    let request = Arc::new(request);
    if let Some(hook) = after {
        response = caught(hook(tagus(), caller.clone(), request.clone(), response)).await?;
    }
    Ok(remotes.after(M::NAME, &caller, &*request, response).await)
}

pub(crate) fn caller_of(login: Option<&Login>) -> Caller {
    login.map_or_else(Caller::default, |login| Caller {
        user_id: Some(login.user_id),
        username: login.username.to_string(),
        vars: login.vars.clone(),
        ..Caller::default()
    })
}
