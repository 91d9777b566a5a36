//! Rooms over all kinds of sockets at once.

use tagus_wire::ext::RoomNumber;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::realtime::{MatchCreate, MatchData, MatchDataSend, MatchPresenceEvent};

use crate::server::Server;
use crate::socket::{Client, Kind};

#[test]
fn the_arena_over_tcp_keeps_a_seat_through_a_lost_connection() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    // Somebody sits on the first seat, so that the same seat again is no accident.
    let mut other = arena(&server, &server.token("device-other-one"));
    let taken = own_seat(&mut other.0, other.1);

    let token = server.token("device-resuming");
    let (mut client, room) = arena(&server, &token);
    let seat = own_seat(&mut client, room);
    assert_ne!(seat, taken);
    assert!(!data_of(&mut client, room, 17).is_empty());
    drop(client);

    let (mut again, room_again) = arena(&server, &token);
    assert_eq!(room_again, room);
    assert_eq!(own_seat(&mut again, room_again), seat);
    assert!(!data_of(&mut again, room, 17).is_empty());
}

/// Joins the arena by its name; answers its number.
fn arena(server: &Server, token: &str) -> (Client, u32) {
    let mut client = Client::tcp(server);
    client.hello(token, true);
    let welcome = client.hear_welcome();
    assert_eq!(welcome.limits.unwrap().message_bytes_max, 4_096);
    client.join("arena");
    let answer = client.envelope();
    let Some(Message::Match(joined)) = &answer.message else {
        panic!("{answer:?} in place of the join's answer");
    };
    assert_eq!(answer.cid, "join");
    let RoomNumber { match_id, room } = client.until(|message| match message {
        Message::RoomNumber(number) => Some(number),
        _ => None,
    });
    assert_eq!(match_id, joined.match_id);
    (client, room)
}

fn own_seat(client: &mut Client, room: u32) -> u16 {
    let world = data_of(client, room, 16);
    assert!(world.len() >= 9);
    u16::from_le_bytes([world[5], world[6]])
}

/// The next data of this op; it must come by the room's number.
fn data_of(client: &mut Client, room: u32, op: i64) -> Vec<u8> {
    client.until(|message| match message {
        Message::RoomData(data) if data.op_code == op => {
            assert_eq!(data.room, room);
            Some(data.data.to_vec())
        }
        Message::MatchData(data) => panic!("{data:?} has the textual id"),
        _ => None,
    })
}

#[test]
fn a_stable_name_is_one_room_for_all_kinds_of_sockets() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut ids = Vec::new();
    let mut clients = Vec::new();
    for kind in [Kind::Protobuf, Kind::Tcp, Kind::Json] {
        let token = server.token(&format!("device-by-name-{kind:?}"));
        let mut client = Client::open(&server, kind, &token);
        client.join("arena");
        let answer = client.envelope();
        let Some(Message::Match(joined)) = answer.message else {
            panic!("{kind:?}: {answer:?} in place of the join's answer");
        };
        assert!(joined.authoritative);
        ids.push(joined.match_id);
        clients.push(client);
    }
    assert_eq!(ids, [&*ids[0]; 3]);
    clients[0].join("no such name");
    let code = clients[0].until(|message| match message {
        Message::Error(error) => Some(error.code),
        _ => None,
    });
    assert_eq!(code, 3);
}

#[test]
fn makers_of_one_name_meet_in_one_match() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut met: Vec<(Client, String)> = Vec::new();
    for kind in [Kind::Protobuf, Kind::Protobuf, Kind::Tcp, Kind::Json] {
        let token = server.token(&format!("device-that-makes-{}", met.len()));
        let mut client = Client::open(&server, kind, &token);
        let create = |client: &mut Client, name: &str| {
            let name = name.to_owned();
            client.ask("make", Message::MatchCreate(MatchCreate { name }));
            client.until(|message| match message {
                Message::Match(made) => Some(made),
                _ => None,
            })
        };
        let made = create(&mut client, "a meeting");
        assert_eq!(made.size as usize, met.len() + 1, "{kind:?}");
        assert_eq!(made.presences.len(), met.len());
        assert!(!made.authoritative);
        assert!(met.iter().all(|(_, id)| *id == made.match_id));
        let another = create(&mut client, &format!("alone {}", met.len()));
        assert_eq!(another.size, 1);
        assert_ne!(another.match_id, made.match_id);
        met.push((client, made.match_id));
    }
}

#[test]
fn a_relayed_match_joins_all_kinds_of_sockets() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut clients: Vec<(Client, String)> = Vec::new();
    let mut match_id = String::new();
    for kind in [Kind::Tcp, Kind::Json, Kind::Protobuf] {
        let token = server.token(&format!("device-of-{kind:?}"));
        let mut client = Client::open(&server, kind, &token);
        if match_id.is_empty() {
            client.ask("join", Message::MatchCreate(MatchCreate::default()));
        } else {
            client.join(&match_id);
        }
        // The answer first, and the own presence event right after it.
        let answer = client.envelope();
        let Some(Message::Match(joined)) = answer.message else {
            panic!("{answer:?} in place of the join's answer");
        };
        assert_eq!(answer.cid, "join");
        assert_eq!(joined.size as usize, clients.len() + 1);
        assert_eq!(joined.presences.len(), clients.len());
        let own = joined.self_.unwrap().session_id;
        assert_eq!(presence_event(&mut client).joins[0].session_id, own);
        for (earlier, _) in &mut clients {
            assert_eq!(presence_event(earlier).joins[0].session_id, own);
        }
        match_id = joined.match_id;
        clients.push((client, own));
    }
    for sender in 0..clients.len() {
        let send = MatchDataSend {
            match_id: match_id.clone(),
            op_code: sender as i64,
            data: vec![7; sender + 1].into(),
            ..Default::default()
        };
        let (client, own) = &mut clients[sender];
        client.ask("", Message::MatchDataSend(send));
        client.ping();
        let own = own.clone();
        for (index, (client, _)) in clients.iter_mut().enumerate() {
            if index == sender {
                continue;
            }
            let data = match_data(client);
            assert_eq!(data.op_code, sender as i64);
            assert_eq!(data.data.len(), sender + 1);
            assert_eq!(data.presence.unwrap().session_id, own);
        }
    }
    let (gone, own) = clients.remove(0);
    drop(gone);
    for (client, _) in &mut clients {
        assert_eq!(presence_event(client).leaves[0].session_id, own);
    }
}

fn presence_event(client: &mut Client) -> MatchPresenceEvent {
    let envelope = client.envelope();
    match envelope.message {
        Some(Message::MatchPresenceEvent(event)) => event,
        other => panic!("{other:?} in place of a presence event"),
    }
}

fn match_data(client: &mut Client) -> MatchData {
    let envelope = client.envelope();
    match envelope.message {
        Some(Message::MatchData(data)) => data,
        other => panic!("{other:?} in place of data"),
    }
}
