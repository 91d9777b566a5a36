//! The thread: its poll, its connections, and the order of one turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mio::{Events, Interest, Poll, Token};
use tagus_base::ConnIndex;
use tagus_net::{WsOpcode, ws_frame};
use tagus_wire::realtime::error::Code;

use crate::cell::error_frame;
use crate::connection::{Arrived, CloseCode, Connection, Flushed, Stage};
use crate::encode::Lane;
use crate::inbox::{Arrival, ArrivalKind, Command, ConnRef, Delivery, Parcel, RoomCommand, Shards};
use crate::metrics::{DropReason, ShardMetrics};
use crate::reading::SCRATCH_BYTES;
use crate::room_table::{Outgoing, RoomTable};
use crate::start::Config;
use crate::upstream::{Requester, Upstream};

pub(crate) const WAKE: Token = Token(usize::MAX);

pub(crate) struct Shard {
    pub(crate) index: u16,
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
    /// Connections with more to read than one turn allows, or whose requests were held back.
    pub(crate) unread: Vec<u32>,
    commands: Vec<Command>,
    /// Everything that was read in this call; one for all connections.
    pub(crate) scratch: Vec<u8>,
    swept_at: Duration,
    pub(crate) now: Duration,
    stopping: Option<Duration>,
}

impl Shard {
    pub(crate) fn new(
        index: u16,
        poll: Poll,
        shards: Shards,
        config: Arc<Config>,
        upstream: Arc<dyn Upstream>,
        metrics: ShardMetrics,
    ) -> Self {
        let shard_count = shards.inboxes.len();
        let tick_max =
            (config.tick_ms_max > 0).then(|| Duration::from_millis(config.tick_ms_max.into()));
        let rooms = RoomTable::new(
            index,
            shard_count,
            tick_max,
            upstream.clone(),
            metrics.clone(),
        );
        Self {
            index,
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
            unread: Vec::new(),
            commands: Vec::new(),
            scratch: vec![0; SCRATCH_BYTES],
            swept_at: Duration::ZERO,
            now: Duration::ZERO,
            stopping: None,
        }
    }

    /// One turn: wait, take commands, read what is readable, run due rooms, hand over and write.
    pub(crate) fn run(mut self, origin: Instant) {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        loop {
            self.now = origin.elapsed();
            let timeout = self.timeout();
            if let Err(error) = self.poll.poll(&mut events, Some(timeout))
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "poll failed; the shard ends");
                return;
            }
            self.now = origin.elapsed();
            self.take_commands();
            for event in &events {
                if event.token() == WAKE {
                    continue;
                }
                let index = event.token().0 as u32;
                if event.is_writable() {
                    self.mark_dirty(index);
                }
                if event.is_read_closed() {
                    self.note_read_closed(index);
                }
                if event.is_readable() || event.is_read_closed() {
                    self.read(index);
                }
            }
            for index in std::mem::take(&mut self.unread) {
                self.read(index);
            }
            self.rooms.run_due(self.now, &mut self.out);
            self.hand_over();
            self.flush_dirty();
            self.sweep();
            if self.stopping.is_some_and(|deadline| {
                self.now >= deadline || self.connections.iter().all(Option::is_none)
            }) {
                return;
            }
        }
    }

    fn timeout(&self) -> Duration {
        if !self.unread.is_empty() {
            return Duration::ZERO;
        }
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
        tick.min(sweep)
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
            Command::Deliver(deliveries) => self.deliver(deliveries),
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

    fn adopt(&mut self, arrival: Arrival) {
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

    fn hand_over(&mut self) {
        for shard in 0..self.out.by_shard.len() {
            if self.out.by_shard[shard].is_empty() {
                continue;
            }
            let parcels = std::mem::take(&mut self.out.by_shard[shard]);
            if shard == usize::from(self.index) {
                self.deliver(parcels);
            } else {
                self.shards.send(shard as u16, Command::Deliver(parcels));
            }
        }
    }

    fn deliver(&mut self, deliveries: Vec<Delivery>) {
        for Delivery { to, what } in deliveries {
            match what {
                Parcel::Frame(bytes) => self.queue(to, bytes),
                Parcel::View(bytes) => self.queue_view(to, bytes),
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

    pub(crate) fn queue(&mut self, to: ConnRef, frame: Bytes) {
        let queue_bytes_max = self.config.queue_bytes_max;
        let Some(connection) = self.connection_mut(to) else {
            return;
        };
        if matches!(connection.stage, Stage::Closing { .. }) {
            return;
        }
        if connection.out_bytes() + frame.len() > queue_bytes_max {
            return self.close_slow(to);
        }
        connection.queue(frame);
        self.metrics.sent.inc();
        self.mark_dirty(to.index.0);
    }

    fn queue_view(&mut self, to: ConnRef, frame: Bytes) {
        let Some(connection) = self.connection_mut(to) else {
            return;
        };
        if connection.view_waits() || connection.open().is_none() {
            self.metrics.drops.inc(DropReason::ViewSuperseded);
            return;
        }
        connection.queue_view(frame);
        self.metrics.sent.inc();
        self.mark_dirty(to.index.0);
    }

    /// A client that does not read is told why and closed; what waited for it is forgotten.
    fn close_slow(&mut self, to: ConnRef) {
        self.metrics.drops.inc(DropReason::SlowReader);
        let Some(connection) = self.connection_mut(to) else {
            return;
        };
        connection.forget_queue();
        let text = "outgoing queue full: the client reads too slowly";
        let error = error_frame(connection.lane, String::new(), Code::RuntimeException, text);
        connection.queue(error);
        self.close(to, CloseCode::NORMAL, "outgoing queue full");
    }

    fn mark_dirty(&mut self, index: u32) {
        if let Some(Some(connection)) = self.connections.get_mut(index as usize)
            && !connection.dirty
        {
            connection.dirty = true;
            self.dirty.push(index);
        }
    }

    fn flush_dirty(&mut self) {
        let mut writes = 0;
        for index in std::mem::take(&mut self.dirty) {
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
            if self.connections[index].as_ref().is_some_and(&matches)
                && let Some(conn) = self.reference(index as u32)
            {
                let Some(connection) = self.connection_mut(conn) else {
                    continue;
                };
                let error = error_frame(
                    connection.lane,
                    String::new(),
                    Code::RuntimeException,
                    reason,
                );
                connection.queue(error);
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
        self.mark_dirty(conn.index.0);
        self.depart(conn, stage);
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
        self.depart(conn, connection.stage);
    }

    fn depart(&mut self, conn: ConnRef, stage: Stage) {
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
        };
        self.upstream.disconnected(&requester);
    }

    /// Hands a command to the room's shard, at once when it is this one.
    pub(crate) fn send_room(&mut self, id: tagus_base::RoomId, command: RoomCommand) {
        let shard = self.shards.of_room(&id);
        if shard == self.index {
            self.rooms.handle(self.now, id, command, &mut self.out);
        } else {
            self.shards.send(shard, Command::Room { id, command });
        }
    }

    fn reference(&self, index: u32) -> Option<ConnRef> {
        let connection = self.connections.get(index as usize)?.as_ref()?;
        Some(ConnRef {
            shard: self.index,
            index: ConnIndex(index),
            generation: connection.generation,
        })
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
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
