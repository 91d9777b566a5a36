//! Connections, and everything on its way between the people and the node.

use std::collections::BTreeMap;

use bytes::Bytes;
use tagus_base::SeatIndex;
use tagus_players::{Login, TokenPair};

use crate::link::{Path, millis};
use crate::person::{Call, Reply};
use crate::place::Conn;
use crate::playground::{Event, Playground};

/// One connection: what each end makes of it, and the way between them.
pub(crate) struct Connection {
    pub(crate) gamer: usize,
    pub(crate) client: ClientEnd,
    pub(crate) server: ServerEnd,
    /// Where the server has seated it.
    pub(crate) seats: BTreeMap<usize, SeatIndex>,
    /// Messages of rooms may go as datagrams.
    datagrams: bool,
    /// Nothing that is sent arrives any more.
    cut: bool,
    up: Direction,
    down: Direction,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ClientEnd {
    Opening,
    Idle,
    /// Sits in this place, or believes so.
    In(usize),
    Closed,
}

pub(crate) enum ServerEnd {
    Opening,
    Open(Login),
    Closed,
}

#[derive(Default)]
pub(crate) struct Direction {
    path: Path,
    /// Number of the latest message that arrived, on the stream and at all.
    stream_seen: u64,
    seen: u64,
}

#[derive(Clone)]
pub(crate) struct Packet {
    number: u64,
    datagram: bool,
    what: What,
}

#[derive(Clone)]
pub(crate) enum What {
    Up(Up),
    Down(Down),
}

#[derive(Clone)]
pub(crate) enum Up {
    Hello(Box<TokenPair>),
    Join(usize),
    Leave(usize),
    Data { place: usize, op: i64, data: Bytes },
    Bye,
}

#[derive(Clone)]
pub(crate) enum Down {
    Welcome,
    Refused,
    Joined(usize),
    NotJoined,
    Gone(usize),
    Data { op: i64, data: Bytes },
    Bye,
}

impl Playground {
    /// Opens a connection that begins with this token.
    pub(crate) fn dial(&mut self, gamer: usize, pair: TokenPair) -> Conn {
        self.conns += 1;
        let connection = Connection {
            gamer,
            client: ClientEnd::Opening,
            server: ServerEnd::Opening,
            seats: BTreeMap::new(),
            datagrams: gamer % 2 == 1,
            cut: false,
            up: Direction::default(),
            down: Direction::default(),
        };
        self.connections.insert(self.conns, connection);
        self.send_up(self.conns, Up::Hello(Box::new(pair)), false);
        self.conns
    }

    /// A client sends; what may be late goes as a datagram where the connection has them.
    pub(crate) fn send_up(&mut self, conn: Conn, up: Up, late: bool) {
        self.send(conn, What::Up(up), late);
    }

    pub(crate) fn send(&mut self, conn: Conn, what: What, late: bool) {
        let Some(connection) = self.connections.get_mut(&conn).filter(|one| !one.cut) else {
            return;
        };
        let away_until = self.gamers[connection.gamer].away_until;
        self.sent += 1;
        let mut packet = Packet {
            number: self.sent,
            datagram: false,
            what,
        };
        if late && connection.datagrams {
            packet.datagram = true;
            let mut copies = Vec::new();
            if away_until <= self.now {
                copies = Path::datagram(self.now, &self.weather, &mut self.rng);
            }
            self.stats.lost += u64::from(copies.is_empty());
            for at in copies {
                self.push(at, Event::Packet(conn, packet.clone()));
            }
            return;
        }
        let direction = match packet.what {
            What::Up(_) => &mut connection.up,
            What::Down(_) => &mut connection.down,
        };
        let from = self.now.max(away_until);
        match direction.path.stream(from, &self.weather, &mut self.rng) {
            Some(at) => self.push(at, Event::Packet(conn, packet)),
            None => self.cut(conn),
        }
    }

    /// Nothing arrives any more; both ends find out in their own time.
    pub(crate) fn cut(&mut self, conn: Conn) {
        if let Some(connection) = self.connections.get_mut(&conn).filter(|one| !one.cut) {
            connection.cut = true;
            self.stats.cuts += 1;
            self.after(0, SILENCE_MS, Event::ServerLoses(conn));
            self.after(0, SILENCE_MS, Event::ClientLoses(conn));
        }
    }

    pub(crate) fn arrive(&mut self, conn: Conn, packet: Packet) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        let direction = match packet.what {
            What::Up(_) => &mut connection.up,
            What::Down(_) => &mut connection.down,
        };
        if packet.datagram {
            self.stats.out_of_order += u64::from(packet.number <= direction.seen);
        } else {
            assert!(packet.number > direction.stream_seen, "a stream is ordered");
            direction.stream_seen = packet.number;
        }
        direction.seen = direction.seen.max(packet.number);
        self.absorb(&packet.number.to_le_bytes());
        match packet.what {
            What::Up(up) => self.serve(conn, up),
            What::Down(down) => self.receive(conn, down),
        }
    }

    /// The client's end is over; unless it says so the server has yet to find out.
    pub(crate) fn close_client(&mut self, conn: Conn) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.client = ClientEnd::Closed;
            self.gamers[connection.gamer]
                .conns
                .retain(|one| *one != conn);
            self.forget(conn);
        }
    }

    pub(crate) fn forget(&mut self, conn: Conn) {
        let over = |one: &Connection| {
            one.client == ClientEnd::Closed && matches!(one.server, ServerEnd::Closed)
        };
        if self.connections.get(&conn).is_some_and(over) {
            self.connections.remove(&conn);
        }
    }

    /// Half of the players cannot be reached for a while; a long one ends their connections.
    pub(crate) fn partition(&mut self) {
        self.stats.partitions += 1;
        let length_ms = 500 + self.rng.below(3 * SILENCE_MS);
        for gamer in 0..self.gamers.len() {
            if self.rng.below(2) == 0 {
                self.gamers[gamer].away_until = self.now + millis(length_ms);
            }
        }
        if length_ms > SILENCE_MS {
            let away = |one: &Connection| self.gamers[one.gamer].away_until > self.now;
            let conns = self.connections.iter().filter(|(_, one)| away(one));
            for conn in conns.map(|(conn, _)| *conn).collect::<Vec<_>>() {
                let at = self.now + millis(SILENCE_MS);
                self.push(at, Event::ServerLoses(conn));
                self.push(at, Event::ClientLoses(conn));
            }
        }
        self.after(5_000, 30_000, Event::Partition);
    }

    /// A call of the HTTP API on its way to the server, unless it gets lost.
    pub(crate) fn call(&mut self, gamer: usize, call: Call) {
        self.deliver(gamer, Event::Call(gamer, call));
    }

    pub(crate) fn reply(&mut self, gamer: usize, reply: Reply) {
        self.deliver(gamer, Event::Reply(gamer, reply));
    }

    fn deliver(&mut self, gamer: usize, event: Event) {
        if self.gamers[gamer].away_until <= self.now {
            let at = self.now + self.weather.delay(&mut self.rng);
            self.push(at, event);
        }
    }
}

/// Longest time until an end finds out that its connection is cut, in milliseconds.
const SILENCE_MS: u32 = 4_000;
