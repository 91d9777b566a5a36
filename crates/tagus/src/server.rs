//! A server to be: settings, games, functions and hooks.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use tagus_base::RoomId;
use tagus_players::leaderboards::BoardEvent;
use tagus_players::matchmaker::TicketId;
use tagus_room::{Factory, Game};
use tagus_wire::realtime::envelope::Message;
use tagus_wire::{ClientMessage, Method};

use crate::api::ApiError;
use crate::assets::Pages;
use crate::config::{Config, Mode, RoomConfig};
use crate::hooks::{BoardHook, Caller, Hooks, RpcCall};
use crate::matchmaker::{Matched, WaitingTicket};
use crate::room_calls::RoomCall;
use crate::tagus::Tagus;

/// A server to be: settings, games, functions and hooks.
pub struct Server {
    pub(crate) config: Config,
    pub(crate) games: BTreeMap<String, Factory>,
    pub(crate) hooks: Hooks,
    pub(crate) pages: Pages,
}

impl Server {
    /// A server with these settings and nothing else.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            games: BTreeMap::new(),
            hooks: Hooks::default(),
            pages: Pages::new(),
        }
    }

    /// Registers a game under a name, for rooms of the configuration and for [`Tagus::room_create`].
    #[must_use]
    pub fn game<G: Game>(mut self, name: &str) -> Self {
        self.games.insert(name.to_owned(), Factory::of::<G>());
        self
    }

    /// Opens a room of a registered game at start, under a stable name that clients may join by.
    #[must_use]
    pub fn room(mut self, name: &str, game: &str) -> Self {
        if !self.config.rooms.iter().any(|room| room.name == name) {
            let (name, game) = (name.to_owned(), game.to_owned());
            self.config.rooms.push(RoomConfig {
                name,
                game,
                params: String::new(),
            });
        }
        self
    }

    /// Describes a mode of the matchmaker, unless the configuration describes one of this name.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        if self.config.matchmaker.mode(&mode.name).is_none() {
            self.config.matchmaker.modes.push(mode);
        }
        self
    }

    /// Serves these bytes at a path of the HTTP port, before the arcade's own pages.
    /// The content type follows the path's extension; a path that ends in `/` is a page of HTML.
    /// `/` itself is for those who accept `text/html`: to others the server only says that it is there.
    #[must_use]
    pub fn page(mut self, path: &'static str, bytes: &'static [u8]) -> Self {
        self.pages.insert(path, bytes);
        self
    }

    /// Registers an RPC function for REST, the socket and the HTTP key. Ids are not case-sensitive.
    #[must_use]
    pub fn rpc<F, Fut>(mut self, id: &str, function: F) -> Self
    where
        F: Fn(RpcCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, ApiError>> + Send + 'static,
    {
        self.hooks.add_rpc(id, function);
        self
    }

    /// Registers a function that rooms of this server ask with [`tagus_room::Room::call`]; no client reaches it.
    /// Calls of one room run one after the other, those of different rooms at once.
    /// An error, a panic, more than 10 s or an answer of more than [`tagus_room::CALL_BYTES_MAX`] is a failure that the
    /// room is told; so is a name that nobody registered. What a room asks as its last act is done, too.
    #[must_use]
    pub fn room_call<F, Fut>(mut self, name: &str, function: F) -> Self
    where
        F: Fn(RoomCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<u8>, ApiError>> + Send + 'static,
    {
        self.hooks.add_room_call(name, function);
        self
    }

    /// Runs `hook` before an API call: it may change the request, refuse it with an error,
    /// or answer none, which tells the client that the call is not available.
    #[must_use]
    pub fn before<M, F, Fut>(mut self, hook: F) -> Self
    where
        M: Method,
        M::Request: 'static,
        F: Fn(Tagus, Caller, M::Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<M::Request>, ApiError>> + Send + 'static,
    {
        self.hooks.add_before::<M, _, _>(hook);
        self
    }

    /// Runs `hook` after a successful API call; what it returns is the answer.
    #[must_use]
    pub fn after<M, F, Fut>(mut self, hook: F) -> Self
    where
        M: Method,
        M::Request: 'static,
        M::Response: 'static,
        F: Fn(Tagus, Caller, Arc<M::Request>, M::Response) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = M::Response> + Send + 'static,
    {
        self.hooks.add_after::<M, _, _>(hook);
        self
    }

    /// Runs `hook` before a socket message of this type: it may change the message, refuse it with an error,
    /// or answer none, which tells the client so and closes the socket.
    #[must_use]
    pub fn before_message<M, F, Fut>(mut self, hook: F) -> Self
    where
        M: ClientMessage + Send + 'static,
        F: Fn(Tagus, Caller, M) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<M>, ApiError>> + Send + 'static,
    {
        self.hooks.add_before_message(hook);
        self
    }

    /// Runs `hook` after a socket message of this type was handled without an error, before the answer leaves.
    /// It is given the message and its answer: none for the empty answer, and for messages that went on to a room,
    /// which answers in its own time.
    #[must_use]
    pub fn after_message<M, F, Fut>(mut self, hook: F) -> Self
    where
        M: ClientMessage + Send + 'static,
        F: Fn(Tagus, Caller, M, Option<Message>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.add_after_message(hook);
        self
    }

    /// Runs `hook` when a connection has been made, beside whatever the client asks meanwhile.
    #[must_use]
    pub fn session_start<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Tagus, Caller) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.set_session_start(hook);
        self
    }

    /// Runs `hook` when a connection has ended, once for each that began and after its start hook has returned.
    /// Those that end because the server stops may be cut off.
    #[must_use]
    pub fn session_end<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Tagus, Caller) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.set_session_end(hook);
        self
    }

    /// Runs `hook` when the matchmaker has made a match, before its players are told. The players are sent into the
    /// room that it returns; where it returns none or fails, they get what their mode says: a room of its game, or a
    /// token for a relayed match of their own. It does not run for players who are found for a room that asked for some.
    #[must_use]
    pub fn matchmaker_matched<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Tagus, Matched) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<RoomId>, ApiError>> + Send + 'static,
    {
        self.hooks.set_matched(hook);
        self
    }

    /// Lets `hook` decide who plays with whom, in place of the built-in rules. It is given all tickets that wait, oldest
    /// first, and answers lists of tickets that play together, whatever they ask for. It is called when tickets are new,
    /// and else each second while some wait, one call at a time, each 100 ms at most. Tickets that are gone when it
    /// answers spoil their match and no other. Rooms that ask for players get none.
    /// Where it panics, or takes longer than 5 s, the built-in rules decide once.
    #[must_use]
    pub fn matchmaker_processor<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Tagus, Vec<WaitingTicket>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<Vec<TicketId>>> + Send + 'static,
    {
        self.hooks.set_processor(hook);
        self
    }

    /// Asks `hook` about each match before anything else is done about it. False puts its tickets back: they are looked
    /// at again when somebody else comes, or after a second. Meanwhile they are nobody else's; where one of them is taken
    /// back, or its player leaves, the match falls apart and the others wait again.
    /// Where the hook panics, or takes longer than 5 s, the match takes place.
    #[must_use]
    pub fn matchmaker_override<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Tagus, Matched) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.hooks.set_override(hook);
        self
    }

    /// Runs `hook` when a leaderboard's schedule has reset it, with the board and the expiry of the period that is over.
    /// It is called at least once for each reset, across restarts, and again where it fails; of resets that the server
    /// missed, the newest [`tagus_players::leaderboards::EVENTS_MAX`].
    #[must_use]
    pub fn leaderboard_reset<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Tagus, BoardEvent) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ApiError>> + Send + 'static,
    {
        self.hooks.add_board(BoardHook::LeaderboardReset, hook);
        self
    }

    /// Runs `hook` when a tournament's period takes no more scores; as [`Self::leaderboard_reset`].
    #[must_use]
    pub fn tournament_end<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Tagus, BoardEvent) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ApiError>> + Send + 'static,
    {
        self.hooks.add_board(BoardHook::TournamentEnd, hook);
        self
    }

    /// Runs `hook` when a tournament's schedule has reset it; as [`Self::leaderboard_reset`].
    #[must_use]
    pub fn tournament_reset<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Tagus, BoardEvent) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ApiError>> + Send + 'static,
    {
        self.hooks.add_board(BoardHook::TournamentReset, hook);
        self
    }
}
