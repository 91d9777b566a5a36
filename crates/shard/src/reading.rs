//! Taking bytes from sockets: how much in one turn, and what waits for the next.

use tagus_net::Socket;

use crate::connection::Stage;
use crate::shard::Shard;

impl Shard {
    /// Reads one connection until its socket is empty, its share of the turn is used, or its requests must wait.
    pub(crate) fn read(&mut self, index: u32) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut turns = 0;
        while let Some(Some(connection)) = self.connections.get_mut(index as usize) {
            connection.unread = false;
            let read_closed = connection.read_closed;
            if matches!(connection.stage, Stage::Closing { .. }) {
                // Whatever still comes is read and forgotten, so that the goodbye is not lost to a reset.
                if !matches!(connection.read(&mut scratch), Ok(None) | Ok(Some(1..))) {
                    self.drop_connection(index);
                }
                break;
            }
            if self.must_wait(index) {
                if read_closed {
                    // Nobody is there to hear the answers, and the seats must not wait for them.
                    self.drop_connection(index);
                } else {
                    self.postpone(index);
                }
                break;
            }
            if turns == READS_PER_TURN {
                self.postpone(index);
                break;
            }
            turns += 1;
            let Some(Some(connection)) = self.connections.get_mut(index as usize) else {
                break;
            };
            let held = connection.partial.len();
            if held > 0 {
                let partial = std::mem::take(&mut connection.partial);
                if scratch.len() < held + READ_BYTES_MIN {
                    scratch.resize(held + READ_BYTES_MIN, 0);
                }
                scratch[..held].copy_from_slice(&partial);
            }
            if turns == 1 && self.rooms.is_behind {
                // What is saved is packets of nothing but an acknowledgement, which come the more the rarer views are.
                connection.socket.delay_acknowledgement();
            }
            let count = match connection.read(&mut scratch[held..]) {
                Ok(Some(0)) | Err(_) => {
                    self.drop_connection(index);
                    break;
                }
                Ok(Some(count)) => count,
                Ok(None) => 0,
            };
            if count == 0 && (held == 0 || turns > 1) {
                self.keep(index, &scratch[..held]);
                break;
            }
            if count > 0 {
                connection.heard_at = self.now;
            }
            let is_drained = short_read_drains(&connection.socket)
                && held + count < scratch.len()
                && !read_closed;
            let used = self.decode(index, &mut scratch[..held + count]);
            self.keep(index, &scratch[used..held + count]);
            if count == 0 || is_drained {
                break;
            }
        }
        if scratch.len() > SCRATCH_BYTES {
            scratch.truncate(SCRATCH_BYTES);
            scratch.shrink_to_fit();
        }
        self.scratch = scratch;
    }

    /// The peer has said its last: from here on only the end of the stream ends a read.
    pub(crate) fn note_read_closed(&mut self, index: u32) {
        if let Some(Some(connection)) = self.connections.get_mut(index as usize) {
            connection.read_closed = true;
        }
    }

    /// Keeps the beginning of a frame until the rest arrives.
    fn keep(&mut self, index: u32, rest: &[u8]) {
        if let Some(Some(connection)) = self.connections.get_mut(index as usize) {
            connection.partial = rest.to_vec();
        }
    }

    /// Puts the connection on the list of those that are read again in the next turn.
    pub(crate) fn postpone(&mut self, index: u32) {
        if let Some(Some(connection)) = self.connections.get_mut(index as usize)
            && !connection.unread
        {
            connection.unread = true;
            if !self.must_wait(index) {
                self.unread.push(index);
            }
        }
    }
}

/// Does a read that left room in its buffer prove the socket empty, so that the next byte brings another event?
/// With TLS plaintext may wait inside; and mio's poll on Windows asks for a read that would block.
const fn short_read_drains(socket: &Socket) -> bool {
    cfg!(unix) && matches!(socket, Socket::Plain(_))
}

/// Bytes read in one call.
pub(crate) const SCRATCH_BYTES: usize = 64 * 1024;
/// Room that a read call has at least, after what was kept of an unfinished frame.
const READ_BYTES_MIN: usize = 16 * 1024;
/// Read calls for one connection in one turn; the rest of its input waits for the next turn.
const READS_PER_TURN: u32 = 4;
