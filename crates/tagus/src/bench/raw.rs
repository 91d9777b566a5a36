//! The machine's own cost: plain writes of as many bytes, at the same rate and pattern, to as many sockets.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;

use super::proc::thread_cpu_us;

/// What the writes look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pattern {
    /// Groups of sockets.
    pub(super) groups: usize,
    /// Sockets in each.
    pub(super) group_size: usize,
    /// Bytes of one write.
    pub(super) frame_bytes: usize,
    /// Bursts per second over all groups; each is one write to all sockets of a group but one.
    pub(super) bursts_per_s: f64,
}

/// Connected sockets over loopback, read by a thread of their own.
pub(super) struct RawSockets {
    pattern: Pattern,
    groups: Vec<Vec<TcpStream>>,
    reader: JoinHandle<io::Result<()>>,
}

impl RawSockets {
    /// Connects them.
    pub(super) fn connect(pattern: Pattern) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (mut groups, mut far_ends) = (Vec::new(), Vec::new());
        for _ in 0..pattern.groups {
            let mut group = Vec::new();
            for _ in 0..pattern.group_size {
                let far_end = TcpStream::connect(address)?;
                far_end.set_nonblocking(true)?;
                far_ends.push(far_end);
                let (near_end, _) = listener.accept()?;
                near_end.set_nodelay(true)?;
                group.push(near_end);
            }
            groups.push(group);
        }
        let reader = std::thread::Builder::new()
            .name("raw-reader".to_owned())
            .spawn(|| read_all(far_ends))?;
        Ok(Self {
            pattern,
            groups,
            reader,
        })
    }

    /// Writes at the rate for a time; answers the CPU time of one write in microseconds, the waking between bursts
    /// included. None where the system does not tell.
    pub(super) fn round(&mut self, length: Duration) -> io::Result<Option<f64>> {
        let frame = vec![0_u8; self.pattern.frame_bytes];
        settle();
        let before = thread_cpu_us();
        let start = Instant::now();
        let (mut writes, mut bursts) = (0.0, 0.0);
        let mut turn = 0;
        while start.elapsed() < length {
            let due = start + Duration::from_secs_f64(bursts / self.pattern.bursts_per_s);
            let wait = due.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                std::thread::sleep(wait);
            }
            let group = turn % self.groups.len();
            for socket in self.groups[group].iter_mut().skip(1) {
                socket.write_all(&frame)?;
                writes += 1.0;
            }
            turn += 1;
            bursts += 1.0;
        }
        settle();
        Ok(before
            .zip(thread_cpu_us())
            .map(|(before, after)| (after - before) / writes))
    }

    /// Closes the sockets and waits for the reader.
    pub(super) fn close(self) -> io::Result<()> {
        drop(self.groups);
        self.reader
            .join()
            .map_err(|_| io::Error::other("the reader panicked"))?
    }
}

/// The thread's CPU time is counted when it leaves the CPU.
fn settle() {
    std::thread::sleep(Duration::from_millis(2));
}

/// Reads as the load does: one thread, a task a socket.
fn read_all(streams: Vec<TcpStream>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let mut tasks = tokio::task::JoinSet::new();
        for stream in streams {
            let mut stream = tokio::net::TcpStream::from_std(stream)?;
            tasks.spawn_local(async move {
                let mut buffer = [0; 4_096];
                while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
            });
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_writes_and_ends() {
        let pattern = Pattern {
            groups: 2,
            group_size: 3,
            frame_bytes: 64,
            bursts_per_s: 1_000.0,
        };
        let mut sockets = RawSockets::connect(pattern).unwrap();
        let cost = sockets.round(Duration::from_millis(20)).unwrap();
        assert!(cost.is_none_or(|cost| cost >= 0.0));
        sockets.close().unwrap();
    }
}
