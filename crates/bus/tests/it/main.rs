//! The contract of the bus.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tagus_bus::{Bus, BusError, BusLimits, Listener};

type Heard = Arc<Mutex<Vec<(String, Bytes)>>>;

fn listen(bus: &Bus, subject: &str) -> (Heard, Listener) {
    let heard = Heard::default();
    let into = heard.clone();
    let listener = bus.listen(subject, move |subject, message| {
        into.lock()
            .unwrap()
            .push((subject.to_owned(), message.clone()));
    });
    (heard, listener.unwrap())
}

fn subjects(heard: &Heard) -> Vec<String> {
    let heard = heard.lock().unwrap();
    heard.iter().map(|(subject, _)| subject.clone()).collect()
}

#[test]
fn a_listener_hears_its_subject_and_those_below() {
    let bus = Bus::default();
    let (heard, _listener) = listen(&bus, "a.b");
    let said = Bytes::from_static(b"x");
    let reached = ["a.b", "a.b.c", "a.bc", "a", "b"].map(|subject| bus.publish(subject, &said));
    assert_eq!(reached, [Ok(1), Ok(1), Ok(0), Ok(0), Ok(0)]);
    assert_eq!(subjects(&heard), ["a.b", "a.b.c"]);
}

#[test]
fn all_listeners_hear_in_order_until_they_are_dropped() {
    let bus = Bus::default();
    let (first, listener) = listen(&bus, "s");
    let (second, _kept) = listen(&bus, "s");
    for number in 0..3_u8 {
        assert_eq!(bus.publish("s", &Bytes::from(vec![number])), Ok(2));
    }
    drop(listener);
    assert_eq!(bus.publish("s", &Bytes::from(vec![3])), Ok(1));
    let numbers = |heard: &Heard| -> Vec<u8> {
        let heard = heard.lock().unwrap();
        heard.iter().map(|(_, message)| message[0]).collect()
    };
    assert_eq!(numbers(&first), [0, 1, 2]);
    assert_eq!(numbers(&second), [0, 1, 2, 3]);
}

#[test]
fn a_sink_may_use_the_bus() {
    let bus = Bus::default();
    let (heard, _listener) = listen(&bus, "echo");
    let inner = bus.clone();
    let _asking = bus
        .listen("ask", move |_, message| {
            inner.publish("echo", message).unwrap();
        })
        .unwrap();
    bus.publish("ask", &Bytes::from_static(b"?")).unwrap();
    assert_eq!(subjects(&heard), ["echo"]);
}

#[test]
fn limits_hold_at_their_edges() {
    let bus = Bus::new(BusLimits {
        message_bytes_max: 3,
        subject_bytes_max: 2,
    });
    let message = Bytes::from_static(b"abc");
    assert_eq!(bus.publish("ab", &message), Ok(0));
    assert_eq!(
        bus.publish("ab", &Bytes::from_static(b"abcd")),
        Err(BusError::Message {
            bytes: 4,
            bytes_max: 3
        })
    );
    for (subject, bytes) in [("", 0), ("abc", 3)] {
        let refused = BusError::Subject {
            bytes,
            bytes_max: 2,
        };
        assert_eq!(bus.publish(subject, &message), Err(refused));
        assert_eq!(bus.listen(subject, |_, _| ()).unwrap_err(), refused);
    }
}

#[test]
fn many_threads_publish_at_once() {
    let bus = Bus::default();
    let (heard, _listener) = listen(&bus, "s");
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let bus = bus.clone();
            scope.spawn(move || {
                for number in 0..100_u8 {
                    bus.publish("s", &Bytes::from(vec![thread, number]))
                        .unwrap();
                }
            });
        }
    });
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 400);
    for thread in 0..4_u8 {
        let of_thread = heard.iter().filter(|(_, message)| message[0] == thread);
        assert!(of_thread.map(|(_, message)| message[1]).is_sorted());
    }
}
