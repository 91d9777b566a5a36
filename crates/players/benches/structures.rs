//! What ranks and queries cost. Prints one line per measurement: `cargo bench -p tagus-players`.
//! Budgets: a rank among a million records ≤ 50 µs, ≤ 80 bytes per record.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::hint::black_box;
use std::time::Instant;

use tagus_base::{Rng, Uuid};
use tagus_players::query::{Document, Query};
use tagus_players::ranks::{Direction, RankOrder, Ranks, Standing};

fn main() {
    // The test command runs benches as well, without this.
    if std::env::args().any(|argument| argument == "--bench") {
        query();
        ranks();
    }
}

fn query() {
    let text = "+label.mode:ranked +label.level:>=5 +label.level:<10 label.region:eu^5";
    let mut rng = Rng::new(1);
    let documents: Vec<Document> = (0..100_000).map(|_| document(&mut rng)).collect();
    let begin = Instant::now();
    for _ in 0..1_000 {
        black_box(Query::parse(black_box(text)).is_ok());
    }
    print("parse", begin, 1_000);
    for text in [
        text,
        "+label.region:e* -label.name:room-?0",
        "+label.region:/e[a-z]|us/",
        "label.name:room-10~1",
    ] {
        let Ok(query) = Query::parse(text) else {
            println!("not a query: {text}");
            continue;
        };
        let begin = Instant::now();
        let found = documents.iter().filter(|it| query.matches(it)).count();
        print(text, begin, documents.len());
        println!("  {found} of {} found", documents.len());
    }
}

fn document(rng: &mut Rng) -> Document {
    let mode = ["ranked", "casual"][rng.below(2) as usize];
    let region = ["eu", "us", "ap"][rng.below(3) as usize];
    let mut document = Document::new();
    document.add_json(
        "label",
        &serde_json::json!({
            "level": rng.below(20),
            "mode": mode,
            "name": format!("room-{}", rng.below(100)),
            "open": rng.below(2) == 0,
            "region": region,
        }),
    );
    document.add_number("size", 4.0);
    document
}

fn ranks() {
    const RECORDS: u32 = 1_000_000;
    let order = RankOrder::by_score(Direction::Descending);
    let mut rng = Rng::new(2);
    let owners: Vec<Uuid> = (0..RECORDS).map(|_| owner(&mut rng)).collect();

    let resident_before = resident_bytes();
    let mut board = Ranks::new(order);
    let begin = Instant::now();
    for (owner, updated) in owners.iter().zip(0..) {
        board.set(*owner, standing(&mut rng, updated));
    }
    print("insert, random order", begin, owners.len());
    memory("  after inserting", &board);
    let resident = resident_bytes().saturating_sub(resident_before);
    println!(
        "  of the process: {:.1} bytes a record",
        resident as f64 / f64::from(RECORDS)
    );

    let mut each = |name, work: &mut dyn FnMut(&mut Rng, Uuid)| {
        const TIMES: u32 = 200_000;
        let begin = Instant::now();
        for _ in 0..TIMES {
            let owner = owners[rng.below(RECORDS) as usize];
            work(&mut rng, owner);
        }
        print(name, begin, TIMES as usize);
    };
    each("rank of an owner", &mut |_, owner| {
        black_box(board.rank(owner));
    });
    each("record at a rank", &mut |rng, _| {
        black_box(board.at(u64::from(rng.below(RECORDS)) + 1));
    });
    each("100 records around an owner", &mut |_, owner| {
        let rank = board.rank(owner).unwrap_or(1);
        let around = board.range(rank.saturating_sub(50)..rank + 50);
        black_box(around.map(|ranked| ranked.rank).sum::<u64>());
    });
    each("update", &mut |rng, owner| {
        board.set(owner, standing(rng, 0));
    });
    memory("  after updating", &board);

    let sorted: Vec<_> = board
        .range(1..u64::MAX)
        .map(|it| (it.owner, it.standing))
        .collect();
    drop(board);
    let begin = Instant::now();
    let board = Ranks::load(order, sorted.iter().copied());
    print("load, sorted", begin, sorted.len());
    memory("  after loading", &board);
}

fn owner(rng: &mut Rng) -> Uuid {
    let mut bytes = [0; 16];
    bytes.fill_with(|| rng.next_u64() as u8);
    Uuid::from_random(bytes)
}

fn standing(rng: &mut Rng, updated: u64) -> Standing {
    Standing {
        score: i64::from(rng.below(100_000)),
        subscore: 0,
        updated,
    }
}

fn print(name: &str, begin: Instant, times: usize) {
    let nanos = begin.elapsed().as_nanos() as f64 / times as f64;
    println!("{name}: {nanos:.0} ns each");
}

fn memory(name: &str, board: &Ranks) {
    let each = board.memory_bytes() as f64 / board.len() as f64;
    println!("{name}: {each:.1} bytes a record");
}

/// Memory of this process; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4_096
}
