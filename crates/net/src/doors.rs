//! A listening TCP port with a thread of its own: admission is decided here, before a byte is read.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::{Events, Interest, Poll, Token, Waker};

use crate::{Addresses, Permit, Refused, TrustedProxies};

/// A door that is about to be opened with [`TcpDoor::start`].
#[derive(Debug)]
pub struct TcpDoor {
    /// Name of the door's thread, for example `door-tcp`; Linux shows 15 bytes of it.
    pub name: &'static str,
    /// A listener in any mode.
    pub listener: TcpListener,
    /// Where every connection gets its permit.
    pub addresses: Addresses,
    /// Peers whose connections get a permit without an address, to be named when the proxy has said whose they are.
    pub trusted_proxies: Arc<TrustedProxies>,
}

/// An open door. Dropping it closes the door.
#[derive(Debug)]
pub struct TcpDoorHandle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    local_addr: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    waker: Waker,
    closing: AtomicBool,
}

impl TcpDoor {
    /// Opens the door: a thread calls `on_connection` with each connection (non-blocking), its peer, and its permit or
    /// why it gets none.
    ///
    /// `on_connection` should only hand over; while it runs nobody else is let in.
    /// A connection without a permit is there to be counted, and closed at once by being dropped.
    ///
    /// # Errors
    /// What the operating system says when the listener cannot be watched or the thread cannot be started.
    pub fn start(
        self,
        mut on_connection: impl FnMut(TcpStream, SocketAddr, Result<Permit, Refused>) + Send + 'static,
    ) -> io::Result<TcpDoorHandle> {
        self.listener.set_nonblocking(true)?;
        let local_addr = self.listener.local_addr()?;
        let mut listener = mio::net::TcpListener::from_std(self.listener);
        let mut poll = Poll::new()?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        let shared = Arc::new(Shared {
            waker: Waker::new(poll.registry(), WAKER)?,
            closing: AtomicBool::new(false),
        });
        let door = Arc::clone(&shared);
        let admit = move |peer: SocketAddr| {
            if self.trusted_proxies.contains(peer.ip()) {
                return self.addresses.take_unnamed();
            }
            self.addresses.take(peer.ip())
        };
        let thread = thread::Builder::new()
            .name(self.name.to_owned())
            .spawn(move || {
                let mut events = Events::with_capacity(2);
                let mut pause = None;
                while !door.closing.load(Relaxed) {
                    // A signal or a spurious end of waiting costs one look at the listener.
                    drop(poll.poll(&mut events, pause));
                    pause = door.accept_all(&listener, &admit, &mut on_connection);
                }
            })?;
        Ok(TcpDoorHandle {
            shared,
            thread: Some(thread),
            local_addr,
        })
    }
}

impl TcpDoorHandle {
    /// The address that is listened on, with its real port.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Closes the door and waits for its thread. Connections that were handed over live on.
    ///
    /// # Errors
    /// The payload of a panic in `on_connection`, which had closed the door early.
    pub fn close(mut self) -> thread::Result<()> {
        self.stop()
    }

    fn stop(&mut self) -> thread::Result<()> {
        self.shared.closing.store(true, Relaxed);
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        // The waker fails only when the poll is gone, and with it the thread.
        drop(self.shared.waker.wake());
        thread.join()
    }
}

impl Drop for TcpDoorHandle {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

impl Shared {
    /// Accepts until nobody waits; answers how long to wait at most before the next look.
    fn accept_all(
        &self,
        listener: &mio::net::TcpListener,
        admit: &impl Fn(SocketAddr) -> Result<Permit, Refused>,
        on_connection: &mut impl FnMut(TcpStream, SocketAddr, Result<Permit, Refused>),
    ) -> Option<Duration> {
        while !self.closing.load(Relaxed) {
            let (stream, peer) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => return None,
                Err(err) => {
                    tracing::warn!(%err, "accept failed: the peer had gone, or files or memory are short");
                    return Some(ACCEPT_PAUSE);
                }
            };
            on_connection(stream.into(), peer, admit(peer));
        }
        None
    }
}

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
/// Wait after a failure to accept: those who wait bring no new event, and files that are short need time to come back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
