//! The bus through its public API.

use std::thread;

use bytes::Bytes;
use tagus_bus::{Bus, BusError, BusLimits, Published, Subscription};

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn drain(subscription: &Subscription) -> Vec<Bytes> {
    std::iter::from_fn(|| subscription.poll()).collect()
}

#[test]
fn each_subscriber_of_the_exact_subject_gets_each_message_in_order() {
    let bus = Bus::default();
    let (first, second) = (
        bus.subscribe("room.1").unwrap(),
        bus.subscribe("room.1").unwrap(),
    );
    let other = bus.subscribe("room").unwrap();
    for message in ["a", "b"] {
        let published = bus.publish("room.1", &text(message)).unwrap();
        assert_eq!(
            published,
            Published {
                queued_count: 2,
                dropped_count: 0
            }
        );
    }
    assert_eq!(drain(&first), ["a", "b"]);
    assert_eq!(drain(&second), ["a", "b"]);
    assert_eq!(drain(&other), [""; 0]);
    assert_eq!(first.poll(), None);
}

#[test]
fn what_was_published_before_or_to_nobody_is_gone() {
    let bus = Bus::default();
    assert_eq!(
        bus.publish("s", &text("early")).unwrap(),
        Published::default()
    );
    let late = bus.subscribe("s").unwrap();
    assert_eq!(late.poll(), None);
}

#[test]
fn a_dropped_subscription_leaves_nothing_behind() {
    let bus = Bus::default();
    let kept = bus.subscribe("s").unwrap();
    drop(bus.subscribe("s").unwrap());
    assert_eq!(bus.publish("s", &text("x")).unwrap().queued_count, 1);
    assert_eq!(bus.subject_count(), 1);
    drop(kept);
    assert_eq!(bus.subject_count(), 0);
}

#[test]
fn a_full_queue_drops_the_new_message_for_that_subscriber_alone_and_counts_it() {
    let bus = Bus::new(BusLimits {
        queue_len_max: 2,
        ..BusLimits::default()
    });
    let (slow, quick) = (bus.subscribe("s").unwrap(), bus.subscribe("s").unwrap());
    for message in ["a", "b"] {
        bus.publish("s", &text(message)).unwrap();
    }
    assert_eq!(drain(&quick), ["a", "b"]);
    let published = bus.publish("s", &text("c")).unwrap();
    assert_eq!(
        published,
        Published {
            queued_count: 1,
            dropped_count: 1
        }
    );
    assert_eq!(drain(&quick), ["c"]);
    assert_eq!((slow.dropped_count(), quick.dropped_count()), (1, 0));
    assert_eq!(drain(&slow), ["a", "b"]);
    assert_eq!(
        bus.publish("s", &text("d")).unwrap().queued_count,
        2,
        "room again"
    );
}

#[test]
fn lengths_are_checked_at_the_limit() {
    let limits = BusLimits {
        queue_len_max: 1,
        message_bytes_max: 3,
        subject_bytes_max: 4,
    };
    let bus = Bus::new(limits);
    let _subscription = bus.subscribe("four").unwrap();
    assert_eq!(bus.publish("four", &text("abc")).unwrap().queued_count, 1);
    assert_eq!(
        bus.publish("four", &text("abcd")),
        Err(BusError::Message {
            bytes: 4,
            bytes_max: 3
        })
    );
    for subject in ["", "fiver"] {
        let refused = BusError::Subject {
            bytes: subject.len(),
            bytes_max: 4,
        };
        assert_eq!(bus.publish(subject, &text("a")), Err(refused));
        assert_eq!(bus.subscribe(subject).unwrap_err(), refused);
    }
}

#[test]
fn threads_publish_side_by_side_and_each_keeps_its_order() {
    let bus = Bus::default();
    let subscription = bus.subscribe("s").unwrap();
    thread::scope(|scope| {
        for publisher in 0..4_u8 {
            let bus = bus.clone();
            scope.spawn(move || {
                for number in 0..100_u8 {
                    bus.publish("s", &Bytes::copy_from_slice(&[publisher, number]))
                        .unwrap();
                }
            });
        }
    });
    let messages = drain(&subscription);
    assert_eq!(messages.len(), 400);
    for publisher in 0..4 {
        let numbers = messages.iter().filter(|message| message[0] == publisher);
        assert!(numbers.map(|message| message[1]).eq(0..100));
    }
}
