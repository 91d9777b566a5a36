//! What the matchmaker costs with 100,000 waiting tickets: `cargo bench -p tagus-players --bench matchmaker`.
//! Budgets: adding a ticket ≤ 50 µs, the decision about it ≤ 1 ms for 99 of 100, at most 2 KB a ticket.
//!
//! The pool is what is left when more and more tickets come: nine of ten ask for terms and ranges, one for a wildcard;
//! each wants a full match, and those who have one are gone.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use tagus_base::{Rng, SessionId, UnixMillis, UserId, Uuid};
use tagus_players::matchmaker::{
    Entry, Match, Matchmaker, MatchmakerConfig, NewTicket, Rating, Wish,
};
use tagus_players::query::{Query, QueryError};

const WAITING: usize = 100_000;
const NEWCOMERS: usize = 5_000;

fn main() -> Result<(), QueryError> {
    // The test command may run benches as well, without this.
    if std::env::args().any(|argument| argument == "--bench") {
        measure("10 players, mode, region and skill", ten_players)?;
        measure("2 players, nobody fits", lonely)?;
        measure("10 players, rated", rated)?;
        measure("2 players, wildcards without an index, nobody fits", wild)?;
        measure("16 players, three of four refuse, nobody fits", quarrelsome)?;
        measure("10 players, hostile newcomers", hostile)?;
    }
    Ok(())
}

type MakeWish = fn(&mut Rng, usize) -> Result<Wish, QueryError>;

fn measure(name: &str, wish: MakeWish) -> Result<(), QueryError> {
    let nobody_fits = name.contains("nobody fits");
    let mut rng = Rng::new(5);
    let mut matches = Vec::new();
    let before = resident_bytes();
    let mut maker = Matchmaker::new(MatchmakerConfig::default());
    let mut count = 0;
    let begin = Instant::now();
    while maker.len() < WAITING {
        let new = new_ticket(&mut rng, wish, count)?;
        if nobody_fits {
            put(&mut maker, new);
        } else {
            step(&mut maker, new, &mut matches);
        }
        count += 1;
    }
    let each = resident_bytes().saturating_sub(before) as f64 / WAITING as f64;
    println!("{name}: {count} tickets came, {WAITING} wait");
    let seconds = begin.elapsed().as_secs_f64();
    // Later pools use the memory of the first again.
    println!("  {seconds:.1} s, {each:.0} further bytes a ticket");
    let mut adds = Vec::new();
    let mut decisions = Vec::new();
    for _ in 0..NEWCOMERS {
        let new = new_ticket(&mut rng, wish, count)?;
        count += 1;
        let (add, decision) = step(&mut maker, new, &mut matches);
        adds.push(add);
        decisions.push(decision);
    }
    print("  add", adds);
    print("  decision", decisions);
    println!("  {} wait at the end", maker.len());
    Ok(())
}

/// Has a ticket wait that a decision would leave waiting.
fn put(maker: &mut Matchmaker, new: NewTicket) {
    let added = maker.handle_add(NOW, new).ok();
    let ticket = added.and_then(|id| maker.remove(id));
    let restored = ticket.map(|ticket| maker.restore(NOW, ticket));
    assert_eq!(restored, Some(Ok(())));
}

/// Adds a ticket and decides about it.
fn step(maker: &mut Matchmaker, new: NewTicket, matches: &mut Vec<Match>) -> (Duration, Duration) {
    let begin = Instant::now();
    let added = maker.handle_add(NOW, new);
    let add = begin.elapsed();
    assert!(added.is_ok(), "{added:?}");
    let begin = Instant::now();
    maker.poll(NOW, matches);
    let decision = begin.elapsed();
    black_box(&matches);
    matches.clear();
    (add, decision)
}

const NOW: UnixMillis = UnixMillis(1_000_000);

fn print(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |per_mille: usize| {
        let index = (times.len() - 1) * per_mille / 1_000;
        times[index].as_secs_f64() * 1e6
    };
    let mean = times.iter().sum::<Duration>().as_secs_f64() * 1e6 / times.len() as f64;
    println!(
        "{name}: mean {mean:.1} µs, p50 {:.1}, p99 {:.1}, p99.9 {:.1}, most {:.1}",
        at(500),
        at(990),
        at(999),
        at(1_000)
    );
}

fn new_ticket(rng: &mut Rng, wish: MakeWish, count: usize) -> Result<NewTicket, QueryError> {
    let uuid = Uuid::from_random((count as u128).to_be_bytes());
    let entry = Entry {
        session_id: SessionId(uuid),
        user_id: UserId(uuid),
        username: format!("player{count}").into(),
    };
    Ok(NewTicket {
        entries: vec![entry],
        party_id: None,
        wish: wish(rng, count)?,
    })
}

const REGIONS: [&str; 6] = ["eu-1", "eu-2", "us-1", "us-2", "ap-1", "sa-1"];

/// Full matches of ten among those of a mode, a region and about one's skill.
fn ten_players(rng: &mut Rng, _count: usize) -> Result<Wish, QueryError> {
    let mode = format!("mode{}", rng.below(8));
    let region = REGIONS[rng.below(6) as usize];
    let skill = rng.below(100_000);
    let (low, high) = (skill.saturating_sub(100), skill + 100);
    let range = format!("+properties.skill:>={low} +properties.skill:<={high}");
    let query = match rng.below(10) {
        0 => format!(
            "+properties.mode:{mode} +properties.region:{}* {range}",
            &region[..2]
        ),
        1 => format!("+properties.mode:{mode} {range}"),
        2 => format!("+properties.region:{region} +properties.level:>=10 {range}"),
        _ => format!("+properties.mode:{mode} +properties.region:{region} {range}"),
    };
    let mut wish = Wish::new(10, 10, query.parse::<Query>()?);
    describe(&mut wish, &mode, region, skill);
    wish.numeric_properties
        .insert("level".to_owned(), rng.below(60).into());
    Ok(wish)
}

/// Everybody is accepted by thousands and accepts thousands, but never the same ones.
fn lonely(rng: &mut Rng, _count: usize) -> Result<Wish, QueryError> {
    let skill = rng.below(100_000);
    let mode = format!("mode{}", rng.below(2));
    let query = match rng.below(10) {
        0 => format!("+properties.region:e* +properties.skill:>{skill}"),
        _ => format!("+properties.mode:{mode} +properties.skill:>{skill}"),
    };
    let mut wish = Wish::new(2, 2, query.parse()?);
    describe(&mut wish, &mode, REGIONS[rng.below(6) as usize], skill);
    Ok(wish)
}

/// Everybody's wildcard accepts a tenth of the others, but never the same ones.
fn wild(rng: &mut Rng, _count: usize) -> Result<Wish, QueryError> {
    let digit = rng.below(9);
    let query = format!("+properties.code:*{}?", digit + 1);
    let mut wish = Wish::new(2, 2, query.parse()?);
    let code = format!("{}{digit}x", rng.below(100_000));
    wish.string_properties.insert("code".to_owned(), code);
    Ok(wish)
}

/// Everybody refuses half of the others, so that the search for sixteen who agree is long.
fn quarrelsome(rng: &mut Rng, _count: usize) -> Result<Wish, QueryError> {
    let refused: String = (0..16)
        .filter(|_| rng.below(2) == 0)
        .map(|code| format!("-properties.code:c{code} "))
        .collect();
    let mut wish = Wish::new(16, 16, refused.parse()?);
    let code = format!("c{}", rng.below(16));
    wish.string_properties.insert("code".to_owned(), code);
    Ok(wish)
}

/// Full matches of ten by ratings alone, within the window of the beginning.
fn rated(rng: &mut Rng, _count: usize) -> Result<Wish, QueryError> {
    let mode = format!("mode{}", rng.below(8));
    let mut wish = Wish::new(10, 10, format!("+properties.mode:{mode}").parse()?);
    describe(&mut wish, &mode, "eu-1", 0);
    let mu = f64::from(rng.unit_f32()) * 30_000.0;
    wish.rating = Some(Rating { mu, sigma: 1.0 });
    Ok(wish)
}

/// The first pool, with newcomers whose queries no index helps.
fn hostile(rng: &mut Rng, count: usize) -> Result<Wish, QueryError> {
    let mut wish = ten_players(rng, count)?;
    if count > WAITING && rng.below(10) == 0 {
        let expressions = (0..8).map(|_| "+properties.mode:/((a?){30}){8}b|mode.*/ ");
        wish.query = expressions.collect::<String>().parse()?;
    }
    Ok(wish)
}

fn describe(wish: &mut Wish, mode: &str, region: &str, skill: u32) {
    let strings = &mut wish.string_properties;
    strings.insert("mode".to_owned(), mode.to_owned());
    strings.insert("region".to_owned(), region.to_owned());
    wish.numeric_properties
        .insert("skill".to_owned(), skill.into());
}

/// Memory of this process; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|it| it.parse().ok());
    pages.unwrap_or(0) * 4_096
}
