//! The machine's own cost: plain writes of as many bytes, at the same rate and pattern, to the same sockets.
//!
//! A thread of the measured server writes, on the bench's order: to duplicates of the very descriptors that the
//! server's shards write to, so that the other ends, the readers and the process are those of the workload.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tagus_net::{WsOpcode, ws_frame};

use super::exchange::Exchange;
use super::proc::thread_cpu_us;

/// What the bench asks for: one line of JSON on the control connection, answered by another.
#[derive(Debug, Deserialize, Serialize)]
pub(super) enum Asked {
    /// Plain writes to the clients' sockets.
    Write(Order),
    /// Plain writes and reads over sockets of their own. The port to connect to is told before, on a line of its own.
    Exchange(Exchange),
}

/// What the writes look like.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Order {
    /// Groups of sockets, by the ports of their far ends. A message to a group is one write to each of its sockets
    /// but one, which takes turns.
    pub(super) groups: Vec<Vec<u16>>,
    /// Bytes of one write, a WebSocket frame.
    pub(super) frame_bytes: usize,
    /// Messages per second over all groups.
    pub(super) messages_per_s: f64,
    /// Times per second that the writer wakes and writes what is due.
    pub(super) wakes_per_s: f64,
    /// How long, in milliseconds.
    pub(super) length_ms: u64,
}

/// What was done.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Written {
    /// Writes.
    pub(super) writes: u64,
    /// Times that the writer slept.
    pub(super) sleeps: u64,
    /// How long it took.
    pub(super) seconds: f64,
    /// CPU time of the writing thread, in microseconds; none where the system does not tell.
    pub(super) cpu_us: Option<f64>,
    /// Why it failed; empty if it did not.
    pub(super) failure: String,
}

/// Starts the thread that obeys the bench: connects to `control`, and ends the whole process when that connection
/// ends, so that a server never outlives its bench.
///
/// # Errors
/// Nobody listens there.
pub fn obey(control: SocketAddr) -> io::Result<JoinHandle<()>> {
    let stream = TcpStream::connect(control)?;
    std::thread::Builder::new()
        .name("bench-writer".to_owned())
        .spawn(move || {
            let ended = serve_orders(stream);
            std::process::exit(i32::from(ended.is_err()));
        })
}

fn serve_orders(stream: TcpStream) -> io::Result<()> {
    let mut answers = stream.try_clone()?;
    for line in BufReader::new(stream).lines() {
        let answer = match serde_json::from_str(&line?)? {
            Asked::Write(order) => {
                let written = carry_out(&order).unwrap_or_else(|error| Written {
                    failure: error.to_string(),
                    ..Written::default()
                });
                serde_json::to_string(&written)?
            }
            Asked::Exchange(exchange) => {
                let done =
                    exchange.carry_out(|port| answers.write_all(format!("{port}\n").as_bytes()));
                serde_json::to_string(&done)?
            }
        };
        answers.write_all(format!("{answer}\n").as_bytes())?;
    }
    Ok(())
}

fn carry_out(order: &Order) -> io::Result<Written> {
    let groups = order
        .groups
        .iter()
        .map(|ports| duplicates(ports))
        .collect::<io::Result<Vec<_>>>()?;
    write_all(order, groups)
}

fn write_all(order: &Order, mut groups: Vec<Vec<TcpStream>>) -> io::Result<Written> {
    let frame = frame_of(order.frame_bytes);
    let length = Duration::from_millis(order.length_ms);
    settle();
    let before = thread_cpu_us();
    let mut written = Written::default();
    let (mut messages, mut wakes) = (0.0, 0.0);
    let mut turn = 0;
    let start = Instant::now();
    while start.elapsed() < length {
        let due = start + Duration::from_secs_f64(wakes / order.wakes_per_s);
        let wait = due.saturating_duration_since(Instant::now());
        if !wait.is_zero() {
            std::thread::sleep(wait);
            written.sleeps += 1;
        }
        wakes += 1.0;
        while messages < wakes * order.messages_per_s / order.wakes_per_s {
            let sender = turn / groups.len();
            let group_index = turn % groups.len();
            let group = &mut groups[group_index];
            let sender = sender % group.len();
            for (index, socket) in group.iter_mut().enumerate() {
                if index != sender {
                    socket.write_all(&frame)?;
                    written.writes += 1;
                }
            }
            turn += 1;
            messages += 1.0;
        }
    }
    written.seconds = start.elapsed().as_secs_f64();
    settle();
    written.cpu_us = before
        .zip(thread_cpu_us())
        .map(|(before, after)| after - before);
    Ok(written)
}

/// A frame of so many bytes in all.
fn frame_of(frame_bytes: usize) -> bytes::Bytes {
    let header_bytes = if frame_bytes < 128 { 2 } else { 4 };
    let payload = vec![0; frame_bytes.saturating_sub(header_bytes)];
    ws_frame(WsOpcode::Binary, &payload)
}

/// The thread's CPU time is counted when it leaves the CPU.
fn settle() {
    std::thread::sleep(Duration::from_millis(2));
}

/// Second descriptors of this process' sockets whose far ends have these ports, in their order.
#[cfg(target_os = "linux")]
fn duplicates(ports: &[u16]) -> io::Result<Vec<TcpStream>> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    let mut found: Vec<Option<TcpStream>> = ports.iter().map(|_| None).collect();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // The folder's own descriptor is gone by the time somebody else may have its number.
        let Ok(descriptor) = pidfd_getfd(&this, number, PidfdGetfdFlags::empty()) else {
            continue;
        };
        let stream = TcpStream::from(descriptor);
        let Ok(far_end) = stream.peer_addr() else {
            continue;
        };
        if let Some(at) = ports.iter().position(|port| *port == far_end.port()) {
            found[at] = Some(stream);
        }
    }
    let all: Option<Vec<TcpStream>> = found.into_iter().collect();
    all.ok_or_else(|| io::Error::other("not all sockets are here"))
}

#[cfg(not(target_os = "linux"))]
fn duplicates(_ports: &[u16]) -> io::Result<Vec<TcpStream>> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn frames_have_the_length_of_the_measured_ones() {
        for frame_bytes in [2, 3, 127, 130, 174, 293, 2_000] {
            assert_eq!(frame_of(frame_bytes).len(), frame_bytes);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn every_socket_of_a_group_but_the_sender_gets_every_message() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut clients: Vec<_> = (0..4)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let ports: Vec<u16> = clients
            .iter()
            .map(|client| client.local_addr().unwrap().port())
            .collect();
        let accepted: Vec<_> = clients
            .iter()
            .map(|_| listener.accept().unwrap().0)
            .collect();
        let order = Order {
            groups: vec![ports[..2].to_vec(), ports[2..].to_vec()],
            frame_bytes: 64,
            messages_per_s: 8_000.0,
            wakes_per_s: 1_000.0,
            length_ms: 20,
        };
        let written = carry_out(&order).unwrap();
        drop(accepted);
        let mut received = Vec::new();
        for client in &mut clients {
            let mut bytes = Vec::new();
            client.read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes.len() % 64, 0);
            received.push(bytes.len() as u64 / 64);
        }
        assert!(written.writes >= 8);
        assert_eq!(received.iter().sum::<u64>(), written.writes);
        assert!(received.iter().max().unwrap() - received.iter().min().unwrap() <= 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_that_is_not_here_is_an_error() {
        assert!(duplicates(&[1]).is_err());
    }
}
