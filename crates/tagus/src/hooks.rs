//! What server code registers: RPC functions and hooks before and after API calls and socket messages.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tagus_base::UserId;
use tagus_wire::MessageKind;
use tagus_wire::Method;
use tagus_wire::realtime::Envelope;

use crate::api::ApiError;
use crate::tagus::Tagus;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Who calls.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The account; none for calls with the server's or the HTTP key.
    pub user_id: Option<UserId>,
    /// Its user name, or empty.
    pub username: String,
    /// The login's variables.
    pub vars: BTreeMap<String, String>,
}

/// One call of an RPC function.
#[derive(Clone)]
pub struct RpcCall {
    /// The server's own functions.
    pub tagus: Tagus,
    /// Who calls.
    pub caller: Caller,
    /// The payload as the client sent it; empty when there was none.
    pub payload: String,
    /// Query parameters of an HTTP call, without the key.
    pub query: Vec<(String, String)>,
}

pub(crate) type RpcFn = Arc<dyn Fn(RpcCall) -> BoxFuture<Result<String, ApiError>> + Send + Sync>;
type BeforeFn<R> =
    Arc<dyn Fn(Tagus, Caller, R) -> BoxFuture<Result<Option<R>, ApiError>> + Send + Sync>;
type AfterFn<R, A> = Arc<dyn Fn(Tagus, Caller, Arc<R>, A) -> BoxFuture<A> + Send + Sync>;
pub(crate) type MessageFn = Arc<
    dyn Fn(Tagus, Caller, Envelope) -> BoxFuture<Result<Option<Envelope>, ApiError>> + Send + Sync,
>;

#[derive(Default)]
pub(crate) struct Hooks {
    rpcs: HashMap<String, RpcFn>,
    before: HashMap<&'static str, Box<dyn Any + Send + Sync>>,
    after: HashMap<&'static str, Box<dyn Any + Send + Sync>>,
    messages: HashMap<&'static str, MessageFn>,
}

impl Hooks {
    pub(crate) fn add_rpc<F, Fut>(&mut self, id: &str, function: F)
    where
        F: Fn(RpcCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, ApiError>> + Send + 'static,
    {
        self.rpcs.insert(
            id.to_lowercase(),
            Arc::new(move |call| Box::pin(function(call))),
        );
    }

    pub(crate) fn add_before<M, F, Fut>(&mut self, hook: F)
    where
        M: Method,
        M::Request: 'static,
        F: Fn(Tagus, Caller, M::Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<M::Request>, ApiError>> + Send + 'static,
    {
        let hook: BeforeFn<M::Request> =
            Arc::new(move |tagus, caller, request| Box::pin(hook(tagus, caller, request)));
        self.before.insert(M::NAME, Box::new(hook));
    }

    pub(crate) fn add_after<M, F, Fut>(&mut self, hook: F)
    where
        M: Method,
        M::Request: 'static,
        M::Response: 'static,
        F: Fn(Tagus, Caller, Arc<M::Request>, M::Response) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = M::Response> + Send + 'static,
    {
        let hook: AfterFn<M::Request, M::Response> =
            Arc::new(move |tagus, caller, request, response| {
                Box::pin(hook(tagus, caller, request, response))
            });
        self.after.insert(M::NAME, Box::new(hook));
    }

    pub(crate) fn add_message<F, Fut>(&mut self, kind: MessageKind, hook: F)
    where
        F: Fn(Tagus, Caller, Envelope) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Envelope>, ApiError>> + Send + 'static,
    {
        let hook: MessageFn =
            Arc::new(move |tagus, caller, envelope| Box::pin(hook(tagus, caller, envelope)));
        self.messages.insert(kind.name(), hook);
    }

    pub(crate) fn rpc(&self, id: &str) -> Option<&RpcFn> {
        self.rpcs.get(&id.to_lowercase())
    }

    pub(crate) fn message(&self, kind: MessageKind) -> Option<&MessageFn> {
        self.messages.get(kind.name())
    }

    pub(crate) fn before<M: Method>(&self) -> Option<&BeforeFn<M::Request>>
    where
        M::Request: 'static,
    {
        self.before.get(M::NAME)?.downcast_ref()
    }

    pub(crate) fn after<M: Method>(&self) -> Option<&AfterFn<M::Request, M::Response>>
    where
        M::Request: 'static,
        M::Response: 'static,
    {
        self.after.get(M::NAME)?.downcast_ref()
    }
}
