//! A door over loopback: who is let in, who is not, and the end.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use tagus_net::{Addresses, DoorCounts, Limits, Permit, TcpDoor, TcpDoorHandle, TrustedProxies};

#[test]
fn one_more_than_the_maximum_is_closed_and_counted() {
    let (door, admitted, _) = open(2, &[]);
    let _clients = [connect(&door), connect(&door)];
    let first = admitted.recv().unwrap();
    let _second = admitted.recv().unwrap();
    assert!(is_closed(&mut connect(&door)));
    let counts = DoorCounts {
        accepted: 2,
        refused_address: 1,
        ..DoorCounts::default()
    };
    assert_eq!(door.counts(), counts);

    drop(first);
    let _again = connect(&door);
    let _third = admitted.recv().unwrap();
    assert_eq!(door.counts().accepted, 3);
}

#[test]
fn a_trusted_proxys_connections_have_no_address_until_it_is_said() {
    let (door, admitted, addresses) = open(1, &["127.0.0.1"]);
    let _clients = [connect(&door), connect(&door)];
    let (mut first, mut second) = (admitted.recv().unwrap(), admitted.recv().unwrap());
    assert_eq!(
        (addresses.connection_count(), addresses.address_count()),
        (2, 0)
    );
    let client = "192.0.2.1".parse().unwrap();
    assert!(first.1.name(client).is_ok());
    assert!(second.1.name(client).is_err());
}

#[test]
fn closing_ends_the_thread_and_throws_nobody_out() {
    let (door, admitted, _) = open(9, &[]);
    let mut client = connect(&door);
    let (stream, permit) = admitted.recv().unwrap();
    door.close().unwrap();
    assert!(
        admitted.recv().is_err(),
        "thread, listener and closure are gone"
    );
    client.set_nonblocking(true).unwrap();
    let err = client.read(&mut [0]).unwrap_err();
    assert_eq!(err.kind(), std::io::ErrorKind::WouldBlock);
    drop((stream, permit));
}

#[test]
fn a_panic_in_the_callback_is_reported_at_close() {
    let door = door(&Addresses::new(&Limits::default()), &[]);
    let door = door.start(|_, _, _| panic!("on purpose")).unwrap();
    assert!(is_closed(&mut connect(&door)));
    assert!(door.close().is_err());
}

type Admitted = Receiver<(TcpStream, Permit)>;

fn open(
    connections_per_address_max: u32,
    trusted: &[&str],
) -> (TcpDoorHandle, Admitted, Addresses) {
    let limits = Limits {
        connections_per_address_max,
        ..Limits::default()
    };
    let addresses = Addresses::new(&limits);
    let (sender, admitted) = channel();
    let handle = door(&addresses, trusted)
        .start(move |stream, _, permit| sender.send((stream, permit)).unwrap())
        .unwrap();
    (handle, admitted, addresses)
}

fn door(addresses: &Addresses, trusted: &[&str]) -> TcpDoor {
    TcpDoor {
        name: "door-test",
        listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        addresses: addresses.clone(),
        trusted_proxies: Arc::new(TrustedProxies::parse(trusted).unwrap()),
    }
}

fn connect(door: &TcpDoorHandle) -> TcpStream {
    TcpStream::connect(door.local_addr()).unwrap()
}

/// Waits for the other side to end the connection.
fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0]), Ok(0) | Err(_))
}
