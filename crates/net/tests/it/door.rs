//! A door over loopback: who is let in, who is not, and the end.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use tagus_net::{Addresses, Limits, Permit, Refused, TcpDoor, TcpDoorHandle, TrustedProxies};

#[test]
fn one_more_than_the_maximum_is_told_apart_and_closed() {
    let (door, arrived, _) = open(2, &[]);
    let _clients = [connect(&door), connect(&door)];
    let first = admitted(&arrived);
    let _second = admitted(&arrived);
    let mut third = connect(&door);
    let (stream, permit) = arrived.recv().unwrap();
    assert_eq!(permit.unwrap_err(), Refused::Address);
    drop(stream);
    assert!(is_closed(&mut third));

    drop(first);
    let _again = connect(&door);
    let _third = admitted(&arrived);
}

#[test]
fn a_trusted_proxys_connections_have_no_address_until_it_is_said() {
    let (door, arrived, addresses) = open(1, &["127.0.0.1"]);
    let _clients = [connect(&door), connect(&door)];
    let (mut first, mut second) = (admitted(&arrived), admitted(&arrived));
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
    let (door, arrived, _) = open(9, &[]);
    let mut client = connect(&door);
    let (stream, permit) = admitted(&arrived);
    door.close().unwrap();
    assert!(
        arrived.recv().is_err(),
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

type Arrived = Receiver<(TcpStream, Result<Permit, Refused>)>;

fn open(connections_per_address_max: u32, trusted: &[&str]) -> (TcpDoorHandle, Arrived, Addresses) {
    let limits = Limits {
        connections_per_address_max,
        ..Limits::default()
    };
    let addresses = Addresses::new(&limits);
    let (sender, arrived) = channel();
    let handle = door(&addresses, trusted)
        .start(move |stream, _, permit| sender.send((stream, permit)).unwrap())
        .unwrap();
    (handle, arrived, addresses)
}

/// The next connection, which must have got its permit.
fn admitted(arrived: &Arrived) -> (TcpStream, Permit) {
    let (stream, permit) = arrived.recv().unwrap();
    (stream, permit.unwrap())
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
