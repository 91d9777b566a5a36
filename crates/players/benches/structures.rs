//! What ranks and queries cost. Prints one line per measurement, the best of five rounds:
//! `cargo bench -p tagus-players`.
//! Budgets: a rank among a million records ≤ 50 µs, at most 80 bytes per record.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use tagus_base::{Rng, Uuid};
use tagus_players::query::{Document, Query, QueryError};
use tagus_players::ranks::{Direction, RankOrder, Ranks, Standing};

fn main() -> Result<(), QueryError> {
    // The test command may run benches as well, without this.
    if std::env::args().any(|argument| argument == "--bench") {
        ranks();
        queries()?;
    }
    Ok(())
}

fn ranks() {
    const RECORDS: u32 = 1_000_000;
    const LOOKS: u32 = 200_000;
    let order = RankOrder::by_score(Direction::Descending);
    let mut rng = Rng::new(2);
    let records: Vec<(Uuid, Standing)> = (0..RECORDS).map(|_| record(&mut rng)).collect();

    let before = resident_bytes();
    let mut board = inserted(order, &records);
    let resident = resident_bytes().saturating_sub(before) as f64 / f64::from(RECORDS);
    memory("after inserting", &board);
    println!("  by the operating system's count: {resident:.1} bytes a record");
    measure("insert, random order", RECORDS, || {
        black_box(inserted(order, &records));
    });

    let mut some = Rng::new(3);
    let mut owner = || records[some.below(RECORDS) as usize].0;
    measure("rank of an owner", LOOKS, || {
        for _ in 0..LOOKS {
            black_box(board.rank(owner()));
        }
    });
    measure("record at a rank", LOOKS, || {
        for _ in 0..LOOKS {
            black_box(board.at(u64::from(rng.below(RECORDS)) + 1));
        }
    });
    measure("100 records around an owner", LOOKS, || {
        for _ in 0..LOOKS {
            let rank = board.rank(owner()).unwrap_or(1);
            let around = board.range(rank.saturating_sub(50)..rank + 50);
            black_box(around.map(|ranked| ranked.rank).sum::<u64>());
        }
    });
    measure("update", LOOKS, || {
        for _ in 0..LOOKS {
            board.set(owner(), record(&mut rng).1);
        }
    });
    memory("after updating", &board);

    let sorted: Vec<_> = board
        .range(1..u64::MAX)
        .map(|ranked| (ranked.owner, ranked.standing))
        .collect();
    measure("load, sorted", RECORDS, || {
        board = Ranks::load(order, sorted.iter().copied());
    });
    memory("after loading", &board);
}

fn inserted(order: RankOrder, records: &[(Uuid, Standing)]) -> Ranks {
    let mut board = Ranks::new(order);
    for (owner, standing) in records {
        board.set(*owner, *standing);
    }
    board
}

fn record(rng: &mut Rng) -> (Uuid, Standing) {
    let mut owner = [0; 16];
    owner.fill_with(|| rng.next_u64() as u8);
    let standing = Standing {
        score: rng.below(100_000).into(),
        subscore: 0,
        updated: rng.below(1_000).into(),
    };
    (Uuid::from_random(owner), standing)
}

fn memory(when: &str, board: &Ranks) {
    let each = board.memory_bytes() as f64 / board.len() as f64;
    println!("  {when}: {each:.1} bytes a record");
}

/// Memory of this process; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|it| it.parse().ok());
    pages.unwrap_or(0) * 4_096
}

fn queries() -> Result<(), QueryError> {
    const DOCUMENTS: u32 = 100_000;
    const QUERY: &str = "+label.mode:ranked +label.level:>=5 +label.level:<10 label.region:eu^5";
    let mut rng = Rng::new(1);
    let documents: Vec<Document> = (0..DOCUMENTS).map(|_| document(&mut rng)).collect();
    measure("read a query", 1_000, || {
        for _ in 0..1_000 {
            black_box(Query::parse(black_box(QUERY)).is_ok());
        }
    });
    for text in [
        QUERY,
        "+label.region:e* -label.name:room-?0",
        "+label.region:/e[a-z]|us/",
        "label.name:room-10~1",
    ] {
        let query = Query::parse(text)?;
        let found =
            |documents: &[Document]| documents.iter().filter(|it| query.matches(it)).count();
        println!("{text}: {} of {DOCUMENTS} found", found(&documents));
        measure("  over all documents", DOCUMENTS, || {
            black_box(found(&documents));
        });
        measure("  over the same 100 documents", DOCUMENTS, || {
            for _ in 0..DOCUMENTS / 100 {
                black_box(found(&documents[..100]));
            }
        });
    }
    let mut hostile = Document::new();
    hostile.add_text("label.name", &"a".repeat(64));
    let query = Query::parse("label.name:/((a?){30}){8}b/")?;
    measure("a hostile expression on 64 letters", 100, || {
        for _ in 0..100 {
            black_box(query.matches(&hostile));
        }
    });
    Ok(())
}

fn document(rng: &mut Rng) -> Document {
    let mode = ["ranked", "casual"][rng.below(2) as usize];
    let region = ["eu", "us", "ap"][rng.below(3) as usize];
    let label = serde_json::json!({
        "level": rng.below(20),
        "mode": mode,
        "name": format!("room-{}", rng.below(100)),
        "open": rng.below(2) == 0,
        "region": region,
    });
    let mut document = Document::new();
    document.add_json("label", &label);
    document.add_number("size", 4.0);
    document
}

fn measure(name: &str, times: u32, mut round: impl FnMut()) {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let begin = Instant::now();
        round();
        best = best.min(begin.elapsed());
    }
    println!(
        "{name}: {:.0} ns each",
        best.as_secs_f64() * 1e9 / f64::from(times)
    );
}
