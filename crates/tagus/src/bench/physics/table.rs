//! One table of pool: two players over sockets of their own, who play by what they are told.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tagus_base::Rng;
use tagus_physics::Table;
use tagus_wire::ext::RoomData;
use tagus_wire::realtime::Envelope;
use tagus_wire::realtime::envelope::Message;

use super::super::framing::Framing;
use super::super::load::LoadSocket;
use super::player::{self, Phase, Told, Turn, op};
use super::tally::Tally;

/// Two players of a table, and the number by which each names it.
pub(super) type Sockets = [(LoadSocket, u32); 2];

/// When all tables are played on, and what happens there.
pub(super) struct Hours {
    pub(super) table: Table,
    pub(super) start: Instant,
    /// Between two shots of a table.
    pub(super) every: Duration,
    /// How long a player aims before a shot.
    pub(super) aiming: Duration,
    /// What is sent before is not counted.
    pub(super) from: Instant,
    /// Nothing is sent from then on.
    pub(super) until: Instant,
    pub(super) tally: RefCell<Tally>,
}

/// One table.
pub(super) struct Playing {
    hours: Rc<Hours>,
    sockets: Sockets,
    /// Which of them has the first chair, once that is known.
    first: Option<usize>,
    rng: Rng,
    turn: Option<Turn>,
    /// When the turn may be played.
    ready: Instant,
    /// When the next stroke is to be sent.
    due: Instant,
    /// When it is to be said what is aimed at.
    aim_due: Instant,
    /// The stroke whose verdict is not known.
    struck: Option<Struck>,
    /// The stroke that the other player has not seen.
    unseen: Option<Struck>,
    /// The game after which both have asked for another.
    rematched: Option<u16>,
    /// When the last stroke was sent.
    played_at: Option<Instant>,
}

/// A stroke that was sent.
#[derive(Clone, Copy)]
struct Struck {
    game: u16,
    number: u16,
    /// Whose socket it was sent by.
    by: usize,
    at: Instant,
}

impl Struck {
    fn is(&self, game: u16, number: u16) -> bool {
        (self.game, self.number) == (game, number)
    }
}

impl Playing {
    pub(super) fn new(hours: Rc<Hours>, sockets: Sockets, rng: Rng, due: Instant) -> Self {
        let mut table = Self {
            ready: hours.start,
            aim_due: due,
            hours,
            sockets,
            first: None,
            rng,
            turn: None,
            due,
            struck: None,
            unseen: None,
            rematched: None,
            played_at: None,
        };
        table.plan_aims();
        table
    }

    /// Plays until the end of the hours and until the last verdict.
    ///
    /// # Errors
    /// A connection was lost, or a message is none of the game's.
    pub(super) async fn play(mut self) -> anyhow::Result<()> {
        let end = self.hours.until + LAST_VERDICTS;
        for index in 0..2 {
            // What was sent while others sat down.
            self.hear(index)?;
        }
        loop {
            let now = Instant::now();
            if now >= end || now >= self.hours.until && self.struck.is_none() {
                break;
            }
            self.act(now)?;
            let wake = match self.struck {
                Some(_) => end,
                None => {
                    let next = self.due.min(self.aim_due).max(self.ready);
                    next.min(end).max(now + STEP)
                }
            };
            let [(one, _), (other, _)] = &self.sockets;
            let index = tokio::select! {
                readable = one.readable() => readable.map(|()| Some(0))?,
                readable = other.readable() => readable.map(|()| Some(1))?,
                () = tokio::time::sleep_until(wake.into()) => None,
            };
            if let Some(index) = index {
                self.sockets[index].0.fill()?;
                self.hear(index)?;
            }
        }
        let patience = self.hours.every + REST_MAX;
        let played = self
            .played_at
            .is_some_and(|at| at + patience > self.hours.until);
        let is_alive = played && self.struck.is_none();
        self.hours.tally.borrow_mut().alive += u64::from(is_alive);
        Ok(())
    }

    /// Sends what is due: a stroke, or the wish for another game.
    fn act(&mut self, now: Instant) -> anyhow::Result<()> {
        let Some(turn) = &self.turn else {
            return Ok(());
        };
        match turn.phase {
            Phase::Over if self.rematched != Some(turn.game) => {
                let game = turn.game;
                self.rematched = Some(game);
                self.hours.tally.borrow_mut().games += 1;
                for index in 0..2 {
                    self.send(index, op::REMATCH, player::rematch(game))?;
                }
                Ok(())
            }
            Phase::Playing if self.struck.is_none() && now >= self.due.max(self.ready) => {
                self.strike()
            }
            Phase::Playing if self.struck.is_none() && now >= self.aim_due.max(self.ready) => {
                self.aim(now)
            }
            Phase::Waiting | Phase::Playing | Phase::Over => Ok(()),
        }
    }

    fn strike(&mut self) -> anyhow::Result<()> {
        let (Some(turn), Some(first)) = (&self.turn, self.first) else {
            return Ok(());
        };
        let by = first ^ usize::from(turn.player);
        let (game, number) = (turn.game, turn.number);
        let stroke = turn.stroke(&self.hours.table, &mut self.rng)?;
        let at = Instant::now();
        let late = at.saturating_duration_since(self.due.max(self.ready));
        self.send(by, op::SHOOT, stroke.data)?;
        self.played_at = Some(at);
        self.struck = Some(Struck {
            game,
            number,
            by,
            at,
        });
        self.unseen = self.struck;
        while self.due <= at {
            self.due += self.hours.every;
        }
        self.plan_aims();
        if self.counts(at) {
            let mut tally = self.hours.tally.borrow_mut();
            tally.shots += 1;
            tally.late_max = tally.late_max.max(late);
            if tally.played.len() < PLAYED_MAX {
                tally.played.push((stroke.state, stroke.shot));
            }
        }
        Ok(())
    }

    fn aim(&mut self, now: Instant) -> anyhow::Result<()> {
        let (Some(turn), Some(first)) = (&self.turn, self.first) else {
            return Ok(());
        };
        let (by, data) = (first ^ usize::from(turn.player), turn.aim(&mut self.rng));
        self.aim_due = now + AIM_EVERY;
        if self.counts(now) {
            self.hours.tally.borrow_mut().aims += 1;
        }
        self.send(by, op::AIM, data)
    }

    /// Aims begin before the next stroke, at no fixed distance from it.
    fn plan_aims(&mut self) {
        let within_us = self.rng.below(AIM_EVERY.as_micros() as u32);
        let begin = self.due.checked_sub(self.hours.aiming);
        self.aim_due = match self.hours.aiming.is_zero() {
            true => self.due,
            false => begin.unwrap_or(self.due) + Duration::from_micros(within_us.into()),
        };
    }

    /// Is what was sent then a part of what is measured?
    fn counts(&self, at: Instant) -> bool {
        (self.hours.from..self.hours.until).contains(&at)
    }

    fn send(&mut self, index: usize, op_code: i64, data: Vec<u8>) -> anyhow::Result<()> {
        let (socket, room) = &mut self.sockets[index];
        socket.send(&Envelope {
            cid: String::new(),
            message: Some(Message::RoomData(RoomData {
                room: *room,
                op_code,
                data: Bytes::from(data),
                ..RoomData::default()
            })),
        })
    }

    /// Takes the whole frames that a player has received.
    fn hear(&mut self, index: usize) -> anyhow::Result<()> {
        while let Some((payload, _)) = self.sockets[index].0.next_frame()? {
            if let Some((op, data)) = Framing::Tagus.message(&payload) {
                let told = Told::read(&self.hours.table, op, data)?;
                self.heard(index, told);
            }
        }
        Ok(())
    }

    fn heard(&mut self, index: usize, told: Told) {
        let now = Instant::now();
        match told {
            Told::Table { chair, turn } => {
                self.first = Some(index ^ usize::from(chair & 1));
                // A time-out, or another game: what was struck before is decided.
                self.struck = None;
                self.take(turn, now);
            }
            Told::Shot { game, number } => {
                let is_shown = |struck: &mut Struck| struck.is(game, number) && struck.by != index;
                if let Some(struck) = self.unseen.take_if(is_shown)
                    && self.counts(struck.at)
                {
                    let mut tally = self.hours.tally.borrow_mut();
                    tally.shown_us.saturating_record(micros(now - struck.at));
                }
            }
            Told::Verdict { game, number, turn } => {
                let is_decided =
                    |struck: &mut Struck| struck.is(game, number) && struck.by == index;
                if let Some(struck) = self.struck.take_if(is_decided) {
                    if self.counts(struck.at) {
                        let mut tally = self.hours.tally.borrow_mut();
                        tally.verdict_us.saturating_record(micros(now - struck.at));
                    }
                    self.take(turn, now);
                }
            }
            Told::Aimed => {
                let counts = self.counts(now);
                self.hours.tally.borrow_mut().aims_seen += u64::from(counts);
            }
            Told::Refused { reason } => {
                let mut tally = self.hours.tally.borrow_mut();
                *tally.refused.entry(reason).or_default() += 1;
                // Another stroke is tried a little later.
                self.unseen = None;
                if self.struck.take().is_some() {
                    self.due = now + TRY_AGAIN;
                }
            }
            Told::Else => {}
        }
    }

    fn take(&mut self, turn: Turn, now: Instant) {
        self.ready = now + Duration::from_millis(turn.wait_ms.into());
        self.turn = Some(turn);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Between two aims.
pub(super) const AIM_EVERY: Duration = Duration::from_millis(110);
const TRY_AGAIN: Duration = Duration::from_millis(100);
/// Longer than balls run, and than a game takes to begin.
const REST_MAX: Duration = Duration::from_secs(20);
/// The shortest sleep.
const STEP: Duration = Duration::from_millis(1);
/// Shots that are kept, to be simulated alone.
const PLAYED_MAX: usize = 20_000;
/// For the verdicts that are still to come at the end.
pub(super) const LAST_VERDICTS: Duration = Duration::from_secs(2);
