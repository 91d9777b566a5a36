//! Relayed matches: rooms without a game, whose members send to each other.

use hashbrown::HashMap;
use tagus_base::{SeatIndex, SessionId};

use crate::{How, Joined, Person, Refusal, SEATS_MAX};

/// A relayed match: who is in it, and whom a message reaches. Nothing is held; it is over when the last one leaves.
#[derive(Debug, Default)]
pub struct Relay {
    /// By index; the last one is taken.
    seats: Vec<Option<Person>>,
    by_session: HashMap<SessionId, SeatIndex>,
}

/// What a leave did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Left {
    /// The seat that was freed.
    pub seat: SeatIndex,
    /// Who sat there.
    pub person: Person,
    /// Nobody is left: the match is over.
    pub is_last: bool,
}

impl Relay {
    /// An empty match.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the free seat of the lowest index; a connection that has one gets the same answer again.
    ///
    /// # Errors
    /// [`SEATS_MAX`] seats are taken.
    pub fn join(&mut self, person: Person) -> Result<Joined, Refusal> {
        if let Some(seat) = self.seat_of(person.session_id) {
            return Ok(Joined {
                seat,
                how: How::Already,
            });
        }
        let free = self
            .seats
            .iter()
            .position(Option::is_none)
            .unwrap_or(self.seats.len());
        let Some(seat) = u16::try_from(free)
            .ok()
            .filter(|free| *free < SEATS_MAX)
            .map(SeatIndex)
        else {
            return Err(Refusal::new("the match is full"));
        };
        if free == self.seats.len() {
            self.seats.push(None);
        }
        self.by_session.insert(person.session_id, seat);
        self.seats[free] = Some(person);
        Ok(Joined {
            seat,
            how: How::New,
        })
    }

    /// Frees the connection's seat; none when it has none.
    pub fn leave(&mut self, session_id: SessionId) -> Option<Left> {
        let seat = self.by_session.remove(&session_id)?;
        let person = self.seats.get_mut(usize::from(seat.0))?.take()?;
        while self.seats.last().is_some_and(Option::is_none) {
            self.seats.pop();
        }
        Some(Left {
            seat,
            person,
            is_last: self.is_empty(),
        })
    }

    /// Appends whom a message of `sender` reaches, in order of the index and each once: of `listed`, those who are
    /// here, the sender too if listed; without a list everybody but the sender.
    /// A sender who is not here reaches nobody.
    pub fn targets(
        &self,
        sender: SessionId,
        listed: Option<&[SessionId]>,
        out: &mut Vec<SeatIndex>,
    ) {
        let Some(from) = self.seat_of(sender) else {
            return;
        };
        let Some(listed) = listed else {
            out.extend(
                self.seats()
                    .map(|(seat, _)| seat)
                    .filter(|seat| *seat != from),
            );
            return;
        };
        let mut seats: Vec<SeatIndex> = listed
            .iter()
            .filter_map(|session_id| self.seat_of(*session_id))
            .collect();
        seats.sort_unstable();
        seats.dedup();
        out.append(&mut seats);
    }

    /// The taken seats in order of their index.
    pub fn seats(&self) -> impl Iterator<Item = (SeatIndex, &Person)> {
        (0..)
            .map(SeatIndex)
            .zip(&self.seats)
            .filter_map(|(index, seat)| Some((index, seat.as_ref()?)))
    }

    /// Who sits there, or none when the seat is free.
    #[must_use]
    pub fn seat(&self, seat: SeatIndex) -> Option<&Person> {
        self.seats.get(usize::from(seat.0))?.as_ref()
    }

    /// The connection's seat.
    #[must_use]
    pub fn seat_of(&self, session_id: SessionId) -> Option<SeatIndex> {
        self.by_session.get(&session_id).copied()
    }

    /// Number of people in the match, at most [`SEATS_MAX`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_session.len()
    }

    /// Is nobody here?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_session.is_empty()
    }
}
