//! A game of two players that goes on over days, in the rooms that are made for it.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tagus::duels;
use tagus_duel::{Command, Record, Stroke, op, replay};
use tagus_pool::Frame;
use tagus_wire::realtime::MatchDataSend;
use tagus_wire::realtime::envelope::Message;

use crate::duels::{Player, players, served};
use crate::kept_games::{challenge, codes, list, open, stored_record, wait_until};
use crate::server::Server;
use crate::socket::Client;

/// A player at the table.
struct Seat<'a> {
    player: &'a Player,
    client: Client,
}

/// What a room told: ops 17 and 18, and the kept game's turn when it was heard.
type Heard = Vec<(i64, Vec<u8>)>;

impl Seat<'_> {
    /// The next message with one of these op codes.
    fn hear(&mut self, wanted: &[i64]) -> (i64, Vec<u8>) {
        self.client.until(|message| match message {
            Message::MatchData(data) if wanted.contains(&data.op_code) => {
                Some((data.op_code, data.data.to_vec()))
            }
            _ => None,
        })
    }

    /// Plays as soon as the bodies rest; returns op 17.
    fn shoot(&mut self, room: &str, command: &Command<'_>) -> Vec<u8> {
        loop {
            self.say(room, command);
            let (op_code, data) = self.hear(&[op::SHOT, op::REFUSED]);
            if op_code == op::SHOT {
                return data;
            }
            assert_eq!(data[1], tagus_duel::Reason::TooEarly as u8);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn say(&mut self, room: &str, command: &Command<'_>) {
        let mut data = Vec::new();
        let op_code = command.encode(&mut data);
        let send = MatchDataSend {
            match_id: room.to_owned(),
            op_code,
            data: data.into(),
            ..MatchDataSend::default()
        };
        self.client.ask("", Message::MatchDataSend(send));
    }
}

/// Whoever's turn it is rolls the cue ball a little, until `turns` more were played by those who are there.
fn play(
    server: &Server,
    id: &str,
    room: &str,
    seats: &mut [Seat<'_>],
    turns: usize,
    told: &mut Heard,
) {
    for seat in &mut *seats {
        while seat.hear(&[op::TABLE]).1[12] != 1 {}
    }
    for _ in 0..turns {
        let watcher = seats[0].player;
        let before = stored_record(server, watcher, id);
        let frame = replay::<Frame>(&before).unwrap().frame;
        let (turn, player) = (
            u16::try_from(before.turns.len()).unwrap(),
            frame.player() as usize,
        );
        let mut stroke = Stroke::default();
        stroke.shot.table = before.variant.table;
        stroke.shot.power = 2_000;
        stroke.shot.angle = 1 << 30;
        let user = before.users[player].to_string();
        let place = seats.iter().position(|seat| seat.player.id == user);
        let place = place.unwrap();
        let command = Command::Shoot {
            game: 0,
            turn,
            stroke,
        };
        let shot = seats[place].shoot(room, &command);
        for (index, seat) in seats.iter_mut().enumerate() {
            if index != place {
                assert_eq!(seat.hear(&[op::SHOT]).1, shot);
            }
        }
        let verdicts: Vec<_> = seats
            .iter_mut()
            .map(|seat| seat.hear(&[op::VERDICT]))
            .collect();
        told.push((op::SHOT, shot));
        told.extend(verdicts.into_iter().next());
        // It was told, so it is stored.
        let after = stored_record(server, watcher, id);
        assert_eq!(after.turns[..before.turns.len()], before.turns[..]);
        assert_eq!(after.turns.len(), before.turns.len() + 1);
    }
}

/// Without the two times in it, which are not those of a replay.
fn untimed((op_code, mut bytes): (i64, Vec<u8>)) -> (i64, Vec<u8>) {
    if op_code == op::VERDICT {
        let block = 18 + 2 * usize::from(bytes[17]);
        bytes[block + 16..block + 24].fill(0);
    }
    (op_code, bytes)
}

/// Not a test of its own, but the server process of the one that needs it to end.
#[test]
fn a_server_of_its_own() {
    if let Some(config) = Server::config_of_process() {
        served(tagus::Server::new(config)).run().unwrap();
    }
}

fn process(data: &Path) -> Server {
    Server::process(data, "kept_rooms::a_server_of_its_own")
}

#[test]
fn a_game_goes_on_over_three_openings_and_a_crash() {
    let data = tempfile::tempdir().unwrap();
    let server = process(data.path());
    let pair: [Player; 2] = players(&server);
    let [one, two] = &pair;
    let id = challenge(&server, one, two);
    let mut told = Vec::new();

    let room = open(&server, one, &id);
    assert_eq!(open(&server, two, &id), room);
    let mut seats = [one, two].map(|player| Seat {
        player,
        client: player.join(&server, &room),
    });
    play(&server, &id, &room, &mut seats, 2, &mut told);
    // Both were there: nobody had to be told.
    assert!(codes(&server, one).is_empty());
    assert_eq!(codes(&server, two), [duels::NOTE_CHALLENGE]);
    // The server is killed.
    drop((seats, server));

    let server = process(data.path());
    let [one, two] = &players(&server);
    let listed = list(&server, one);
    assert_eq!(
        (&listed[0]["turn"], &listed[0]["is_new"]),
        (&json!(2), &json!(false))
    );
    let (next, other) = if listed[0]["is_own_turn"] == true {
        (one, two)
    } else {
        (two, one)
    };
    let second = open(&server, next, &id);
    assert_ne!(second, room);
    let mut seats = [Seat {
        player: next,
        client: next.join(&server, &second),
    }];
    play(&server, &id, &second, &mut seats, 1, &mut told);
    assert_eq!(codes(&server, other).last(), Some(&duels::NOTE_TURN));
    assert_eq!(
        codes(&server, next)
            .iter()
            .filter(|code| **code == duels::NOTE_TURN)
            .count(),
        0
    );
    one.ask_text(&server, "test.close", &second);

    wait_until(|| open(&server, other, &id) != second);
    let third = open(&server, other, &id);
    let mut seats = [Seat {
        player: other,
        client: other.join(&server, &third),
    }];
    play(&server, &id, &third, &mut seats, 1, &mut told);
    let [seat] = &mut seats;
    seat.say(&third, &Command::Concede { game: 0 });
    let record = Record::from_bytes(&seat.hear(&[op::RECORD]).1).unwrap();
    assert_eq!(record.id.to_string(), id);
    assert!(list(&server, one).is_empty());
    for player in [one, two] {
        let history = player.history(&server);
        assert_eq!(history.len(), 1);
        assert_eq!(history[0]["won"], player.id == next.id);
        assert_eq!(player.games_rated(&server), 1);
    }
    assert_eq!(codes(&server, next).last(), Some(&duels::NOTE_OVER));
    assert_ne!(codes(&server, other).last(), Some(&duels::NOTE_OVER));

    let which = json!({ "user_id": two.id, "id": id });
    let replayed = one.ask(&server, "duel.replay", &which);
    assert_eq!(replayed["game"], "pool");
    assert_eq!(replayed["mode"], "pool");
    assert_eq!(replayed["names"], json!([one.name, two.name]));
    assert_eq!(
        (&replayed["turns"], &replayed["how"]),
        (&json!(5), &json!(7))
    );
    assert_eq!(replayed["won"], two.id == next.id);
    let messages = replayed["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            let data = message["data"].as_str().unwrap();
            (
                message["op"].as_i64().unwrap(),
                STANDARD.decode(data).unwrap(),
            )
        });
    let messages: Heard = messages.map(untimed).collect();
    assert_eq!(messages.first().unwrap().0, op::TABLE);
    assert_eq!(messages.last().unwrap().0, op::TABLE);
    let told: Heard = told.into_iter().map(untimed).collect();
    assert_eq!(messages[1..messages.len() - 1], told);
}
