//! The node: it admits connections, seats them, and does what rooms want done.

use tagus_base::SessionId;
use tagus_players::{Login, TokenPair};
use tagus_room::{Class, Person};

use crate::code;
use crate::link::millis;
use crate::place::{Conn, Out, Place};
use crate::playground::{Event, Playground};
use crate::traffic::{Connection, Down, ServerEnd, Up, What};
use crate::uuid;

/// What a room asked for.
pub(crate) struct Asked {
    place: usize,
    generation: u64,
    pub(crate) token: u64,
}

impl Playground {
    /// The server handles a message.
    pub(crate) fn serve(&mut self, conn: Conn, up: Up) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        let login = match (&connection.server, &up) {
            (ServerEnd::Opening, Up::Hello(pair)) => return self.admit(conn, pair),
            (ServerEnd::Open(login), _) => login.clone(),
            // Data may overtake the hello, or come after the end.
            (ServerEnd::Opening | ServerEnd::Closed, _) => return,
        };
        match up {
            Up::Hello(_) => {}
            Up::Join(place) => self.join(conn, place, &login),
            Up::Leave(place) => {
                if let Some(seat) = connection.seats.remove(&place) {
                    self.places[place].leave(self.now, conn, seat, &mut self.out);
                    self.dispatch(place);
                }
            }
            Up::Data { place, op, data } => {
                self.absorb(&data);
                let seat = self.connections[&conn].seats.get(&place).copied();
                let Some(seat) = seat else {
                    self.stats.stale += 1;
                    return;
                };
                self.stats.messages += 1;
                let kept = self.places[place].message(conn, seat, op, data);
                self.absorb(&[u8::from(kept)]);
            }
            Up::Bye => self.close_server(conn),
        }
    }

    fn admit(&mut self, conn: Conn, pair: &TokenPair) {
        let admitted = self.desk.admits(self.now, pair);
        let connection = self.connections.get_mut(&conn).expect("it has just spoken");
        if admitted {
            connection.server = ServerEnd::Open(pair.login.clone());
            self.stats.admitted += 1;
            self.send(conn, What::Down(Down::Welcome), false);
        } else {
            self.stats.refused += 1;
            self.send(conn, What::Down(Down::Refused), false);
            self.close_server(conn);
        }
    }

    fn join(&mut self, conn: Conn, place: usize, login: &Login) {
        let person = Person {
            user_id: login.user_id,
            session_id: SessionId(uuid(2, conn)),
            username: login.username.clone(),
        };
        let seat = self.places[place].join(self.now, conn, person, &mut self.out);
        self.absorb(format!("{seat:?}").as_bytes());
        let answer = match seat {
            Some(seat) => {
                let connection = self.connections.get_mut(&conn).expect("it has just asked");
                connection.seats.insert(place, seat);
                Down::Joined(place)
            }
            None => Down::NotJoined,
        };
        self.send(conn, What::Down(answer), false);
        self.dispatch(place);
    }

    /// The server's end is over, for whatever reason; its seats are held or freed.
    pub(crate) fn close_server(&mut self, conn: Conn) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        connection.server = ServerEnd::Closed;
        for (place, seat) in std::mem::take(&mut connection.seats) {
            self.places[place].lost(self.now, conn, seat, &mut self.out);
            self.dispatch(place);
        }
        self.forget(conn);
    }

    /// Closes the connections whose login was ended.
    pub(crate) fn close_ended(&mut self) {
        let ended = |one: &Connection| matches!(&one.server, ServerEnd::Open(login) if self.desk.is_ended(login));
        let conns = self.connections.iter().filter(|(_, one)| ended(one));
        let conns: Vec<Conn> = conns.map(|(conn, _)| *conn).collect();
        for conn in conns {
            self.send(conn, What::Down(Down::Bye), false);
            self.close_server(conn);
        }
    }

    /// Does what a room wants done, and opens it anew when it is over.
    pub(crate) fn dispatch(&mut self, place: usize) {
        for out in std::mem::take(&mut self.out) {
            match out {
                Out::Data {
                    to,
                    class,
                    op,
                    data,
                } => {
                    let late = matches!(class, Class::Sequenced | Class::Unreliable);
                    self.send(to, What::Down(Down::Data { op, data }), late);
                }
                Out::Gone(conn) => {
                    if let Some(connection) = self.connections.get_mut(&conn) {
                        connection.seats.remove(&place);
                    }
                    self.send(conn, What::Down(Down::Gone(place)), false);
                }
                Out::Compute(token, job) => {
                    let data = job.run();
                    let asked = self.ask(place, token);
                    self.after(1, 200, Event::Computed(asked, data));
                }
                Out::Store(token, op) => {
                    let result = self.places[place].store(op, &mut self.rng);
                    let asked = self.ask(place, token);
                    // In the order they were asked for, as a room's operations are.
                    self.push(self.now + millis(20), Event::Stored(asked, result));
                }
                Out::Call(token, name, data) => {
                    let result = code::answer(&name, &data, &mut self.rng);
                    let asked = self.ask(place, token);
                    self.push(self.now + millis(30), Event::Called(asked, result));
                }
            }
        }
        if self.places[place].host.is_closed() {
            let seed = self.rng.next_u64();
            let hash = self.places[place].host.state_hash();
            self.absorb(&hash.to_le_bytes());
            self.places[place].reopen(seed, self.now);
        }
    }

    fn ask(&self, place: usize, token: u64) -> Asked {
        let generation = self.places[place].generation;
        Asked {
            place,
            generation,
            token,
        }
    }

    pub(crate) fn asked(&mut self, asked: &Asked) -> Option<&mut Place> {
        let place = self.places.get_mut(asked.place)?;
        (place.generation == asked.generation).then_some(place)
    }
}
