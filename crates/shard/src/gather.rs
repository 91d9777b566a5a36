//! Frames that may wait a little, so that several for one connection share a write.

use std::time::Duration;

use bytes::Bytes;

use crate::inbox::ConnRef;
use crate::shard::Shard;

impl Shard {
    /// Queues a frame that may wait for company.
    pub(crate) fn gather(&mut self, to: ConnRef, frame: Bytes, wait_ms: u16) {
        let by = self.now + Duration::from_millis(wait_ms.into());
        let Some(connection) = self.put(to, frame) else {
            return;
        };
        let is_first = connection.flush_by.is_none();
        connection.flush_by = Some(connection.flush_by.map_or(by, |known| known.min(by)));
        if is_first {
            self.gathering.push(to.index.0);
        }
        self.gathered_by = Some(self.gathered_by.map_or(by, |known| known.min(by)));
    }

    /// Those whose frames have waited for long enough are flushed in this turn.
    pub(crate) fn flush_gathered(&mut self) {
        if self.gathered_by.is_none_or(|by| by > self.now) {
            return;
        }
        self.gathered_by = None;
        let mut gathering = std::mem::take(&mut self.gathering);
        gathering.retain(|index| {
            let Some(Some(connection)) = self.connections.get_mut(*index as usize) else {
                return false;
            };
            let Some(by) = connection.flush_by else {
                return false;
            };
            if by > self.now {
                self.gathered_by = Some(self.gathered_by.map_or(by, |known| known.min(by)));
                return true;
            }
            connection.flush_by = None;
            self.mark_dirty(*index);
            false
        });
        self.gathering = gathering;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _};
    use std::net::TcpStream;

    use tagus_wire::Format;

    use super::*;
    use crate::metrics::DropReason;
    use crate::testing::{IDLE, shard};

    /// A connection, and its other end.
    fn connect(shard: &mut Shard) -> (ConnRef, TcpStream) {
        crate::testing::connect(shard, Format::Protobuf, true)
    }

    impl Shard {
        /// The end of a turn at this time; answers how many writes it made.
        fn flush_at(&mut self, ms: u64) -> u64 {
            let before = self.metrics.writes.get();
            self.now = Duration::from_millis(ms);
            self.flush_gathered();
            self.flush_dirty();
            self.metrics.writes.get() - before
        }

        fn gather_text(&mut self, to: ConnRef, text: &'static str, wait_ms: u16) {
            self.gather(to, Bytes::from_static(text.as_bytes()), wait_ms);
        }
    }

    fn heard(client: &mut TcpStream) -> String {
        let mut bytes = [0; 100];
        match client.read(&mut bytes) {
            Ok(count) => String::from_utf8_lossy(&bytes[..count]).into_owned(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => String::new(),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn frames_that_may_wait_share_a_write_and_wait_no_longer_than_the_first_may() {
        let mut shard = shard();
        let (to, mut client) = connect(&mut shard);
        assert_eq!(shard.timeout(), IDLE);
        shard.gather_text(to, "one ", 5);
        assert_eq!(shard.flush_at(0), 0);
        shard.now = Duration::from_millis(4);
        shard.gather_text(to, "two ", 5);
        assert_eq!(shard.flush_at(4), 0);
        assert_eq!(heard(&mut client), "");
        assert_eq!(shard.timeout(), Duration::from_millis(1));
        assert_eq!(shard.flush_at(5), 1);
        assert_eq!(heard(&mut client), "one two ");
        assert_eq!(shard.timeout(), IDLE);
    }

    #[test]
    fn what_may_not_wait_takes_along_what_waits_and_stays_behind_it() {
        let mut shard = shard();
        let (to, mut client) = connect(&mut shard);
        shard.gather_text(to, "one ", 5);
        shard.queue(to, Bytes::from_static(b"two "));
        assert_eq!(shard.flush_at(1), 1);
        assert_eq!(heard(&mut client), "one two ");
        assert_eq!(shard.flush_at(5), 0);
        shard.gather_text(to, "three", 5);
        assert_eq!(shard.flush_at(10), 1);
        assert_eq!(heard(&mut client), "three");
    }

    #[test]
    fn each_connection_waits_for_its_own_time() {
        let mut shard = shard();
        let (slow, mut slow_client) = connect(&mut shard);
        let (quick, mut quick_client) = connect(&mut shard);
        shard.gather_text(slow, "slow", 100);
        shard.gather_text(quick, "quick", 5);
        assert_eq!(shard.flush_at(5), 1);
        assert_eq!(
            (heard(&mut quick_client), heard(&mut slow_client)),
            ("quick".into(), String::new())
        );
        assert_eq!(shard.timeout(), Duration::from_millis(95));
        // One that may wait for less long does not let the other wait for longer.
        shard.gather_text(slow, "er", 5);
        assert_eq!(shard.flush_at(10), 1);
        assert_eq!(heard(&mut slow_client), "slower");
    }

    #[test]
    fn what_waits_counts_as_waiting() {
        let mut shard = shard();
        let (to, _client) = connect(&mut shard);
        shard.gather(to, Bytes::from(vec![7; 4_096]), 5);
        assert!(shard.connection(to).unwrap().open().is_some());
        shard.gather_text(to, "one more", 5);
        assert!(shard.connection(to).unwrap().open().is_none());
        assert_eq!(shard.metrics.drops.count(DropReason::SlowReader), 1);
    }
}
