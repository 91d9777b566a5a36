//! What every sport that is played promises alike: bytes that are frozen, records, recordings and refusals.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;
use tagus_duel::{
    Command, Duel, How, Reason, Record, RecordError, ReplayError, Sport, Turn as Played, op, replay,
};
use tagus_room::Factory;

use crate::table::{Table, Turn};

/// What is said and sent is what `golden/v1.json` of the sport holds.
/// The player says `commands`, each kept under its name, or not at all when it has none; of the messages that every
/// sport has, and of the sport's own, the first is kept.
pub(crate) fn check_golden<S: Sport>(
    mut table: Table<S>,
    player: u16,
    commands: &[(&str, Command<'_>)],
    own: &[(&str, i64)],
) {
    let mut lines = Vec::new();
    let mut keep = |what: &str, op: i64, bytes: &[u8]| {
        lines.push(json!({ "what": what, "op": op, "bytes": hex(bytes) }).to_string());
    };
    for &(what, command) in commands {
        let mut bytes = Vec::new();
        let op = command.encode(&mut bytes);
        if !what.is_empty() {
            keep(what, op, &bytes);
        }
        table.say(player, command);
        table.tick();
        table.tick();
    }
    let (viewer, _) = table.join(3);
    let every = [
        ("table", op::TABLE),
        ("shot", op::SHOT),
        ("verdict", op::VERDICT),
        ("aimed", op::AIMED),
        ("people", op::PEOPLE),
        ("refused", op::REFUSED),
        ("record", op::RECORD),
    ];
    for (what, op) in every.iter().chain(own) {
        let all = table.take(*op);
        let (_, bytes) = all.first().unwrap_or_else(|| panic!("{what} is not sent"));
        keep(what, *op, bytes);
    }
    assert_eq!(viewer.0, 2);
    let made = format!("[\n{}\n]\n", lines.join(",\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/v1.json");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    if kept != made {
        let name = format!("{}-v1.json", S::GAME);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, made).unwrap();
        panic!(
            "the protocol has changed; if it shall, keep {}",
            path.display()
        );
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        write!(out, "{byte:02x}").unwrap();
    }
    out
}

/// Sends bytes, and compares the reason and that nothing else has happened.
pub(crate) fn check_refusal<S: Sport>(
    table: &mut Table<S>,
    name: &str,
    seat: u16,
    op: i64,
    bytes: Vec<u8>,
    reason: Reason,
) {
    let before = table.turn();
    table.say_bytes(seat, op, bytes);
    table.tick();
    let refused = u8::try_from(op).unwrap_or_default();
    assert_eq!(table.refusals(seat), [(refused, reason as u8)], "{name}");
    assert_eq!(table.jobs.len(), 0, "{name}");
    assert_eq!(table.sent, [], "{name}");
    let after = table.turn();
    let known = |turn: Turn| (turn.turn, turn.own, turn.rest, turn.state);
    assert_eq!(known(after), known(before), "{name}");
}

/// Lets what was sent in this game come to something: the turn after it, when every verdict was of the turn before.
pub(crate) fn next_turn<S: Sport>(table: &mut Table<S>, game: u16) -> Turn {
    table.tick();
    table.tick();
    let next = table.turn();
    for (_, bytes) in table.take(op::VERDICT) {
        let told = Table::<S>::told_of(&bytes);
        let of_turn = told.turn.turn.wrapping_sub(1);
        assert_eq!((told.game, told.of_turn), (game, of_turn));
    }
    next
}

/// The room's recording, which replays.
pub(crate) fn check_recording<S: Sport>(table: &Table<S>) -> Vec<u8> {
    let recording = table.host.recording().unwrap().to_bytes(S::GAME);
    let find = |name: &str| (name == S::GAME).then(Factory::of::<Duel<S>>);
    let report = tagus_room::replay(&recording, find).unwrap();
    assert!(report.init_proven && report.hashes_proven > 2);
    recording
}

/// A record of strokes alone replays, and is read from its bytes, from all of them and no more.
pub(crate) fn check_record<S: Sport>(record: &Record) {
    let bytes = record.to_bytes();
    assert_eq!(Record::from_bytes(&bytes), Ok(record.clone()));
    let verified = replay::<S>(record).unwrap();
    assert_eq!(verified.frame.course().end, record.end);
    assert_eq!(verified.shots, record.turns.len());
    for length in 0..bytes.len() {
        assert!(Record::from_bytes(&bytes[..length]).is_err());
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Record::from_bytes(&longer), Err(RecordError::Damaged));
}

/// Why the record does not replay any more after this change.
pub(crate) fn lie<S: Sport>(honest: &Record, change: &dyn Fn(&mut Record)) -> ReplayError {
    let mut record = honest.clone();
    change(&mut record);
    replay::<S>(&record).err().unwrap()
}

/// A record of a game that somebody won by a stroke is found out when it lies about what every sport has.
pub(crate) fn check_lies<S: Sport>(honest: &Record) {
    let lie = |change: &dyn Fn(&mut Record)| lie::<S>(honest, change);
    let winner = honest.end.unwrap().winner.unwrap();
    let error = lie(&|record| record.end.as_mut().unwrap().winner = Some(winner.other()));
    assert!(matches!(error, ReplayError::End(Some(_))), "{error}");
    let error = lie(&|record| record.end.as_mut().unwrap().how = How::CONCEDED);
    assert!(matches!(error, ReplayError::End(Some(_))), "{error}");
    let error = lie(&|record| record.hash ^= 1);
    assert_eq!(error, ReplayError::Hash(honest.hash));
    let error = lie(&|record| record.turns.truncate(record.turns.len() - 1));
    assert_eq!(error, ReplayError::End(None));
    let error = lie(&|record| record.turns.push(Played::TimeOut));
    assert!(matches!(error, ReplayError::Turn { .. }), "{error}");
    // Another shot makes another game.
    lie(&|record| {
        if let Played::Stroke(stroke) = &mut record.turns[1] {
            stroke.shot.angle ^= 1 << 20;
        }
    });
}
