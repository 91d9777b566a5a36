//! One room as its shard keeps it: who sits where, how they want their frames, and what they are told.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tagus_base::{RoomId, SeatIndex};
use tagus_room::{Class, Host, LeaveReason, Person, Relay, To};
use tagus_wire::ext::RoomData;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{
    Envelope, Match, MatchData, MatchPresenceEvent, UserPresence, error::Code,
};

use crate::encode::{Frames, Lane, Shared, class_number};
use crate::inbox::{ConnRef, JoinRequest, Parcel};
use crate::lag::Lag;
use crate::room_table::Outgoing;
use crate::upstream::RoomSummary;
use crate::views::{Round, ViewGate};

pub(crate) struct Cell {
    pub(crate) id: RoomId,
    pub(crate) text: String,
    pub(crate) number: u32,
    pub(crate) name: Arc<str>,
    pub(crate) game: Arc<str>,
    pub(crate) seed: u64,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) due: Option<Duration>,
    /// When the log last said that the room's ticks take too long.
    pub(crate) overrun_told: Option<Duration>,
    /// The house was told that the room looks for people.
    pub(crate) seeks: bool,
    /// By seat index.
    pub(crate) members: Vec<Option<Member>>,
    /// How far it is with the views of its last tick.
    pub(crate) round: Round,
    /// Time that what it sends may wait for company; 0: none.
    pub(crate) gather_ms: u16,
    pub(crate) rules: Rules,
}

pub(crate) enum Rules {
    Relayed(Relay),
    Hosted(Box<Host>),
}

pub(crate) struct Member {
    /// None while the seat is held for a connection that was lost.
    pub(crate) conn: Option<ConnRef>,
    pub(crate) lane: Lane,
    pub(crate) gate: ViewGate,
    /// The room's last tick when the connection took the seat: it sees the next one.
    pub(crate) since: u64,
    pub(crate) lag: Lag,
    pub(crate) person: Person,
    pub(crate) presence: UserPresence,
}

/// What a game sends.
pub(crate) struct GameData {
    pub(crate) op: i64,
    pub(crate) class: Class,
    /// The seat it is shown to come from; none: the room itself.
    pub(crate) sender: Option<SeatIndex>,
    pub(crate) bytes: Bytes,
}

impl Cell {
    pub(crate) fn relayed(id: RoomId, number: u32, gather_ms: u16) -> Self {
        Self {
            id,
            text: id.to_string(),
            number,
            name: Arc::from(""),
            game: Arc::from(""),
            seed: 0,
            label: None,
            due: None,
            overrun_told: None,
            seeks: false,
            members: Vec::new(),
            round: Round::default(),
            gather_ms,
            rules: Rules::Relayed(Relay::new()),
        }
    }

    pub(crate) fn tick_number(&self) -> Option<u64> {
        match &self.rules {
            Rules::Hosted(host) => Some(host.tick_number().0),
            Rules::Relayed(_) => None,
        }
    }

    /// When the next tick is due on the room's beat.
    pub(crate) fn next_beat(&self) -> Option<Duration> {
        match &self.rules {
            Rules::Hosted(host) => host.next_beat(),
            Rules::Relayed(_) => None,
        }
    }

    pub(crate) fn recording(&self) -> Option<Vec<u8>> {
        match &self.rules {
            Rules::Hosted(host) => Some(host.recording()?.to_bytes(&self.game)),
            Rules::Relayed(_) => None,
        }
    }

    pub(crate) fn summary(&self) -> RoomSummary {
        let (reserved, seats_max, tick_rate_hz) = match &self.rules {
            Rules::Hosted(host) => (
                u32::from(host.reserved()),
                u32::from(host.settings().seats_max),
                host.settings().tick_rate_hz,
            ),
            Rules::Relayed(_) => (0, u32::from(tagus_room::SEATS_MAX), 0),
        };
        RoomSummary {
            id: self.id,
            name: self.name.clone(),
            game: self.game.clone(),
            label: self.label.clone(),
            size: self.size(),
            reserved,
            seats_max,
            tick_rate_hz,
        }
    }

    pub(crate) fn size(&self) -> u32 {
        self.members.iter().flatten().count() as u32
    }

    pub(crate) fn member(&self, seat: SeatIndex) -> Option<&Member> {
        self.members
            .get(usize::from(seat.0))
            .and_then(Option::as_ref)
    }

    pub(crate) fn take_member(&mut self, seat: SeatIndex) -> Option<Member> {
        self.members
            .get_mut(usize::from(seat.0))
            .and_then(Option::take)
    }

    /// Puts the newcomer on the seat; a seat that had somebody keeps its public presence.
    pub(crate) fn seat_member(&mut self, seat: SeatIndex, request: &JoinRequest) {
        let index = usize::from(seat.0);
        let since = self.tick_number().unwrap_or_default();
        if self.members.len() <= index {
            self.round.grow(index + 1 - self.members.len());
            self.members.resize_with(index + 1, || None);
        }
        let slot = &mut self.members[index];
        if let Some(member) = slot {
            member.lane = request.lane;
            member.gate = request.gate.clone();
            member.conn = Some(request.from);
            member.since = since;
            member.lag = Lag::default();
            return;
        }
        let (person, presence) = (request.person.clone(), presence_of(&request.person));
        *slot = Some(Member {
            conn: Some(request.from),
            lane: request.lane,
            gate: request.gate.clone(),
            since,
            lag: Lag::default(),
            person,
            presence,
        });
    }

    pub(crate) fn answer_join(&self, seat: SeatIndex, request: &JoinRequest, out: &mut Outgoing) {
        out.send(
            request.from,
            Parcel::Entered {
                room: self.id,
                number: self.number,
                seat,
            },
        );
        let own = usize::from(seat.0);
        let others = self
            .members
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != own && self.tells_of_members());
        let answer = Match {
            match_id: self.text.clone(),
            authoritative: matches!(self.rules, Rules::Hosted(_)),
            label: self.label.as_ref().map(|label| label.to_string()),
            size: i32::try_from(self.size()).unwrap_or(i32::MAX),
            presences: others
                .filter_map(|(_, slot)| slot.as_ref())
                .map(|m| m.presence.clone())
                .collect(),
            self_: Some(member_presence(&self.members, seat)),
        };
        let envelope = Envelope {
            cid: request.cid.clone(),
            message: Some(Message::Match(answer)),
        };
        let answer = out.frames.frame(request.lane, &envelope);
        out.send(request.from, Parcel::Frame(answer));
        if request.lane.ext() {
            let number = tagus_wire::ext::RoomNumber {
                match_id: self.text.clone(),
                room: self.number,
            };
            let envelope = push(Message::RoomNumber(number));
            let number = out.frames.frame(request.lane, &envelope);
            out.send(request.from, Parcel::Frame(number));
        }
    }

    /// Whether members are told of each other.
    fn tells_of_members(&self) -> bool {
        match &self.rules {
            Rules::Hosted(host) => host.settings().presences,
            Rules::Relayed(_) => true,
        }
    }

    /// Tells everybody in the room who came and who went, if they are told at all.
    pub(crate) fn announce(
        &self,
        joins: &[SeatIndex],
        leaves: &[UserPresence],
        out: &mut Outgoing,
    ) {
        if !self.tells_of_members() {
            return;
        }
        let event = MatchPresenceEvent {
            match_id: self.text.clone(),
            joins: joins
                .iter()
                .map(|seat| member_presence(&self.members, *seat))
                .collect(),
            leaves: leaves.to_vec(),
        };
        let mut shared = Shared::new(push(Message::MatchPresenceEvent(event)));
        for index in 0..self.members.len() {
            self.deliver(SeatIndex(index as u16), &mut shared, out);
        }
    }

    pub(crate) fn announce_gone(&self, member: &Member, out: &mut Outgoing) {
        self.announce(&[], std::slice::from_ref(&member.presence), out);
    }

    /// Tells a connection that its seat is gone: its own leave, then nothing more of this room.
    pub(crate) fn tell_gone(
        &self,
        conn: ConnRef,
        member: &Member,
        reason: LeaveReason,
        out: &mut Outgoing,
    ) {
        let event = MatchPresenceEvent {
            match_id: self.text.clone(),
            joins: Vec::new(),
            leaves: vec![member.presence.clone()],
        };
        let envelope = push(Message::MatchPresenceEvent(event));
        let gone = out.frames.frame(member.lane, &envelope);
        out.send(conn, Parcel::Frame(gone));
        out.send(
            conn,
            Parcel::Out {
                room: self.id,
                reason,
            },
        );
    }

    pub(crate) fn tell_out(
        &self,
        conn: ConnRef,
        seat: SeatIndex,
        reason: LeaveReason,
        out: &mut Outgoing,
    ) {
        if let Some(member) = self.member(seat) {
            self.tell_gone(conn, member, reason, out);
        }
    }

    pub(crate) fn deliver(&self, seat: SeatIndex, shared: &mut Shared, out: &mut Outgoing) {
        if let Some(Member {
            conn: Some(conn),
            lane,
            ..
        }) = self.member(seat)
        {
            let frame = shared.frame(*lane, &mut out.frames);
            let parcel = match self.gather_ms {
                0 => Parcel::Frame(frame),
                wait_ms => Parcel::Gathered { frame, wait_ms },
            };
            out.send(*conn, parcel);
        }
    }

    /// A game's message: to clients with extensions without the textual match id, and with its class.
    pub(crate) fn send(&mut self, to: &To, data: GameData, out: &mut Outgoing) {
        let GameData {
            op,
            class,
            sender,
            bytes,
        } = data;
        let is_short = |member: &Member| member.lane.ext() && sender.is_none();
        let mut long = self.lend(op, sender, bytes, true);
        self.deliver_to(to, |member| !is_short(member), &mut long, out);
        let bytes = self.take_back(long, sender);
        let mut short = Shared::new(room_data(self.number, op, class, bytes));
        self.deliver_to(to, is_short, &mut short, out);
    }

    fn deliver_to(
        &self,
        to: &To,
        is_meant: impl Fn(&Member) -> bool,
        shared: &mut Shared,
        out: &mut Outgoing,
    ) {
        let each = |seat: SeatIndex| {
            if self.member(seat).is_some_and(&is_meant) {
                self.deliver(seat, shared, out);
            }
        };
        let all = (0..self.members.len()).map(|index| SeatIndex(index as u16));
        match to {
            To::All => all.for_each(each),
            To::AllBut(but) => all.filter(|seat| seat != but).for_each(each),
            To::One(seat) => [*seat].into_iter().for_each(each),
            To::Seats(seats) => seats.iter().copied().for_each(each),
        }
    }

    /// A message that is shown to come from `sender`, or from the room. The texts in it are the cell's own, which spares
    /// copies: [`Self::take_back`] must follow.
    pub(crate) fn lend(
        &mut self,
        op: i64,
        sender: Option<SeatIndex>,
        data: Bytes,
        reliable: bool,
    ) -> Shared {
        let member = sender.and_then(|seat| self.members.get_mut(usize::from(seat.0))?.as_mut());
        let presence = member.map(|member| std::mem::take(&mut member.presence));
        let match_id = std::mem::take(&mut self.text);
        Shared::new(match_data(match_id, presence, op, data, reliable))
    }

    /// Ends [`Self::lend`] with the same sender; answers the data.
    pub(crate) fn take_back(&mut self, lent: Shared, sender: Option<SeatIndex>) -> Bytes {
        let Some(Message::MatchData(lent)) = lent.into_message() else {
            unreachable!("data was lent");
        };
        self.text = lent.match_id;
        let member = sender.and_then(|seat| self.members.get_mut(usize::from(seat.0))?.as_mut());
        if let (Some(member), Some(presence)) = (member, lent.presence) {
            member.presence = presence;
        }
        lent.data
    }
}

/// The room's own message, to clients with extensions.
pub(crate) fn room_data(number: u32, op: i64, class: Class, data: Bytes) -> Envelope {
    push(Message::RoomData(RoomData {
        room: number,
        op_code: op,
        data,
        class: class_number(class),
        applied_tick: 0,
    }))
}

/// A room's message, or one that is shown to come from somebody.
pub(crate) const fn match_data(
    match_id: String,
    presence: Option<UserPresence>,
    op: i64,
    data: Bytes,
    reliable: bool,
) -> Envelope {
    push(Message::MatchData(MatchData {
        match_id,
        presence,
        op_code: op,
        data,
        reliable,
    }))
}

fn presence_of(person: &Person) -> UserPresence {
    UserPresence {
        user_id: person.user_id.to_string(),
        session_id: person.session_id.to_string(),
        username: person.username.to_string(),
        ..UserPresence::default()
    }
}

pub(crate) fn member_presence(members: &[Option<Member>], seat: SeatIndex) -> UserPresence {
    members
        .get(usize::from(seat.0))
        .and_then(Option::as_ref)
        .map(|member| member.presence.clone())
        .unwrap_or_default()
}

/// A message that is nobody's answer.
pub(crate) const fn push(message: Message) -> Envelope {
    Envelope {
        cid: String::new(),
        message: Some(message),
    }
}

/// The protocol's error, as the answer to `cid`, or to nobody when that is empty.
#[must_use]
pub fn error_envelope(cid: String, code: Code, message: &str) -> Envelope {
    let error = tagus_wire::realtime::Error {
        code: code as i32,
        message: message.to_owned(),
        ..Default::default()
    };
    Envelope {
        cid,
        message: Some(Message::Error(error)),
    }
}

pub(crate) fn error_frame(
    frames: &mut Frames,
    lane: Lane,
    cid: String,
    code: Code,
    message: &str,
) -> Bytes {
    frames.frame(lane, &error_envelope(cid, code, message))
}
