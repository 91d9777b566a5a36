//! The thread: its poll, its connections, and the order of one turn.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use tagus_base::ConnIndex;
use tagus_net::{WsOpcode, ws_frame};
use tagus_wire::realtime::error::Code;

use crate::cell::error_frame;
use crate::connection::{Arrived, CloseCode, Connection, Flushed, Stage};
use crate::encode::Lane;
use crate::inbox::{Arrival, ArrivalKind, Command, ConnRef, Delivery, Parcel, RoomCommand, Shards};
use crate::memory::Memory;
use crate::metrics::{DropReason, ShardMetrics};
use crate::reading::SCRATCH_BYTES;
use crate::room_table::{Outgoing, RoomLimits, RoomTable};
use crate::start::Config;
use crate::text_input::TextReader;
use crate::upstream::{Requester, Upstream};

pub(crate) const WAKE: Token = Token(usize::MAX);

pub(crate) struct Shard {
    pub(crate) index: u16,
    /// What times count from.
    pub(crate) origin: Instant,
    poll: Poll,
    pub(crate) shards: Shards,
    pub(crate) config: Arc<Config>,
    pub(crate) upstream: Arc<dyn Upstream>,
    pub(crate) metrics: ShardMetrics,
    pub(crate) rooms: RoomTable,
    pub(crate) out: Outgoing,
    pub(crate) connections: Vec<Option<Connection>>,
    free: Vec<u32>,
    generation: u32,
    dirty: Vec<u32>,
    /// Connections whose frames wait for company.
    pub(crate) gathering: Vec<u32>,
    /// When the first of them is to be flushed.
    pub(crate) gathered_by: Option<Duration>,
    /// Connections with more to read than one turn allows, or whose requests were held back.
    pub(crate) unread: Vec<u32>,
    commands: Vec<Command>,
    /// Everything that was read in this call; one for all connections.
    pub(crate) scratch: Vec<u8>,
    /// What clients send to rooms, until the tick that takes it.
    pub(crate) input_memory: Memory,
    pub(crate) text_reader: TextReader,
    /// Messages of clients in this turn, and frames to them.
    pub(crate) received: u64,
    sent: u64,
    swept_at: Duration,
    pub(crate) now: Duration,
    stopping: Option<Duration>,
}

impl Shard {
    pub(crate) fn new(
        (index, poll): (u16, Poll),
        origin: Instant,
        shards: Shards,
        config: Arc<Config>,
        upstream: Arc<dyn Upstream>,
        metrics: ShardMetrics,
    ) -> Self {
        let shard_count = shards.inboxes.len();
        let millis = |value: u32| Duration::from_millis(value.into());
        let limits = RoomLimits {
            tick_max: (config.tick_ms_max > 0).then(|| millis(config.tick_ms_max)),
            relayed_gather_ms: config.relayed_gather_ms,
            snapshot_lag_max: millis(config.snapshot_lag_ms_max),
        };
        let rooms = RoomTable::new(
            index,
            shard_count,
            limits,
            upstream.clone(),
            metrics.clone(),
        );
        Self {
            index,
            origin,
            poll,
            shards,
            config,
            upstream,
            metrics,
            rooms,
            out: Outgoing::new(shard_count),
            connections: Vec::new(),
            free: Vec::new(),
            generation: 0,
            dirty: Vec::new(),
            gathering: Vec::new(),
            gathered_by: None,
            unread: Vec::new(),
            commands: Vec::new(),
            scratch: vec![0; SCRATCH_BYTES],
            text_reader: TextReader::default(),
            input_memory: Memory::new(INPUT_PIECE_BYTES, INPUT_SHARING_BYTES_MAX),
            received: 0,
            sent: 0,
            swept_at: Duration::ZERO,
            now: Duration::ZERO,
            stopping: None,
        }
    }

    /// Turn after turn: wait, take commands, read what is readable, run due rooms, hand over and write.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        while self.turn(&mut events) {}
    }

    /// False when it was the last one.
    pub(crate) fn turn(&mut self, events: &mut Events) -> bool {
        self.now = self.origin.elapsed();
        let timeout = self.timeout();
        if let Err(error) = self.poll.poll(events, Some(timeout))
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            tracing::error!(%error, "poll failed; the shard ends");
            return false;
        }
        self.now = self.origin.elapsed();
        self.take_commands();
        for (number, event) in events.iter().enumerate() {
            if number % EVENTS_BETWEEN_TICKS == EVENTS_BETWEEN_TICKS - 1 {
                self.send_commands();
                self.run_due();
            }
            self.handle_event(event);
        }
        for index in std::mem::take(&mut self.unread) {
            self.read(index);
        }
        self.send_commands();
        self.run_due();
        self.hand_over();
        self.send_views();
        self.hand_over();
        self.flush_gathered();
        self.flush_dirty();
        self.sweep();
        self.send_commands();
        !self.stopping.is_some_and(|deadline| {
            self.now >= deadline || self.connections.iter().all(Option::is_none)
        })
    }

    fn handle_event(&mut self, event: &Event) {
        if event.token() == WAKE {
            return;
        }
        let index = event.token().0 as u32;
        if event.is_writable()
            && let Some(Some(connection)) = self.connections.get(index as usize)
            && connection.lacks_room()
        {
            self.mark_dirty(index);
        }
        if event.is_read_closed() {
            self.note_read_closed(index);
        }
        if event.is_readable() || event.is_read_closed() {
            self.read(index);
        }
    }

    fn run_due(&mut self) {
        self.now = self.origin.elapsed();
        self.rooms.run_due(self.now, &mut self.out);
    }

    pub(crate) fn timeout(&self) -> Duration {
        let is_idle = self.unread.is_empty()
            && self.dirty.is_empty()
            && self.rooms.viewing.is_empty()
            && self.out.by_shard.iter().all(Vec::is_empty);
        if !is_idle {
            return Duration::ZERO;
        }
        let gathered = self
            .gathered_by
            .map_or(Duration::MAX, |by| by.saturating_sub(self.now));
        let tick = self
            .rooms
            .next_due()
            .map_or(Duration::MAX, |due| due.saturating_sub(self.now));
        let idle = self.connections.len() == self.free.len();
        let sweep = if idle {
            Duration::from_secs(60)
        } else {
            SWEEP_INTERVAL
        };
        let sweep = if self.stopping.is_some() {
            Duration::from_millis(20)
        } else {
            sweep
        };
        tick.min(sweep).min(gathered)
    }

    fn take_commands(&mut self) {
        let mut commands = std::mem::take(&mut self.commands);
        self.shards.inboxes[usize::from(self.index)].take(&mut commands);
        for command in commands.drain(..) {
            self.run_command(command);
        }
        self.commands = commands;
    }

    fn run_command(&mut self, command: Command) {
        match command {
            Command::Adopt(arrival) => self.adopt(*arrival),
            Command::Answer { to, envelope } => {
                self.queue_envelope(to, &envelope);
                self.asked(to);
            }
            Command::Resume { to, envelope } => {
                self.route(to, envelope);
                self.asked(to);
            }
            Command::Refuse { to, envelope } => {
                self.queue_envelope(to, &envelope);
                self.close(to, CloseCode::NORMAL, "error processing message");
            }
            Command::Push { to, envelope } => self.push(&to, envelope),
            Command::Close { to, reason } => self.close(to, CloseCode::NORMAL, reason),
            Command::CloseToken { token_id, reason } => {
                self.close_where(reason, |connection| {
                    connection
                        .open()
                        .is_some_and(|open| open.identity.token_id == token_id)
                });
            }
            Command::CloseUser { user_id, reason } => {
                self.close_where(reason, |connection| {
                    connection
                        .open()
                        .is_some_and(|open| open.identity.user_id == user_id)
                });
            }
            Command::Room { id, command } => {
                self.rooms.handle(self.now, id, command, &mut self.out)
            }
            Command::Rooms(commands) => {
                for (id, command) in commands {
                    self.rooms.handle(self.now, id, command, &mut self.out);
                }
            }
            Command::Deliver(mut deliveries) => self.deliver(&mut deliveries),
            Command::Views(views) => self.take_views(&views),
            Command::Terminate { grace } => self.rooms.terminate(self.now, grace, &mut self.out),
            Command::Stop => {
                self.stopping = Some(self.now + self.config.close_linger);
                for index in 0..self.connections.len() {
                    if let Some(conn) = self.reference(index as u32) {
                        self.close(conn, CloseCode::GOING_AWAY, "the server stops");
                    }
                }
            }
        }
    }

    pub(crate) fn adopt(&mut self, arrival: Arrival) {
        if self.stopping.is_some() {
            return;
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            (self.connections.len() - 1) as u32
        });
        self.generation = self.generation.wrapping_add(1);
        let Arrival {
            mut socket,
            address,
            leftover,
            kind,
            permit,
        } = arrival;
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = socket.register(self.poll.registry(), Token(index as usize), interest) {
            tracing::warn!(%error, "register a socket");
            self.free.push(index);
            return;
        }
        if self.config.unsent_bytes_max > 0
            && let Err(error) = socket.limit_unsent(self.config.unsent_bytes_max)
        {
            tracing::debug!(%error, "limit what a socket holds unsent");
        }
        let (lane, identity) = match kind {
            ArrivalKind::WebSocket {
                identity,
                format,
                ext,
            } => (Lane::web_socket(format, ext), Some(identity)),
            ArrivalKind::Tcp => (Lane::Tcp { ext: false }, None),
        };
        let stage = Stage::Hello {
            deadline: self.now + self.config.hello_timeout,
        };
        let mut connection = Connection::new(
            Arrived {
                socket,
                address,
                permit,
            },
            lane,
            stage,
            self.generation,
            self.now,
        );
        connection.partial = leftover.into();
        self.connections[index as usize] = Some(connection);
        self.metrics.connections.inc();
        if let Some(identity) = identity
            && let Some(conn) = self.reference(index)
        {
            self.admit(conn, identity);
        }
        self.read(index);
    }

    /// Hands what was said to rooms of other shards over, as one batch each.
    fn send_commands(&mut self) {
        for (shard, commands) in self.out.commands.iter_mut().enumerate() {
            if !commands.is_empty() {
                let commands = Command::Rooms(std::mem::take(commands));
                self.shards.send(shard as u16, commands);
            }
        }
    }

    fn hand_over(&mut self) {
        self.send_commands();
        for shard in 0..self.out.by_shard.len() {
            if self.out.by_shard[shard].is_empty() {
                continue;
            }
            let mut parcels = std::mem::take(&mut self.out.by_shard[shard]);
            if shard != usize::from(self.index) {
                self.shards.send(shard as u16, Command::Deliver(parcels));
                continue;
            }
            self.deliver(&mut parcels);
            // What was delivered may have made more: that is delivered in the next turn, at once.
            if self.out.by_shard[shard].is_empty() && parcels.capacity() <= PARCELS_KEPT_MAX {
                self.out.by_shard[shard] = parcels;
            }
        }
        for shard in 0..self.out.views.len() {
            if self.out.views[shard].is_empty() {
                continue;
            }
            let views = std::mem::take(&mut self.out.views[shard]);
            self.shards.send(shard as u16, Command::Views(views));
        }
    }

    fn deliver(&mut self, deliveries: &mut Vec<Delivery>) {
        for Delivery { to, what } in deliveries.drain(..) {
            match what {
                Parcel::Frame(bytes) => self.queue(to, bytes),
                Parcel::Gathered { frame, wait_ms } => self.gather(to, frame, wait_ms),
                Parcel::Entered { room, number, seat } => {
                    if !self.entered(to, room, number, seat) {
                        let command = RoomCommand::Gone { from: to, seat };
                        self.send_room(room, command);
                    }
                }
                Parcel::Out { room, reason } => {
                    tracing::debug!(%room, ?reason, "seat gone");
                    if let Some(open) = self.connection_mut(to).and_then(Connection::open_mut) {
                        open.seats.retain(|seated| seated.room != room);
                    }
                }
            }
        }
    }

    /// Queues a frame to be written in this turn.
    pub(crate) fn queue(&mut self, to: ConnRef, frame: Bytes) {
        if self.put(to, frame).is_some() {
            self.mark_dirty(to.index.0);
        }
    }

    /// Puts a frame into the queue of its connection, if that takes it.
    pub(crate) fn put(&mut self, to: ConnRef, frame: Bytes) -> Option<&mut Connection> {
        let queue_bytes_max = self.config.queue_bytes_max;
        let connection = self.connection_mut(to)?;
        if matches!(connection.stage, Stage::Closing { .. }) {
            return None;
        }
        if connection.out_bytes() + frame.len() > queue_bytes_max {
            self.close_slow(to);
            return None;
        }
        connection.queue(frame);
        self.sent += 1;
        self.connection_mut(to)
    }

    /// A client that does not read is told why and closed; what waited for it is forgotten.
    fn close_slow(&mut self, to: ConnRef) {
        self.metrics.drops.inc(DropReason::SlowReader);
        let Some(lane) = self.connection(to).map(|connection| connection.lane) else {
            return;
        };
        let text = "outgoing queue full: the client reads too slowly";
        let error = error_frame(
            &mut self.out.frames,
            lane,
            String::new(),
            Code::RuntimeException,
            text,
        );
        if let Some(connection) = self.connection_mut(to) {
            connection.forget_queue();
            connection.queue(error);
        }
        self.close(to, CloseCode::NORMAL, "outgoing queue full");
    }

    pub(crate) fn mark_dirty(&mut self, index: u32) {
        if let Some(Some(connection)) = self.connections.get_mut(index as usize)
            && !connection.dirty
        {
            connection.dirty = true;
            self.dirty.push(index);
        }
    }

    pub(crate) fn flush_dirty(&mut self) {
        self.metrics
            .received
            .inc_by(std::mem::take(&mut self.received));
        self.metrics.sent.inc_by(std::mem::take(&mut self.sent));
        let mut writes = 0;
        let mut dirty = std::mem::take(&mut self.dirty);
        for index in dirty.drain(..) {
            let Some(Some(connection)) = self.connections.get_mut(index as usize) else {
                continue;
            };
            connection.dirty = false;
            match connection.flush(&mut writes) {
                Flushed::All if matches!(connection.stage, Stage::Closing { .. }) => {
                    connection.socket.shutdown_write()
                }
                Flushed::All | Flushed::Blocked => {}
                Flushed::Broken => self.drop_connection(index),
            }
        }
        self.dirty = dirty;
        self.metrics.writes.inc_by(writes);
        // A dropped connection may have freed seats of rooms on this shard.
        if self.out.by_shard.iter().any(|list| !list.is_empty()) {
            self.hand_over();
        }
    }

    /// Once a second: deadlines of hellos and goodbyes, pings, and the silent.
    fn sweep(&mut self) {
        if self.now < self.swept_at + SWEEP_INTERVAL && self.stopping.is_none() {
            return;
        }
        self.swept_at = self.now;
        for index in 0..self.connections.len() {
            let Some(connection) = &mut self.connections[index] else {
                continue;
            };
            let silent = self.now.saturating_sub(connection.heard_at);
            let over = match connection.stage {
                Stage::Hello { deadline } | Stage::Closing { deadline } => self.now >= deadline,
                Stage::Open(_) => silent >= self.config.pong_wait,
            };
            if over {
                self.drop_connection(index as u32);
                continue;
            }
            let quiet = self
                .now
                .saturating_sub(connection.pinged_at.max(connection.heard_at));
            if matches!(connection.stage, Stage::Open(_)) && quiet >= self.config.ping_interval {
                connection.pinged_at = self.now;
                if !matches!(connection.lane, Lane::Tcp { .. }) {
                    connection.queue(ws_frame(WsOpcode::Ping, &[]));
                    self.mark_dirty(index as u32);
                }
            }
        }
    }

    fn close_where(&mut self, reason: &'static str, matches: impl Fn(&Connection) -> bool) {
        for index in 0..self.connections.len() {
            let Some(connection) = self.connections[index].as_mut().filter(|one| matches(one))
            else {
                continue;
            };
            let error = error_frame(
                &mut self.out.frames,
                connection.lane,
                String::new(),
                Code::RuntimeException,
                reason,
            );
            connection.queue(error);
            if let Some(conn) = self.reference(index as u32) {
                self.close(conn, CloseCode::NORMAL, reason);
            }
        }
    }

    /// Says goodbye after what is queued, frees the seats, and stops listening.
    pub(crate) fn close(&mut self, conn: ConnRef, code: CloseCode, reason: &str) {
        let deadline = self.now + self.config.close_linger;
        let Some(connection) = self.connection_mut(conn) else {
            return;
        };
        if matches!(connection.stage, Stage::Closing { .. }) {
            return;
        }
        connection.queue_close(code, reason);
        let stage = std::mem::replace(&mut connection.stage, Stage::Closing { deadline });
        connection.partial = Vec::new();
        let address = connection.address;
        self.mark_dirty(conn.index.0);
        self.depart(conn, address, stage);
    }

    pub(crate) fn drop_connection(&mut self, index: u32) {
        let Some(conn) = self.reference(index) else {
            return;
        };
        let Some(mut connection) = self.connections[index as usize].take() else {
            return;
        };
        if let Err(error) = connection.socket.deregister(self.poll.registry()) {
            tracing::debug!(%error, "deregister a socket");
        }
        self.free.push(index);
        self.metrics.connections.dec();
        self.depart(conn, connection.address, connection.stage);
    }

    fn depart(&mut self, conn: ConnRef, address: IpAddr, stage: Stage) {
        let Stage::Open(open) = stage else { return };
        for seated in &open.seats {
            self.send_room(
                seated.room,
                RoomCommand::Gone {
                    from: conn,
                    seat: seated.seat,
                },
            );
        }
        let requester = Requester {
            conn,
            session_id: open.session_id,
            identity: open.identity,
            address,
        };
        self.upstream.disconnected(&requester);
    }

    /// Hands a command to the room's shard: at once when it is this one, else with what follows in this turn.
    pub(crate) fn send_room(&mut self, id: tagus_base::RoomId, command: RoomCommand) {
        let shard = self.shards.of_room(&id);
        if shard == self.index {
            self.rooms.handle(self.now, id, command, &mut self.out);
        } else {
            self.out.commands[usize::from(shard)].push((id, command));
        }
    }

    pub(crate) fn reference(&self, index: u32) -> Option<ConnRef> {
        let connection = self.connections.get(index as usize)?.as_ref()?;
        Some(ConnRef {
            shard: self.index,
            index: ConnIndex(index),
            generation: connection.generation,
        })
    }

    pub(crate) fn connection(&self, conn: ConnRef) -> Option<&Connection> {
        let connection = self.connections.get(conn.index.0 as usize)?.as_ref()?;
        (connection.generation == conn.generation).then_some(connection)
    }

    pub(crate) fn connection_mut(&mut self, conn: ConnRef) -> Option<&mut Connection> {
        let connection = self.connections.get_mut(conn.index.0 as usize)?.as_mut()?;
        (connection.generation == conn.generation).then_some(connection)
    }

    pub(crate) fn connection_at(&mut self, index: u32) -> Option<(ConnRef, &mut Connection)> {
        let conn = self.reference(index)?;
        Some((conn, self.connections[index as usize].as_mut()?))
    }
}

const EVENTS_PER_TURN: usize = 1_024;
/// A game that keeps what it was sent keeps the piece around it, hence pieces are small.
const INPUT_PIECE_BYTES: usize = 4_096;
const INPUT_SHARING_BYTES_MAX: usize = 1_024;
/// Sockets that are read between two looks for a tick that is due.
const EVENTS_BETWEEN_TICKS: usize = 64;
/// Room for parcels of this shard to itself that is kept for the next turn.
const PARCELS_KEPT_MAX: usize = 16_384;
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use tagus_base::RoomId;

    use super::*;
    use crate::testing::first_of;

    #[test]
    fn what_a_turn_says_to_rooms_of_another_shard_is_one_command() {
        let mut shard = first_of(2);
        let mut rooms = (0..).map(|byte| RoomId {
            uuid: tagus_base::Uuid([byte; 16]),
            home: None,
        });
        let far = rooms.find(|id| shard.shards.of_room(id) == 1).unwrap();
        let mut events = Events::with_capacity(1);
        for seat in 0..3 {
            shard.send_room(
                far,
                RoomCommand::Computed {
                    token: seat,
                    data: Bytes::new(),
                },
            );
        }
        shard.now = shard.origin.elapsed();
        shard.swept_at = shard.now;
        shard.send_commands();
        assert!(shard.out.commands.iter().all(Vec::is_empty));
        // Said while connections are closed, after everything was handed over.
        shard.stopping = Some(Duration::MAX);
        shard.send_room(far, RoomCommand::Close);
        assert!(!shard.turn(&mut events), "nobody is connected");
        let mut commands = Vec::new();
        shard.shards.inboxes[1].take(&mut commands);
        let batches: Vec<Vec<u64>> = commands
            .into_iter()
            .map(|command| match command {
                Command::Rooms(batch) => {
                    assert!(batch.iter().all(|(id, _)| *id == far));
                    let tokens = batch.into_iter().map(|(_, command)| match command {
                        RoomCommand::Computed { token, .. } => token,
                        _ => 99,
                    });
                    tokens.collect()
                }
                _ => panic!("not a batch"),
            })
            .collect();
        assert_eq!(batches, [vec![0, 1, 2], vec![99]]);
    }
}
