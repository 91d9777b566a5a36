//! Hashing on its own threads.

use std::sync::Arc;

use tagus_players::{Hasher, HasherConfig, PasswordCost, PlayersError, PlayersMetrics, Secret};

use crate::house::{QUICK, random};

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

#[tokio::test]
async fn a_hash_is_argon2id_salted_and_verifies_its_password_alone() {
    let (hasher, threads) = Hasher::start(QUICK, random(1), &PlayersMetrics::default()).unwrap();
    let hash = hasher.hash(secret("password")).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
    assert_ne!(hasher.hash(secret("password")).await.unwrap(), hash);
    assert!(
        hasher
            .verify(hash.clone(), secret("password"))
            .await
            .unwrap()
    );
    assert!(!hasher.verify(hash, secret("Password")).await.unwrap());
    hasher.verify_nothing(secret("password")).await.unwrap();
    threads.stop();
}

#[tokio::test]
async fn the_default_cost_is_the_recommended_one_and_old_hashes_keep_theirs() {
    let config = HasherConfig::default();
    assert_eq!(
        config.cost,
        PasswordCost {
            memory_kib: 19_456,
            passes: 2
        }
    );
    let (hasher, threads) = Hasher::start(config, random(1), &PlayersMetrics::default()).unwrap();
    let hash = hasher.hash(secret("password")).await.unwrap();
    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
    hasher.verify_nothing(secret("password")).await.unwrap();
    threads.stop();
    let (quick, threads) = Hasher::start(QUICK, random(1), &PlayersMetrics::default()).unwrap();
    assert!(quick.verify(hash, secret("password")).await.unwrap());
    threads.stop();
}

#[tokio::test]
async fn an_unreadable_hash_is_our_error() {
    let (hasher, threads) = Hasher::start(QUICK, random(1), &PlayersMetrics::default()).unwrap();
    for hash in [
        "",
        "password",
        "$argon2id$v=19$m=8,t=1,p=1$AAAA",
        "$2b$13$abc",
    ] {
        let verified = hasher.verify(hash.to_owned(), secret("password")).await;
        match verified {
            Err(PlayersError::Hash(_)) | Ok(false) => {}
            other => panic!("{hash}: {other:?}"),
        }
    }
    threads.stop();
}

#[tokio::test]
async fn a_full_queue_is_busy_and_a_stopped_hasher_says_so() {
    let config = HasherConfig {
        queue_len_max: 0,
        ..QUICK
    };
    let (hasher, threads) = Hasher::start(config, random(1), &PlayersMetrics::default()).unwrap();
    let refused = hasher.hash(secret("password")).await;
    assert!(
        matches!(refused, Err(PlayersError::HasherBusy)),
        "{refused:?}"
    );
    threads.stop();
    let (hasher, threads) = Hasher::start(QUICK, random(1), &PlayersMetrics::default()).unwrap();
    threads.stop();
    let refused = hasher.verify(String::new(), secret("password")).await;
    assert!(
        matches!(refused, Err(PlayersError::HasherStopped)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn many_at_once_are_all_answered() {
    let config = HasherConfig {
        threads: 2,
        queue_len_max: 100,
        ..QUICK
    };
    let (hasher, threads) = Hasher::start(config, random(1), &PlayersMetrics::default()).unwrap();
    let hash: Arc<str> = hasher.hash(secret("7")).await.unwrap().into();
    let tasks: Vec<_> = (0..100)
        .map(|number: u32| {
            let (hasher, hash) = (hasher.clone(), Arc::clone(&hash));
            tokio::spawn(async move {
                hasher
                    .verify(hash.to_string(), secret(&number.to_string()))
                    .await
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap().unwrap(), number == 7);
    }
    threads.stop();
}

#[test]
fn a_cost_out_of_range_does_not_start() {
    let cost = PasswordCost {
        memory_kib: 1,
        passes: 0,
    };
    assert!(
        Hasher::start(
            HasherConfig { cost, ..QUICK },
            random(1),
            &PlayersMetrics::default()
        )
        .is_err()
    );
}
