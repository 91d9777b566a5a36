//! Random people: they log in, join, talk, use two devices, vanish, log out, and try tokens that count no more.

use std::time::Duration;

use tagus_players::TokenPair;

use crate::link::millis;
use crate::place::Conn;
use crate::playground::Playground;
use crate::traffic::{ClientEnd, Down, Up};

/// One account's owner.
pub(crate) struct Gamer {
    device: String,
    tokens: Option<TokenPair>,
    /// The session token was refused; the refresh token may help.
    refused: bool,
    /// A token pair of before.
    old_tokens: Option<TokenPair>,
    /// Connections that the owner believes to be open, the latest last.
    pub(crate) conns: Vec<Conn>,
    /// The network does not reach until then.
    pub(crate) away_until: Duration,
    /// An answer is waited for until then.
    patient_until: Duration,
}

/// A call of the HTTP API.
pub(crate) enum Call {
    LogIn,
    Refresh(Box<TokenPair>),
    LogOut {
        pair: Box<TokenPair>,
        everywhere: bool,
    },
}

/// Its answer.
pub(crate) enum Reply {
    Tokens(Box<TokenPair>),
    NoTokens,
    LoggedOut,
}

impl Gamer {
    pub(crate) fn new(number: u32) -> Self {
        Self {
            device: format!("device-of-player-{number}"),
            tokens: None,
            refused: false,
            old_tokens: None,
            conns: Vec::new(),
            away_until: Duration::ZERO,
            patient_until: Duration::ZERO,
        }
    }
}

impl Playground {
    /// Somebody does the next thing.
    pub(crate) fn act(&mut self, index: usize) {
        let gamer = &self.gamers[index];
        if gamer.patient_until > self.now {
            return;
        }
        let Some(pair) = gamer.tokens.clone() else {
            return self.ask_for(index, Call::LogIn);
        };
        if gamer.refused {
            return self.ask_for(index, Call::Refresh(Box::new(pair)));
        }
        let old = gamer.old_tokens.clone();
        let latest = gamer.conns.last().copied();
        match (self.rng.below(400), latest) {
            (0, _) => {
                let everywhere = self.rng.below(2) == 0;
                let pair = Box::new(pair);
                self.ask_for(index, Call::LogOut { pair, everywhere });
            }
            (1, _) => self.ask_for(index, Call::Refresh(Box::new(pair))),
            (2 | 3, _) => {
                if let Some(old) = old {
                    self.dial(index, old);
                }
            }
            (4, _) => {
                if let Some(old) = old {
                    self.ask_for(index, Call::Refresh(Box::new(old)));
                }
            }
            (5..9, Some(conn)) => self.hang_up(conn),
            // The battery is empty.
            (9..12, Some(conn)) => {
                self.cut(conn);
                self.close_client(conn);
            }
            (12..16, Some(_)) => self.connect(index, pair),
            (_, None) => self.connect(index, pair),
            (_, Some(conn)) => self.play(conn),
        }
    }

    /// One thing on a connection.
    fn play(&mut self, conn: Conn) {
        let connection = &self.connections[&conn];
        match connection.client {
            ClientEnd::Opening | ClientEnd::Closed => {}
            ClientEnd::Idle => {
                let favourite = connection.gamer % self.places.len();
                let place = match self.rng.below(3) {
                    0 => self.rng.below(self.places.len() as u32) as usize,
                    _ => favourite,
                };
                self.send_up(conn, Up::Join(place), false);
            }
            ClientEnd::In(place) if self.rng.below(60) == 0 => {
                self.send_up(conn, Up::Leave(place), false);
            }
            ClientEnd::In(place) => {
                let (op, data) = (self.places[place].plan.script)(&mut self.rng);
                self.send_up(conn, Up::Data { place, op, data }, true);
            }
        }
    }

    /// Opens another connection; a third one ends the first.
    fn connect(&mut self, index: usize, pair: TokenPair) {
        if self.gamers[index].conns.len() >= CONNS_MAX {
            self.hang_up(self.gamers[index].conns[0]);
        }
        let conn = self.dial(index, pair);
        self.gamers[index].conns.push(conn);
    }

    fn hang_up(&mut self, conn: Conn) {
        self.send_up(conn, Up::Bye, false);
        self.close_client(conn);
    }

    fn ask_for(&mut self, index: usize, call: Call) {
        self.gamers[index].patient_until = self.now + millis(PATIENCE_MS);
        self.call(index, call);
    }

    /// The server answers a call.
    pub(crate) fn answer(&mut self, index: usize, call: Call) {
        let reply = match call {
            Call::LogIn => {
                let pair = self.desk.log_in(self.now, &self.gamers[index].device);
                Reply::Tokens(Box::new(pair))
            }
            Call::Refresh(old) => self
                .desk
                .refresh(self.now, &old)
                .map_or(Reply::NoTokens, |pair| Reply::Tokens(Box::new(pair))),
            Call::LogOut { pair, everywhere } => {
                if self.desk.log_out(self.now, &pair, everywhere) {
                    self.stats.logouts += 1;
                    self.close_ended();
                }
                Reply::LoggedOut
            }
        };
        self.reply(index, reply);
    }

    /// Its owner hears the answer.
    pub(crate) fn hear(&mut self, index: usize, reply: Reply) {
        match reply {
            Reply::Tokens(pair) => {
                self.absorb(pair.token.as_bytes());
                self.absorb(pair.refresh_token.as_bytes());
                self.keep(index, Some(*pair));
            }
            Reply::NoTokens | Reply::LoggedOut => self.keep(index, None),
        }
    }

    fn keep(&mut self, index: usize, pair: Option<TokenPair>) {
        let gamer = &mut self.gamers[index];
        let old = std::mem::replace(&mut gamer.tokens, pair);
        gamer.old_tokens = old.or(gamer.old_tokens.take());
        gamer.refused = false;
        gamer.patient_until = self.now;
    }

    /// A message reaches its client.
    pub(crate) fn receive(&mut self, conn: Conn, down: Down) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        if connection.client == ClientEnd::Closed {
            return;
        }
        match down {
            Down::Welcome if self.gamers[connection.gamer].conns.contains(&conn) => {
                connection.client = ClientEnd::Idle;
            }
            // Only tried whether an old token still counts.
            Down::Welcome => self.hang_up(conn),
            Down::Joined(place) => connection.client = ClientEnd::In(place),
            Down::NotJoined => {}
            Down::Gone(place) if connection.client == ClientEnd::In(place) => {
                connection.client = ClientEnd::Idle;
            }
            Down::Gone(_) => {}
            Down::Data { op, data } => {
                self.stats.delivered += 1;
                self.absorb(&op.to_le_bytes());
                self.absorb(&data);
            }
            Down::Refused => {
                // A connection that tried a token of before is no surprise.
                let gamer = &mut self.gamers[connection.gamer];
                gamer.refused |= gamer.conns.contains(&conn);
                self.close_client(conn);
            }
            Down::Bye => self.close_client(conn),
        }
    }
}

/// Longest wait for an answer, in milliseconds.
const PATIENCE_MS: u32 = 3_000;
/// Connections that one person has at once.
const CONNS_MAX: usize = 2;
