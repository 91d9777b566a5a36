//! Who sits at the table.

use std::sync::Arc;

use tagus_base::{SeatIndex, UserId, Uuid};

use crate::bot::Strength;
use crate::codec::{Reader, put_bytes, put_option};
use crate::course::Chair;

/// Bytes of a name at most; a longer one is cut between two characters.
const NAME_BYTES_MAX: usize = 32;

/// Who has a chair.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Sitter {
    pub(crate) who: Who,
    pub(crate) name: Arc<str>,
    /// Wants to play again.
    pub(crate) wants_more: bool,
    /// What he has chosen, for this game and those after it.
    pub(crate) choice: u8,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Who {
    /// A person, on a seat of the room, or in a kept game perhaps elsewhere.
    Person(Option<SeatIndex>, UserId),
    Bot(Strength),
}

/// The two chairs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Chairs(pub(crate) [Option<Sitter>; 2]);

impl Chairs {
    pub(crate) fn get(&self, chair: Chair) -> Option<&Sitter> {
        self.0[chair as usize].as_ref()
    }

    pub(crate) fn put(&mut self, chair: Chair, sitter: Option<Sitter>) {
        self.0[chair as usize] = sitter;
    }

    pub(crate) fn of_seat(&self, seat: SeatIndex) -> Option<Chair> {
        Chair::BOTH
            .into_iter()
            .find(|chair| self.seat(*chair) == Some(seat))
    }

    pub(crate) fn seat(&self, chair: Chair) -> Option<SeatIndex> {
        match self.get(chair)?.who {
            Who::Person(seat, _) => seat,
            Who::Bot(_) => None,
        }
    }

    pub(crate) fn bot(&self, chair: Chair) -> Option<Strength> {
        match self.get(chair)?.who {
            Who::Person(..) => None,
            Who::Bot(strength) => Some(strength),
        }
    }

    /// The account, or zeros for a bot and for nobody.
    pub(crate) fn user(&self, chair: Chair) -> UserId {
        match self.get(chair).map(|sitter| sitter.who) {
            Some(Who::Person(_, user_id)) => user_id,
            Some(Who::Bot(_)) | None => UserId::default(),
        }
    }

    /// The chair of an account; in kept games it has one wherever it is.
    pub(crate) fn of_user(&self, user: UserId) -> Option<Chair> {
        Chair::BOTH
            .into_iter()
            .find(|chair| self.user(*chair) == user)
    }

    /// The names of both.
    pub(crate) fn names(&self) -> [String; 2] {
        Chair::BOTH.map(|chair| {
            let name = self.get(chair).map(|sitter| sitter.name.to_string());
            name.unwrap_or_default()
        })
    }

    /// A person who has this chair is on this seat from now on.
    pub(crate) fn sit_down(&mut self, chair: Chair, seat: SeatIndex) {
        self.move_to(chair, Some(seat));
    }

    /// A person who has this chair, and goes on having it, is on no seat.
    pub(crate) fn get_up(&mut self, chair: Chair) {
        self.move_to(chair, None);
    }

    fn move_to(&mut self, chair: Chair, seat: Option<SeatIndex>) {
        if let Some(sitter) = &mut self.0[chair as usize]
            && let Who::Person(own, _) = &mut sitter.who
        {
            *own = seat;
        }
    }

    /// Op 23 without its game.
    pub(crate) fn choices(&self) -> [u8; 2] {
        Chair::BOTH.map(|chair| self.get(chair).map_or(0, |sitter| sitter.choice))
    }

    /// Op 20.
    pub(crate) fn to_bytes(
        &self,
        watching: u16,
        is_connected: impl Fn(SeatIndex) -> bool,
    ) -> Vec<u8> {
        let mut out = Vec::from(watching.to_le_bytes());
        let wants = |chair| u8::from(self.get(chair).is_some_and(|sitter| sitter.wants_more));
        out.push(wants(Chair::First) | wants(Chair::Second) << 1);
        for sitter in &self.0 {
            let Some(sitter) = sitter else {
                out.extend_from_slice(&[0, 0]);
                continue;
            };
            let kind = match sitter.who {
                Who::Person(Some(seat), _) if is_connected(seat) => 1,
                Who::Person(..) => 2,
                Who::Bot(_) => 3,
            };
            out.extend_from_slice(&[kind, sitter.name.len() as u8]);
            out.extend_from_slice(sitter.name.as_bytes());
        }
        out
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for sitter in &self.0 {
            let Some(sitter) = sitter else {
                out.push(0);
                continue;
            };
            match sitter.who {
                Who::Person(seat, user_id) => {
                    out.push(1);
                    put_option(out, seat.as_ref(), |out, seat| {
                        out.extend_from_slice(&seat.0.to_le_bytes());
                    });
                    out.extend_from_slice(&user_id.0.0);
                }
                Who::Bot(strength) => out.extend_from_slice(&[2, strength as u8]),
            }
            out.extend_from_slice(&[u8::from(sitter.wants_more), sitter.choice]);
            put_bytes(out, sitter.name.as_bytes());
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut chairs = Self::default();
        for chair in &mut chairs.0 {
            let who = match reader.u8()? {
                0 => continue,
                1 => Who::Person(
                    reader.option(|reader| reader.u16().map(SeatIndex))?,
                    UserId(Uuid(reader.array()?)),
                ),
                2 => Who::Bot(Strength::from_number(reader.u8()?)?),
                _ => return None,
            };
            let (wants_more, choice) = (reader.flag()?, reader.u8()?);
            let name = core::str::from_utf8(reader.bytes()?).ok()?;
            *chair = Some(Sitter {
                who,
                name: name.into(),
                wants_more,
                choice,
            });
        }
        Some(chairs)
    }
}

impl Sitter {
    pub(crate) fn person(seat: Option<SeatIndex>, user_id: UserId, username: &str) -> Self {
        let mut end = username.len().min(NAME_BYTES_MAX);
        while !username.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            who: Who::Person(seat, user_id),
            name: username[..end].into(),
            wants_more: false,
            choice: 0,
        }
    }

    pub(crate) fn bot(strength: Strength) -> Self {
        let name = match strength {
            Strength::Weak => "Bot, easy",
            Strength::Fair => "Bot, fair",
            Strength::Strong => "Bot, strong",
        };
        Self {
            who: Who::Bot(strength),
            name: name.into(),
            wants_more: true,
            choice: 0,
        }
    }
}
