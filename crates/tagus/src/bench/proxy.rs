//! A bad line between clients and a server: TCP connections are passed on late, unevenly, and with what a lost segment
//! does to a stream: it holds everything behind it until it was sent again.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tagus_base::Rng;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::say;

/// What `tagus bench proxy` does, until Ctrl-C.
#[derive(Args, Clone, Debug)]
pub(super) struct ProxyArgs {
    /// Address at which clients connect; with port 0 a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Address of the server.
    #[arg(long, default_value = "127.0.0.1:7350")]
    to: SocketAddr,
    #[command(flatten)]
    line: Line,
    /// Same seed, same luck of each connection.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How bad a line is, in each direction.
#[derive(Args, Clone, Copy, Debug)]
struct Line {
    /// Milliseconds that bytes are on the way.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    delay_ms: u32,
    /// Milliseconds by which each segment comes earlier or later, at most. None overtakes another.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    jitter_ms: u32,
    /// Per cent of segments that are lost and come a round trip later, at least 200 ms, and all behind them too.
    #[arg(long, default_value_t = 2.0, value_parser = percent)]
    loss: f64,
}

pub(super) async fn run(args: ProxyArgs) -> anyhow::Result<()> {
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("listen on {}", args.listen))?;
    say(&format!(
        "{} -> {}: {} ms, {} ms more or less, {} % lost",
        listener.local_addr()?,
        args.to,
        args.line.delay_ms,
        args.line.jitter_ms,
        args.line.loss
    ));
    let mut seeds = Rng::new(args.seed);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (client, _) = accepted?;
                let luck = [seeds.next_u64(), seeds.next_u64()].map(Rng::new);
                connections.spawn(pass_on(client, args.to, args.line, luck));
            }
            // How a connection ended is the business of its two ends.
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, until both ends have closed their side or one of them broke.
async fn pass_on(
    client: TcpStream,
    to: SocketAddr,
    line: Line,
    luck: [Rng; 2],
) -> std::io::Result<()> {
    let server = TcpStream::connect(to).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let [up, down] = luck.map(|luck| Way::new(line, luck, Instant::now()));
    tokio::try_join!(
        carry(from_client, to_server, up),
        carry(from_server, to_client, down)
    )?;
    Ok(())
}

/// One direction of a connection.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut way: Way,
) -> std::io::Result<()> {
    let (send, mut sent) = mpsc::channel::<(Instant, Vec<u8>)>(SEGMENTS_MAX);
    let depart = async {
        let mut segment = vec![0; SEGMENT_BYTES];
        loop {
            let length = from.read(&mut segment).await?;
            let due = way.due(Instant::now());
            // The end of the stream is a segment too. Who arrives no more needs no more of it.
            if send.send((due, segment[..length].to_vec())).await.is_err() || length == 0 {
                return Ok(());
            }
        }
    };
    let arrive = async {
        while let Some((due, segment)) = sent.recv().await {
            tokio::time::sleep_until(due).await;
            if segment.is_empty() {
                return to.shutdown().await;
            }
            to.write_all(&segment).await?;
        }
        Ok(())
    };
    tokio::try_join!(depart, arrive)?;
    Ok(())
}

/// When what departs arrives.
struct Way {
    line: Line,
    luck: Rng,
    /// When the last segment arrives.
    last: Instant,
}

impl Way {
    const fn new(line: Line, luck: Rng, now: Instant) -> Self {
        Self {
            line,
            luck,
            last: now,
        }
    }

    /// When a segment arrives that departs now.
    fn due(&mut self, now: Instant) -> Instant {
        let Line {
            delay_ms,
            jitter_ms,
            loss,
        } = self.line;
        let drift_us = self.luck.below(2 * jitter_ms * 1_000 + 1);
        let on_the_way =
            Duration::from_millis(delay_ms.into()) + Duration::from_micros(drift_us.into());
        let mut due = now + on_the_way.saturating_sub(Duration::from_millis(jitter_ms.into()));
        if f64::from(self.luck.unit_f32()) * 100.0 < loss {
            due += Duration::from_millis(u64::from(delay_ms) * 2).max(RESEND_MIN);
        }
        self.last = self.last.max(due);
        self.last
    }
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..=100.0).contains(&value) => Ok(value),
        Ok(_) | Err(_) => Err("a number from 0 to 100".to_owned()),
    }
}

/// What an Ethernet frame carries of a stream.
const SEGMENT_BYTES: usize = 1_448;
/// Segments on the way in one direction; further ones wait at the sender.
const SEGMENTS_MAX: usize = 16_384;
/// No sender takes a segment for lost earlier.
const RESEND_MIN: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(line: Line, count: u64) -> Vec<f64> {
        let start = Instant::now();
        let mut way = Way::new(line, Rng::new(7), start);
        let departs = |nth| start + Duration::from_millis(40 * nth);
        (0..count)
            .map(|nth| (way.due(departs(nth)) - departs(nth)).as_secs_f64() * 1e3)
            .collect()
    }

    #[test]
    fn segments_come_late_uneven_and_in_order() {
        let line = Line {
            delay_ms: 100,
            jitter_ms: 30,
            loss: 0.0,
        };
        let taken = arrivals(line, 2_000);
        assert!(taken.iter().all(|ms| (70.0..=130.0).contains(ms)));
        let mean = taken.iter().sum::<f64>() / 2_000.0;
        assert!((mean - 100.0).abs() < 10.0, "{mean}");
        for pair in taken.windows(2) {
            assert!(pair[1] + 40.001 >= pair[0]);
        }
    }

    #[test]
    fn a_lost_segment_holds_those_behind_it() {
        let line = Line {
            delay_ms: 100,
            jitter_ms: 0,
            loss: 2.0,
        };
        let taken = arrivals(line, 10_000);
        let lost = taken.iter().filter(|ms| **ms == 300.0).count();
        assert!((120..=280).contains(&lost), "{lost} of 10,000");
        let first = taken.iter().position(|ms| *ms == 300.0).unwrap();
        assert_eq!(
            taken[first..first + 6],
            [300.0, 260.0, 220.0, 180.0, 140.0, 100.0]
        );
    }

    #[tokio::test]
    async fn bytes_and_ends_are_passed_on_in_both_directions() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Line {
            delay_ms: 1,
            jitter_ms: 1,
            loss: 0.0,
        };
        let mut client = TcpStream::connect(proxy.local_addr().unwrap())
            .await
            .unwrap();
        let (accepted, _) = proxy.accept().await.unwrap();
        let luck = [1, 2].map(Rng::new);
        let passing = pass_on(accepted, server.local_addr().unwrap(), line, luck);
        let talking = async {
            let (mut there, _) = server.accept().await.unwrap();
            let question = vec![7; 100_000];
            client.write_all(&question).await.unwrap();
            client.shutdown().await.unwrap();
            let mut heard = Vec::new();
            there.read_to_end(&mut heard).await.unwrap();
            assert_eq!(heard, question);
            there.write_all(b"answer").await.unwrap();
            drop(there);
            heard.clear();
            client.read_to_end(&mut heard).await.unwrap();
            assert_eq!(heard, b"answer");
        };
        let (passed, ()) = tokio::join!(passing, talking);
        passed.unwrap();
    }
}
