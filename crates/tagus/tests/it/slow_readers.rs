//! What reaches clients that read late or say that they lag, and what may wait for company on its way.

use std::time::{Duration, Instant};

use tagus::base::SeatIndex;
use tagus::room::{Game, InitError, Input, LeaveReason, RestoreError, Room, Settings, Setup};
use tagus_wire::ext::RoomData;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{MatchCreate, MatchDataSend};

use crate::server::{PATIENCE, Server};
use crate::socket::{Client, Kind};

/// Shows everybody the number of the tick, sixty times a second, and much else.
struct Large(u64);

const VIEW_BYTES: usize = 8_192;

impl Game for Large {
    fn init(_: Setup<'_>) -> Result<(Self, Settings), InitError> {
        let settings = Settings {
            tick_rate_hz: 60,
            ..Settings::default()
        };
        Ok((Self(0), settings))
    }

    fn join(&mut self, _: &mut Room<'_>, _: SeatIndex) {}

    fn leave(&mut self, _: &mut Room<'_>, _: SeatIndex, _: LeaveReason) {}

    fn tick(&mut self, _: &mut Room<'_>, _: &[Input]) {
        self.0 += 1;
    }

    fn view(&self, _: SeatIndex, out: &mut Vec<u8>) -> Option<i64> {
        out.extend_from_slice(&self.0.to_le_bytes());
        out.resize(VIEW_BYTES, 0);
        Some(1)
    }

    fn snapshot(&self, _: &mut Vec<u8>) {}

    fn restore(_: u32, _: &[u8]) -> Result<Self, RestoreError> {
        Ok(Self(0))
    }
}

fn start(data: &std::path::Path, configure: impl FnOnce(&mut tagus::Config)) -> Server {
    Server::own_with(data, configure, |server| {
        server.game::<Large>("large").room("large", "large")
    })
}

fn metric(server: &Server, name: &str) -> u64 {
    let text = server.admin("/metrics").body;
    let found = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap().parse().unwrap()
}

fn drops(server: &Server, reason: &str) -> u64 {
    metric(
        server,
        &format!("tagus_shard_drops_total{{reason=\"{reason}\"}}"),
    )
}

fn wait_for_drops(server: &Server, reason: &str, count: u64) {
    let started = Instant::now();
    while drops(server, reason) < count {
        assert!(started.elapsed() < PATIENCE, "not so many drops: {reason}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The tick of the next view.
fn view(client: &mut Client) -> u64 {
    client.until(|message| match message {
        Message::RoomData(data) => Some(u64::from_le_bytes(*data.data.first_chunk()?)),
        _ => None,
    })
}

/// In the room, and knows its number.
fn enter(client: &mut Client) -> u32 {
    client.join("large");
    client.until(|message| match message {
        Message::RoomNumber(number) => Some(number.room),
        _ => None,
    })
}

fn query(server: &Server, device: &str) -> String {
    format!("token={}&format=protobuf&ext=1", server.token(device))
}

#[cfg(target_os = "linux")]
#[test]
fn who_reads_again_after_a_pause_soon_sees_the_present() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), |_| {});
    let query = query(&server, "device-that-pauses");
    let mut client = Client::upgrade_narrow(&server, Kind::Protobuf, &query);
    enter(&mut client);
    let mut seen = view(&mut client);
    const MISSED: u64 = 30;
    wait_for_drops(&server, "view_superseded", MISSED);
    // What its own system had taken, what the server's had, and the view that had begun.
    let mut old = 0;
    loop {
        let tick = view(&mut client);
        if tick > seen + MISSED {
            break;
        }
        (seen, old) = (tick, old + VIEW_BYTES);
    }
    assert!(old <= 64 * 1_024, "{old} bytes of old views");
    assert_eq!(drops(&server, "slow_reader"), 0);
}

#[test]
fn who_says_that_it_lags_is_sent_fewer_views() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), |config| config.snapshot_lag_ms_max = 100);
    let mut client = Client::upgrade(&server, Kind::Protobuf, &query(&server, "device-that-lags"));
    let room = enter(&mut client);
    while view(&mut client) < 30 {}
    assert_eq!(drops(&server, "view_lagging"), 0);
    client.ask(
        "",
        Message::RoomData(RoomData {
            room,
            op_code: 1,
            applied_tick: 2,
            ..RoomData::default()
        }),
    );
    wait_for_drops(&server, "view_lagging", 5);
    // Its word is not believed for ever.
    let mut last = view(&mut client);
    loop {
        let tick = view(&mut client);
        if tick == last + 1 && drops(&server, "view_lagging") >= 5 {
            break;
        }
        last = tick;
    }
}

#[test]
fn data_of_relayed_matches_shares_writes_when_it_may_wait() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), |config| config.relayed_gather_ms = 1_000);
    let mut one = Client::open(&server, Kind::Protobuf, &server.token("device-of-one"));
    one.ask("", Message::MatchCreate(MatchCreate::default()));
    let match_id = one.until(|message| match message {
        Message::Match(made) => Some(made.match_id),
        _ => None,
    });
    let mut other = Client::open(&server, Kind::Protobuf, &server.token("device-of-other"));
    other.join(&match_id);
    // Their own joins, and the other's.
    for (client, joins) in [(&mut one, 2), (&mut other, 1)] {
        for _ in 0..joins {
            client.until(|message| match message {
                Message::MatchPresenceEvent(event) => (!event.joins.is_empty()).then_some(()),
                _ => None,
            });
        }
    }
    let writes = || metric(&server, "tagus_shard_writes_total");
    let before = writes();
    for op_code in 0..3 {
        let data = MatchDataSend {
            match_id: match_id.clone(),
            op_code,
            ..MatchDataSend::default()
        };
        one.ask("", Message::MatchDataSend(data));
        one.ping();
    }
    for op_code in 0..3 {
        let heard = other.until(|message| match message {
            Message::MatchData(data) => Some(data.op_code),
            _ => None,
        });
        assert_eq!(heard, op_code);
    }
    // Three answers to pings; and fewer writes than three for the data, though each came in a turn of its own.
    assert!(writes() - before < 6);
}
