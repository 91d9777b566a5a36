//! Games that server code keeps: what it is told of a turn of a kept game and of every game's end, and until it has
//! taken that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tagus_base::SeatIndex;
use tagus_room::{CallResult, Room, To};

use crate::codec::{Reader, put_bytes, put_option};
use crate::config::Kept;
use crate::course::{Chair, Course, Turn};
use crate::game::Duel;
use crate::messages::op;
use crate::people::Sitter;
use crate::record::{Record, RecordError};
use crate::replay::{mix, replay};
use crate::sport::{Sport, read_game, write_game};
use crate::stroke::Verdict;

/// Server code that a room of a kept game calls after every turn that does not end it, with [`News`]. The turn counts
/// and is told to the players when it has answered; until then it is called again every second. The answer
/// [`GONE`] closes the room, and nothing of the turn has happened.
pub const SAVE: &str = "duel.save";
/// Server code that a room calls when a game of two players has ended, with [`News`]; in a kept game in place of
/// [`SAVE`], with the same answers. In others it is called again every two seconds until it has answered, at most thirty
/// times.
pub const FINISHED: &str = "duel.finished";
/// What the server code of a kept game answers when the game goes on elsewhere, or not at all.
pub const GONE: &[u8] = b"gone";

/// What server code is told: JSON with the keys `mode`, `names`, `player` (0, 1 or null), `present`, `is_kept` and
/// `record` (base64url without padding).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct News {
    /// [`Sport::mode`].
    pub mode: String,
    /// The players' names.
    pub names: [String; 2],
    /// Whose turn it is; none: the game is over.
    pub player: Option<Chair>,
    /// Which of the players have a connection with the room.
    pub present: [bool; 2],
    /// Is it a kept game?
    pub is_kept: bool,
    /// The game, so far or as it ended.
    pub record: Record,
}

/// [`News`] as they are written.
#[derive(Deserialize, Serialize)]
struct Written {
    mode: String,
    names: [String; 2],
    player: Option<u8>,
    present: [bool; 2],
    is_kept: bool,
    record: String,
}

impl News {
    /// Their bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let written = Written {
            mode: self.mode.clone(),
            names: self.names.clone(),
            player: self.player.map(|chair| chair as u8),
            present: self.present,
            is_kept: self.is_kept,
            record: URL_SAFE_NO_PAD.encode(self.record.to_bytes()),
        };
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// Reads what [`Self::to_bytes`] wrote. A room says the truth, so the record need not be replayed.
    ///
    /// # Errors
    /// They are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NewsError> {
        let written: Written = serde_json::from_slice(bytes).map_err(|_| NewsError::Form)?;
        let record = URL_SAFE_NO_PAD.decode(&written.record);
        let player = written.player.map(Chair::from_number);
        Ok(Self {
            record: Record::from_bytes(&record.map_err(|_| NewsError::Form)?)?,
            player: match player {
                Some(None) => return Err(NewsError::Form),
                Some(chair) => chair,
                None => None,
            },
            mode: written.mode,
            names: written.names,
            present: written.present,
            is_kept: written.is_kept,
        })
    }
}

/// Why bytes are no [`News`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NewsError {
    /// They are not written as such.
    #[error("read news of a game")]
    Form,
    /// The record in them cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// A call that goes on until it was answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Call {
    is_end: bool,
    news: Bytes,
    /// The one that is under way; none: it failed, and is made again then.
    token: Option<u64>,
    again_ms: u64,
    tries: u32,
}

/// A turn of a kept game that counts once it is saved.
#[derive(Clone, Debug)]
pub(crate) struct Held<S> {
    turn: Turn,
    verdict: Option<Verdict>,
    /// The game after it.
    after: S,
    call: Call,
}

/// The end of a game that server code has not taken yet, and the record that is told then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ending {
    record: Bytes,
    call: Call,
}

impl<S: Sport> Duel<S> {
    /// Holds a turn of a kept game until it is saved.
    pub(crate) fn hold(
        &mut self,
        room: &mut Room<'_>,
        turn: Turn,
        after: S,
        verdict: Option<Verdict>,
    ) {
        let mut turns = self.turns.clone();
        turns.push(turn);
        let next = |verdict: &Verdict| mix(self.hash, verdict.hash);
        let hash = verdict.as_ref().map_or(self.hash, next);
        let record = self.record_of(after.course(), turns, hash);
        let news = self.news(room, after.course(), record);
        let mut call = Call::new(after.course().end.is_some(), news);
        call.make(room, &mut self.token);
        self.held = Some(Held {
            turn,
            verdict,
            after,
            call,
        });
    }

    /// The game is over: server code is told, and then everybody is sent the record.
    pub(crate) fn end(&mut self, room: &mut Room<'_>, record: Record) {
        let bytes = Bytes::from(record.to_bytes());
        self.record = Some(bytes.clone());
        if self.config.kept.is_some() {
            room.send(To::All, op::RECORD, bytes);
            return;
        }
        let Some(frame) = &self.frame else { return };
        let news = self.news(room, frame.course(), record);
        let mut call = Call::new(true, news);
        call.make(room, &mut self.token);
        if self.endings.len() == ENDINGS_MAX {
            let given_up = self.endings.remove(0);
            room.send(To::All, op::RECORD, given_up.record);
        }
        self.endings.push(Ending {
            record: bytes,
            call,
        });
    }

    /// Server code has answered, or not.
    pub(crate) fn called(&mut self, room: &mut Room<'_>, token: u64, result: &CallResult) {
        let is_it = |call: &Call| call.token == Some(token);
        let now_ms = room.elapsed_ms();
        if let Some(mut held) = self.held.take_if(|held| is_it(&held.call)) {
            match result {
                Ok(answer) if answer.as_ref() == GONE => room.close(),
                Ok(_) => self.count_now(room, held.turn, held.after, held.verdict),
                Err(_) => {
                    held.call.fail(now_ms + SAVE_AGAIN_MS);
                    self.held = Some(held);
                }
            }
            return;
        }
        let mut endings = self.endings.iter_mut();
        let Some(index) = endings.position(|ending| is_it(&ending.call)) else {
            return;
        };
        let call = &mut self.endings[index].call;
        call.fail(now_ms + FINISHED_AGAIN_MS);
        if result.is_ok() || call.tries >= FINISHED_TRIES_MAX {
            let ending = self.endings.remove(index);
            room.send(To::All, op::RECORD, ending.record);
        }
    }

    /// Makes calls again that have failed. A room whose people have gone sleeps, so it cannot wait: it makes them at once, as
    /// long as that is likely to help. Somebody who is leaving is not counted.
    pub(crate) fn call_again(&mut self, room: &mut Room<'_>, leaving: Option<SeatIndex>) {
        let now_ms = room.elapsed_ms();
        let is_left = room.seats().all(|(seat, _)| Some(seat) == leaving);
        let held = self.held.iter_mut().map(|held| &mut held.call);
        let endings = self.endings.iter_mut().map(|ending| &mut ending.call);
        for call in held.chain(endings) {
            let is_due = now_ms >= call.again_ms || is_left && call.tries < FINISHED_TRIES_MAX;
            if call.token.is_none() && is_due {
                call.make(room, &mut self.token);
            }
        }
    }

    fn news(&self, room: &Room<'_>, course: &Course, record: Record) -> Bytes {
        let is_present = |chair| {
            let seat = self.chairs.seat(chair);
            let taken = seat.and_then(|seat| room.seat(seat));
            taken.is_some_and(|taken| taken.connected)
        };
        let news = News {
            mode: S::mode(self.variant).to_owned(),
            names: self.chairs.names(),
            player: course.end.is_none().then_some(course.player),
            present: Chair::BOTH.map(is_present),
            is_kept: self.config.kept.is_some(),
            record,
        };
        news.to_bytes().into()
    }

    /// The players of a kept game have their chairs from the beginning.
    pub(crate) fn seat_both(&mut self, kept: &Kept) {
        let Ok(record) = kept.record(self.variant) else {
            return;
        };
        for (chair, name) in Chair::BOTH.into_iter().zip(&kept.names) {
            let user = record.users[chair as usize];
            self.chairs
                .put(chair, Some(Sitter::person(None, user, name)));
        }
    }

    /// Lets a job play a kept game again as far as it is known, when nobody does yet.
    pub(crate) fn load(&mut self, room: &mut Room<'_>) {
        let is_due = self.frame.is_none() && self.loading.is_none();
        let Some(kept) = self.config.kept.clone().filter(|_| is_due) else {
            return;
        };
        let (token, variant) = (self.token, self.variant);
        let work = move || {
            let mut out = Vec::new();
            if let Ok(record) = kept.record(variant)
                && let Ok(verified) = replay::<S>(&record)
            {
                write_game(&verified.frame, &mut out);
            }
            out
        };
        if room.compute(token, work).is_ok() {
            self.token += 1;
            self.loading = Some(token);
        }
    }

    /// A kept game goes on where it was.
    pub(crate) fn loaded(&mut self, room: &mut Room<'_>, data: &Bytes) {
        let reader = &mut Reader::new(data);
        let kept = self.config.kept.clone();
        let record = kept
            .as_ref()
            .and_then(|kept| kept.record(self.variant).ok());
        let (Some(kept), Some(record), Some(frame)) = (kept, record, read_game::<S>(reader)) else {
            // Who made the room has kept what is no game.
            room.close();
            return;
        };
        for turn in &record.turns {
            if let Turn::Choice { chair, choice, .. } = turn
                && let Some(sitter) = &mut self.chairs.0[*chair as usize]
            {
                sitter.choice = *choice;
            }
        }
        (self.id, self.first) = (record.id, record.first);
        (self.turns, self.hash) = (record.turns, record.hash);
        self.start(room, frame);
        self.limit_ms = Some(u64::from(kept.left_s) * 1_000);
        self.tell_table(room);
    }
}

impl Call {
    fn new(is_end: bool, news: Bytes) -> Self {
        Self {
            is_end,
            news,
            token: None,
            again_ms: 0,
            tries: 0,
        }
    }

    /// A call that cannot be begun is made again with the next tick.
    fn make(&mut self, room: &mut Room<'_>, token: &mut u64) {
        let name = if self.is_end { FINISHED } else { SAVE };
        if room.call(*token, name, self.news.clone()).is_ok() {
            self.token = Some(*token);
            *token += 1;
        }
    }

    const fn fail(&mut self, again_ms: u64) {
        self.token = None;
        self.again_ms = again_ms;
        self.tries += 1;
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_end));
        put_bytes(out, &self.news);
        put_option(out, self.token.as_ref(), |out, token| {
            out.extend_from_slice(&token.to_le_bytes());
        });
        out.extend_from_slice(&self.again_ms.to_le_bytes());
        out.extend_from_slice(&self.tries.to_le_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            is_end: reader.flag()?,
            news: Bytes::copy_from_slice(reader.bytes()?),
            token: reader.option(Reader::u64)?,
            again_ms: reader.u64()?,
            tries: reader.u32()?,
        })
    }
}

impl<S: Sport> Held<S> {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.turn.write(out);
        put_option(out, self.verdict.as_ref(), |out, verdict| {
            verdict.write(out);
        });
        write_game(&self.after, out);
        self.call.write(out);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, table: u16) -> Option<Self> {
        Some(Self {
            turn: Turn::read(reader, table)?,
            verdict: reader.option(Verdict::read)?,
            after: read_game(reader)?,
            call: Call::read(reader)?,
        })
    }

    pub(crate) const fn game(&self) -> &S {
        &self.after
    }
}

impl Ending {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_bytes(out, &self.record);
        self.call.write(out);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            record: Bytes::copy_from_slice(reader.bytes()?),
            call: Call::read(reader)?,
        })
    }
}

/// Ends of games that are not taken yet, in one room; beyond them the oldest is given up.
pub(crate) const ENDINGS_MAX: usize = 4;
const SAVE_AGAIN_MS: u64 = 1_000;
const FINISHED_AGAIN_MS: u64 = 2_000;
const FINISHED_TRIES_MAX: u32 = 30;
