//! What server code registers: RPC functions and hooks before and after API calls and socket messages.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tagus_base::{RoomId, SessionId, UserId};
use tagus_players::leaderboards::BoardEvent;
use tagus_players::matchmaker::TicketId;
use tagus_shard::Identity;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::{ClientMessage, MessageKind, Method};

use crate::api::ApiError;
use crate::matchmaker::{Matched, WaitingTicket};
use crate::room_calls::{RoomCall, RoomCallFn};
use crate::server_code::ServerCode;
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
    /// The connection; none for calls over HTTP.
    pub session_id: Option<SessionId>,
    /// The language that the client named when it connected, or empty.
    pub lang: String,
}

impl Caller {
    pub(crate) fn of_connection(session_id: SessionId, identity: &Identity) -> Self {
        Self {
            user_id: Some(identity.user_id),
            username: identity.username.to_string(),
            vars: identity.vars.clone(),
            session_id: Some(session_id),
            lang: identity.lang.clone(),
        }
    }
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
type BeforeMessageFn = Arc<
    dyn Fn(Tagus, Caller, Message) -> BoxFuture<Result<Option<Message>, ApiError>> + Send + Sync,
>;
type AfterMessageFn =
    Arc<dyn Fn(Tagus, Caller, Message, Option<Message>) -> BoxFuture<()> + Send + Sync>;

type BoardFn = Arc<dyn Fn(Tagus, BoardEvent) -> BoxFuture<Result<(), ApiError>> + Send + Sync>;
type MatchedFn =
    Arc<dyn Fn(Tagus, Matched) -> BoxFuture<Result<Option<RoomId>, ApiError>> + Send + Sync>;
type ProcessorFn =
    Arc<dyn Fn(Tagus, Vec<WaitingTicket>) -> BoxFuture<Vec<Vec<TicketId>>> + Send + Sync>;
type OverrideFn = Arc<dyn Fn(Tagus, Matched) -> BoxFuture<bool> + Send + Sync>;
type SessionFn = Arc<dyn Fn(Tagus, Caller) -> BoxFuture<()> + Send + Sync>;

/// What server code may hear of boards.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum BoardHook {
    LeaderboardReset,
    TournamentEnd,
    TournamentReset,
}

#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) session_start: Option<SessionFn>,
    pub(crate) session_end: Option<SessionFn>,
    pub(crate) code: ServerCode,
    matched: Option<MatchedFn>,
    processor: Option<ProcessorFn>,
    over: Option<OverrideFn>,
    boards: BTreeMap<BoardHook, BoardFn>,
    rpcs: HashMap<String, RpcFn>,
    room_calls: HashMap<String, RoomCallFn>,
    before: HashMap<&'static str, Box<dyn Any + Send + Sync>>,
    after: HashMap<&'static str, Box<dyn Any + Send + Sync>>,
    before_message: HashMap<MessageKind, BeforeMessageFn>,
    after_message: HashMap<MessageKind, AfterMessageFn>,
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

    pub(crate) fn add_room_call<F, Fut>(&mut self, name: &str, function: F)
    where
        F: Fn(RoomCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<u8>, ApiError>> + Send + 'static,
    {
        let function: RoomCallFn = Arc::new(move |call| Box::pin(function(call)));
        self.room_calls.insert(name.to_owned(), function);
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

    pub(crate) fn add_before_message<M, F, Fut>(&mut self, hook: F)
    where
        M: ClientMessage + Send + 'static,
        F: Fn(Tagus, Caller, M) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<M>, ApiError>> + Send + 'static,
    {
        let hook = Arc::new(hook);
        let erased: BeforeMessageFn = Arc::new(move |tagus, caller, message| {
            let hook = hook.clone();
            Box::pin(async move {
                let Some(message) = M::from_message(message) else {
                    return Err(ApiError::internal());
                };
                let changed = hook(tagus, caller, message).await?;
                Ok(changed.map(M::into_message))
            })
        });
        self.before_message.insert(M::KIND, erased);
    }

    pub(crate) fn add_after_message<M, F, Fut>(&mut self, hook: F)
    where
        M: ClientMessage + Send + 'static,
        F: Fn(Tagus, Caller, M, Option<Message>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let hook = Arc::new(hook);
        let erased: AfterMessageFn = Arc::new(move |tagus, caller, message, answer| {
            let hook = hook.clone();
            Box::pin(async move {
                if let Some(message) = M::from_message(message) {
                    hook(tagus, caller, message, answer).await;
                }
            })
        });
        self.after_message.insert(M::KIND, erased);
    }

    pub(crate) fn set_session_start<F, Fut>(&mut self, hook: F)
    where
        F: Fn(Tagus, Caller) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let hook = move |tagus, caller| -> BoxFuture<()> { Box::pin(hook(tagus, caller)) };
        self.session_start = Some(Arc::new(hook));
    }

    pub(crate) fn set_session_end<F, Fut>(&mut self, hook: F)
    where
        F: Fn(Tagus, Caller) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let hook = move |tagus, caller| -> BoxFuture<()> { Box::pin(hook(tagus, caller)) };
        self.session_end = Some(Arc::new(hook));
    }

    pub(crate) fn set_matched<F, Fut>(&mut self, hook: F)
    where
        F: Fn(Tagus, Matched) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<RoomId>, ApiError>> + Send + 'static,
    {
        let hook: MatchedFn = Arc::new(move |tagus, matched| Box::pin(hook(tagus, matched)));
        self.matched = Some(hook);
    }

    pub(crate) fn matched(&self) -> Option<&MatchedFn> {
        self.matched.as_ref()
    }

    pub(crate) fn set_processor<F, Fut>(&mut self, hook: F)
    where
        F: Fn(Tagus, Vec<WaitingTicket>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<Vec<TicketId>>> + Send + 'static,
    {
        let hook: ProcessorFn = Arc::new(move |tagus, tickets| Box::pin(hook(tagus, tickets)));
        self.processor = Some(hook);
    }

    pub(crate) fn matchmaker_processor(&self) -> Option<&ProcessorFn> {
        self.processor.as_ref()
    }

    pub(crate) fn set_override<F, Fut>(&mut self, hook: F)
    where
        F: Fn(Tagus, Matched) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        let hook: OverrideFn = Arc::new(move |tagus, matched| Box::pin(hook(tagus, matched)));
        self.over = Some(hook);
    }

    pub(crate) fn matchmaker_override(&self) -> Option<&OverrideFn> {
        self.over.as_ref()
    }

    pub(crate) fn add_board<F, Fut>(&mut self, of: BoardHook, hook: F)
    where
        F: Fn(Tagus, BoardEvent) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ApiError>> + Send + 'static,
    {
        let hook: BoardFn = Arc::new(move |tagus, event| Box::pin(hook(tagus, event)));
        self.boards.insert(of, hook);
    }

    pub(crate) fn board(&self, of: BoardHook) -> Option<&BoardFn> {
        self.boards.get(&of)
    }

    pub(crate) fn rpc(&self, id: &str) -> Option<&RpcFn> {
        self.rpcs.get(&id.to_lowercase())
    }

    pub(crate) fn room_call(&self, name: &str) -> Option<&RoomCallFn> {
        self.room_calls.get(name)
    }

    pub(crate) fn before_message(&self, kind: MessageKind) -> Option<&BeforeMessageFn> {
        self.before_message.get(&kind)
    }

    pub(crate) fn after_message(&self, kind: MessageKind) -> Option<&AfterMessageFn> {
        self.after_message.get(&kind)
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

/// A piece of server code panicked; what it said is in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panicked;

impl From<Panicked> for ApiError {
    fn from(_: Panicked) -> Self {
        Self::internal()
    }
}

/// Runs server code, whose panic shall end nothing but itself.
pub(crate) async fn caught<T>(code: impl Future<Output = T> + Send) -> Result<T, Panicked> {
    let mut code = Box::pin(code);
    std::future::poll_fn(move |context| {
        // After a panic the code is never polled again.
        match catch_unwind(AssertUnwindSafe(|| code.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}
