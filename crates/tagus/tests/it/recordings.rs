//! A room's recording, from the admin door to the proof that it is what happened.

use tagus_wire::realtime::MatchCreate;
use tagus_wire::realtime::envelope::Message;

use crate::server::{Server, run};
use crate::socket::{Client, Kind};

#[test]
fn the_admin_door_hands_out_a_recording_that_replays() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut client = Client::open(&server, Kind::Tcp, &server.token("device-recorded"));
    client.join("arena");
    let match_id = client.until(|message| match message {
        Message::Match(joined) => Some(joined.match_id),
        _ => None,
    });
    // A hash is recorded once in 64 ticks, and every tick sends a view.
    for _ in 0..=tagus::room::HASH_EVERY_TICKS {
        client.until(|message| match message {
            Message::MatchData(data) if data.op_code == 17 => Some(()),
            _ => None,
        });
    }

    let file = data.path().join("arena.rec");
    let path = file.to_str().unwrap();
    for id in ["arena", &match_id] {
        let answer = server.admin(&format!("/rooms/{id}/recording"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.head.contains("application/octet-stream"));
        std::fs::write(&file, &answer.bytes).unwrap();
        let replayed = run(&["replay", path]);
        let text = String::from_utf8_lossy(&replayed.stdout).into_owned();
        assert!(replayed.status.success(), "{replayed:?}");
        assert!(text.starts_with("arena: seed "), "{text}");
        assert!(text.contains("state hashes are the same"), "{text}");
        assert!(!text.contains(" 0 state hashes"), "{text}");
        // A server that does not know the game says so.
        let config = tagus::Config::default();
        let foreign = tagus::Server::new(config).replay(&file).unwrap_err();
        assert!(format!("{foreign:#}").contains("arena"), "{foreign:#}");
    }

    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    assert!(!run(&["replay", path]).status.success());
}

#[test]
fn what_is_not_recorded_is_not_found() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut client = Client::open(&server, Kind::Json, &server.token("device-unrecorded"));
    client.ask("make", Message::MatchCreate(MatchCreate::default()));
    let relayed = client.until(|message| match message {
        Message::Match(made) => Some(made.match_id),
        _ => None,
    });
    let unknown = "11111111-2222-4333-8444-555555555555.tagus";
    for id in [&*relayed, unknown, "no-such-name", "", "%00"] {
        let answer = server.admin(&format!("/rooms/{id}/recording"));
        assert_eq!(answer.status, 404, "{id}: {}", answer.body);
    }
}
