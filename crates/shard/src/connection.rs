//! One connection: its socket, what waits to be written, and where it sits.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tagus_base::{RoomId, SeatIndex, SessionId};
use tagus_net::{Permit, Socket, WsDecoder, ws_close};
use tagus_wire::realtime::Envelope;

use crate::encode::{FRAME_SHARING_BYTES_MAX, Lane};
use crate::memory::Memory;
use crate::upstream::Identity;
use crate::views::ViewGate;

/// WebSocket close codes that a shard sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// Normal closure, as the old protocol uses it for all its refusals.
    pub const NORMAL: Self = Self(1000);
    /// The server stops.
    pub const GOING_AWAY: Self = Self(1001);
}

/// How far a connection has come.
pub(crate) enum Stage {
    /// A TCP connection whose hello is still to come.
    Hello { deadline: Duration },
    /// Admitted.
    Open(Open),
    /// What is queued is written, then the socket closes; nothing is read any more.
    Closing { deadline: Duration },
}

/// What an admitted connection has.
pub(crate) struct Open {
    pub(crate) session_id: SessionId,
    pub(crate) identity: Arc<Identity>,
    /// A request was handed up and is not answered yet.
    pub(crate) asking: bool,
    /// Requests that wait for it, oldest first, at most [`REQUESTS_MAX`].
    pub(crate) waiting: VecDeque<Envelope>,
    pub(crate) seats: Vec<Seated>,
}

/// A seat that a connection has in a room.
pub(crate) struct Seated {
    pub(crate) room: RoomId,
    pub(crate) number: u32,
    pub(crate) seat: SeatIndex,
}

pub(crate) struct Connection {
    pub(crate) socket: Socket,
    pub(crate) address: IpAddr,
    pub(crate) lane: Lane,
    pub(crate) decoder: WsDecoder,
    pub(crate) stage: Stage,
    pub(crate) generation: u32,
    /// The beginning of a frame whose rest has not arrived; unallocated when there is none.
    pub(crate) partial: Vec<u8>,
    out: VecDeque<Bytes>,
    /// Bytes of the front of `out` that are already written.
    out_written: usize,
    out_bytes: usize,
    /// Frames at the front of `out` that share no piece of memory with others.
    out_own: usize,
    pub(crate) gate: ViewGate,
    /// The socket does not take what waits, as the gate says too.
    is_blocked: bool,
    /// When the queue is to be flushed at the latest; none: with the turn in which something is queued.
    pub(crate) flush_by: Option<Duration>,
    /// In the list of those to be flushed in this turn.
    pub(crate) dirty: bool,
    /// The socket may have more to read than was read in this turn.
    pub(crate) unread: bool,
    /// The peer ended its half: what can still be read is all there is.
    pub(crate) read_closed: bool,
    pub(crate) heard_at: Duration,
    pub(crate) pinged_at: Duration,
    _permit: Permit,
}

/// What a connection is made of.
pub(crate) struct Arrived {
    pub(crate) socket: Socket,
    pub(crate) address: IpAddr,
    pub(crate) permit: Permit,
}

/// What became of a flush.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flushed {
    /// Nothing waits any more.
    All,
    /// The socket is full; its next writable event continues.
    Blocked,
    /// The socket is broken.
    Broken,
}

impl Connection {
    pub(crate) fn new(
        arrived: Arrived,
        lane: Lane,
        stage: Stage,
        generation: u32,
        now: Duration,
    ) -> Self {
        let Arrived {
            socket,
            address,
            permit,
        } = arrived;
        Self {
            socket,
            address,
            lane,
            decoder: WsDecoder::new(),
            stage,
            generation,
            partial: Vec::new(),
            out: VecDeque::new(),
            out_written: 0,
            out_bytes: 0,
            out_own: 0,
            gate: ViewGate::default(),
            is_blocked: false,
            flush_by: None,
            dirty: false,
            unread: false,
            read_closed: false,
            heard_at: now,
            pinged_at: now,
            _permit: permit,
        }
    }

    pub(crate) const fn open(&self) -> Option<&Open> {
        match &self.stage {
            Stage::Open(open) => Some(open),
            Stage::Hello { .. } | Stage::Closing { .. } => None,
        }
    }

    pub(crate) const fn open_mut(&mut self) -> Option<&mut Open> {
        match &mut self.stage {
            Stage::Open(open) => Some(open),
            Stage::Hello { .. } | Stage::Closing { .. } => None,
        }
    }

    /// Does anything wait for the socket to become writable?
    pub(crate) fn lacks_room(&self) -> bool {
        self.is_blocked || !self.out.is_empty()
    }

    /// Bytes that wait to be written.
    pub(crate) const fn out_bytes(&self) -> usize {
        self.out_bytes
    }

    pub(crate) fn queue(&mut self, frame: Bytes) {
        self.out_bytes += frame.len();
        self.out.push_back(frame);
    }

    /// Writes a view past the queue if nothing is in it; else, or what the socket does not take of it, waits.
    /// None: the queue is to be flushed.
    pub(crate) fn write_view(
        &mut self,
        frame: &[u8],
        memory: &mut Memory,
        writes: &mut u64,
    ) -> Option<Flushed> {
        if !self.out.is_empty() {
            self.queue(memory.keep(frame));
            return None;
        }
        *writes += 1;
        let written = match self.socket.write_vectored(&[IoSlice::new(frame)]) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => return Some(Flushed::Broken),
        };
        if written < frame.len() {
            // The frame has begun, so the rest must follow.
            self.queue(memory.keep(&frame[written..]));
            return Some(self.note(Flushed::Blocked));
        }
        let flushed = self.flush_socket();
        Some(self.note(flushed))
    }

    /// Forgets what waits, but for a frame that is partly written: the stream must stay well-formed.
    pub(crate) fn forget_queue(&mut self) {
        let keep = usize::from(self.out_written > 0);
        self.out.truncate(keep);
        self.out_own = self.out_own.min(keep);
        self.out_bytes = self.out.iter().map(Bytes::len).sum::<usize>() - self.out_written;
    }

    /// Queues the transport's own goodbye, if it has one.
    pub(crate) fn queue_close(&mut self, code: CloseCode, reason: &str) {
        match self.lane {
            Lane::WsJson { .. } | Lane::WsProtobuf { .. } => self.queue(ws_close(code.0, reason)),
            Lane::Tcp { .. } => {}
        }
    }

    /// Writes what waits, as far as the socket takes it. Counts system calls into `writes`.
    pub(crate) fn flush(&mut self, writes: &mut u64) -> Flushed {
        let flushed = self.flush_queue(writes);
        self.note(flushed)
    }

    fn flush_queue(&mut self, writes: &mut u64) -> Flushed {
        while !self.out.is_empty() {
            *writes += 1;
            match self.write_queue() {
                Ok(0) => return Flushed::Broken,
                Ok(written) => self.advance(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Flushed::Blocked,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Flushed::Broken,
            }
        }
        if self.out.capacity() > OUT_KEPT_MAX {
            self.out = VecDeque::new();
        }
        self.flush_socket()
    }

    /// One write of what waits, or of its beginning.
    fn write_queue(&mut self) -> io::Result<usize> {
        let mut frames = self.out.iter();
        let first = frames
            .next()
            .map_or(&[][..], |frame| &frame[self.out_written..]);
        if frames.len() == 0 {
            return self.socket.write_vectored(&[IoSlice::new(first)]);
        }
        let mut slices = [IoSlice::new(first); SLICES_MAX];
        let mut count = 1;
        for (slice, frame) in slices[1..].iter_mut().zip(frames) {
            *slice = IoSlice::new(frame);
            count += 1;
        }
        self.socket.write_vectored(&slices[..count])
    }

    /// Tells the rooms whether the socket takes more.
    fn note(&mut self, flushed: Flushed) -> Flushed {
        let is_blocked = flushed == Flushed::Blocked;
        if is_blocked {
            self.own_queue();
        }
        if is_blocked != self.is_blocked {
            self.is_blocked = is_blocked;
            self.gate.set_blocked(is_blocked);
        }
        flushed
    }

    /// What has to wait gets memory of its own: nobody else's shall wait with it. What is long has that already, and all
    /// to whom it goes share it.
    fn own_queue(&mut self) {
        for frame in self.out.iter_mut().skip(self.out_own) {
            if frame.len() <= FRAME_SHARING_BYTES_MAX {
                *frame = Bytes::copy_from_slice(frame);
            }
        }
        self.out_own = self.out.len();
    }

    fn flush_socket(&mut self) -> Flushed {
        match self.socket.flush() {
            Ok(()) => Flushed::All,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Flushed::Blocked,
            Err(_) => Flushed::Broken,
        }
    }

    /// Reads into `into`; none when the socket has nothing now.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match self.socket.read(into) {
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn advance(&mut self, mut written: usize) {
        self.out_bytes = self.out_bytes.saturating_sub(written);
        while let Some(front) = self.out.front() {
            let left = front.len() - self.out_written;
            if written < left {
                self.out_written += written;
                return;
            }
            written -= left;
            self.out_written = 0;
            self.out.pop_front();
            self.out_own = self.out_own.saturating_sub(1);
        }
    }
}

/// Frames in one write call.
const SLICES_MAX: usize = 64;
/// Slots of an emptied queue that are kept for the next time.
const OUT_KEPT_MAX: usize = 16;
/// Requests of one connection that wait for the answer to an earlier one; beyond it the socket is not read.
pub(crate) const REQUESTS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use tagus_wire::Format;

    use super::*;
    use crate::testing::{connect, shard};

    #[test]
    fn what_waits_for_the_socket_shares_its_memory_with_nobody() {
        let mut shard = shard();
        let (to, _client) = connect(&mut shard, Format::Protobuf, false);
        let connection = shard.connection_mut(to).unwrap();
        let mut memory = Memory::new(4_096, 4_096);
        let (mut writes, mut queued) = (0, 0);
        while connection.flush(&mut writes) == Flushed::All {
            for _ in 0..1_000 {
                connection.queue(memory.keep(&[7; 100]));
                connection.queue(Bytes::from(vec![8; 4_000]));
                queued += 4_100;
            }
        }
        assert!(connection.out_bytes() <= queued);
        assert!(connection.out.iter().all(Bytes::is_unique));
        let waiting = connection.out.len();
        connection.queue(memory.keep(&[9; 100]));
        let _kept = memory.keep(&[9; 100]);
        assert!(!connection.out[waiting].is_unique());
        assert_eq!(connection.flush(&mut writes), Flushed::Blocked);
        assert!(connection.out.iter().all(Bytes::is_unique));
        // One for many is not copied for each.
        let long = Bytes::from(vec![1; FRAME_SHARING_BYTES_MAX + 1]);
        connection.queue(long.clone());
        assert_eq!(connection.flush(&mut writes), Flushed::Blocked);
        let last = connection.out.back().unwrap();
        assert_eq!(last.as_ptr(), long.as_ptr());
        let bytes: usize = connection.out.iter().map(Bytes::len).sum();
        assert_eq!(bytes - connection.out_written, connection.out_bytes());
    }
}
