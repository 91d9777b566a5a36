//! Codes that people tell each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tagus_base::Uuid;
use tagus_players::{CodeKind, Codes, Random, Sqids};
use tagus_store::Store;

use crate::house::{House, join_all, random, refusal};

const UNKNOWN: (i32, &str) = (5, "Code not found.");

fn sqids() -> Sqids {
    Sqids::new("BCDFGHJKMNPQRSTVWXYZ23456789", 6).unwrap()
}

fn subject(number: u8) -> Uuid {
    Uuid([number; 16])
}

#[tokio::test]
async fn a_code_stands_for_its_subject_until_it_is_revoked() {
    let codes = Codes::new(Store::memory().unwrap(), random(1), sqids());
    let (friend, group) = (CodeKind::Friend, CodeKind::Group);
    let code = codes.code(friend, subject(1)).await.unwrap();
    assert_eq!(codes.code(friend, subject(1)).await.unwrap(), code);
    let of_group = codes.code(group, subject(1)).await.unwrap();
    assert_ne!(of_group, code);
    assert_eq!(codes.subject(friend, &code).await.unwrap(), subject(1));
    let lower = code.to_lowercase();
    assert_eq!(codes.subject(friend, &lower).await.unwrap(), subject(1));
    assert_eq!(refusal(codes.subject(group, &code).await), UNKNOWN);
    for wrong in ["", "A", "BCDFGH", "no code", &format!("{code}B")] {
        assert_eq!(
            refusal(codes.subject(friend, wrong).await),
            UNKNOWN,
            "{wrong}"
        );
    }
    codes.revoke(friend, subject(1)).await.unwrap();
    codes.revoke(friend, subject(1)).await.unwrap();
    assert_eq!(refusal(codes.subject(friend, &code).await), UNKNOWN);
    assert_eq!(codes.subject(group, &of_group).await.unwrap(), subject(1));
    assert_ne!(codes.code(friend, subject(1)).await.unwrap(), code);
}

#[tokio::test]
async fn taken_numbers_are_drawn_again_and_the_draw_gives_up() {
    let next = Arc::new(AtomicU32::new(0));
    let drawn = next.clone();
    // Each number comes twice.
    let twice: Random = Arc::new(move |bytes: &mut [u8]| {
        let number = drawn.fetch_add(1, Ordering::Relaxed) / 2;
        bytes.copy_from_slice(&number.to_le_bytes());
    });
    let store = Store::memory().unwrap();
    let codes = Codes::new(store.clone(), twice, sqids());
    for number in 1..=20 {
        codes.code(CodeKind::Friend, subject(number)).await.unwrap();
    }
    assert_eq!(next.load(Ordering::Relaxed), 39);
    let stuck: Random = Arc::new(|bytes: &mut [u8]| bytes.fill(0));
    let codes = Codes::new(store, stuck, sqids());
    let refused = codes.code(CodeKind::Friend, subject(99)).await;
    assert_eq!(refusal(refused), (10, "No code was free, try again."));
}

#[tokio::test]
async fn many_at_once_get_the_same_code() {
    let (house, _folder) = House::on_disk();
    let codes = Codes::new(house.store.clone(), random(1), sqids());
    let asked = (0..64).map(|_| codes.code(CodeKind::Friend, subject(1)));
    let told = join_all(asked.collect()).await;
    let first = told[0].as_ref().unwrap().clone();
    assert!(told.into_iter().all(|code| code.unwrap() == first));
}
