//! The non-blocking stream socket that a shard drives, in the clear or with TLS.

use std::io::{self, ErrorKind, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};

use mio::event::Source as _;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::ServerConnection;

/// A connected stream socket in non-blocking mode with `TCP_NODELAY`.
///
/// Driving order: register it, then call [`Socket::read`] once without waiting for an event, since TLS may
/// already hold plaintext that no event will announce.
/// Events are edge-triggered: read until `WouldBlock`, and write or [`Socket::flush`] until `WouldBlock` or done.
/// While [`Socket::wants_write`] is true, flush at the next writable event.
#[derive(Debug)]
pub enum Socket {
    /// Bytes as they are.
    Plain(TcpStream),
    /// Bytes through TLS.
    Tls(Box<TlsSocket>),
}

/// The TLS half of a [`Socket`].
#[derive(Debug)]
pub struct TlsSocket {
    stream: TcpStream,
    tls: ServerConnection,
    /// The write half is to be shut as soon as everything encrypted has left.
    closing: bool,
}

impl Socket {
    /// Takes over a connected stream.
    ///
    /// # Errors
    /// What the operating system says to `O_NONBLOCK` and `TCP_NODELAY`.
    pub fn plain(stream: std::net::TcpStream) -> io::Result<Self> {
        Ok(Self::Plain(non_blocking(stream)?))
    }

    /// Takes over a connected stream whose TLS handshake may be anywhere between its first byte and long finished;
    /// plaintext that `tls` already holds is read first.
    ///
    /// # Errors
    /// As [`Socket::plain`].
    pub fn tls(stream: std::net::TcpStream, mut tls: ServerConnection) -> io::Result<Self> {
        tls.set_buffer_limit(Some(TLS_BUFFER_BYTES_MAX));
        let stream = non_blocking(stream)?;
        Ok(Self::Tls(Box::new(TlsSocket {
            stream,
            tls,
            closing: false,
        })))
    }

    /// Reads into `buf` and answers how many bytes; 0 is the end of the stream.
    ///
    /// The end of a TLS stream without its closing alert counts as an end too: frames above have lengths of their own,
    /// so that a stream cut short is noticed there.
    ///
    /// # Errors
    /// `WouldBlock` when nothing has arrived, `InvalidData` when TLS fails (the alert has been sent if the socket took
    /// it), and what the operating system says.
    pub fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => uninterrupted(|| stream.read(buf)),
            Self::Tls(socket) => socket.read(buf),
        }
    }

    /// Writes from `bufs` in order and answers how many bytes were taken, never 0 unless `bufs` holds none.
    ///
    /// With TLS, bytes that were taken may still wait encrypted (at most about 64 KiB): see [`Socket::wants_write`].
    ///
    /// # Errors
    /// `WouldBlock` when nothing can be taken, and what the operating system says.
    pub fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Ok(0);
        }
        let taken = match (self, bufs) {
            // A sixteenth cheaper than a vectored write of one.
            (Self::Plain(stream), [buf]) => uninterrupted(|| stream.write(buf))?,
            (Self::Plain(stream), _) => uninterrupted(|| stream.write_vectored(bufs))?,
            (Self::Tls(socket), _) => socket.write_vectored(bufs)?,
        };
        if taken == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        Ok(taken)
    }

    /// Hands everything encrypted to the operating system; without TLS there is nothing to do.
    ///
    /// # Errors
    /// `WouldBlock` when some of it still waits, and what the operating system says.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(socket) => socket.flush(),
        }
    }

    /// Whether encrypted bytes wait for the socket to become writable.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(socket) => socket.tls.wants_write(),
        }
    }

    /// Ends the stream towards the peer after what was written so far; reading goes on.
    ///
    /// With TLS the end waits behind encrypted bytes that the socket does not take now: flush while
    /// [`Socket::wants_write`]. A socket already dead stays so silently: the next read says it.
    pub fn shutdown_write(&mut self) {
        match self {
            Self::Plain(stream) => drop(stream.shutdown(Shutdown::Write)),
            Self::Tls(socket) => socket.shutdown_write(),
        }
    }

    /// From here on a write is refused while the operating system holds so many bytes that it has not sent yet, so that
    /// what a slow peer is yet to be sent waits here, where it can be left out. A write that begins below the limit may
    /// go beyond it. Linux alone has this; elsewhere nothing is done.
    ///
    /// # Errors
    /// What the operating system says to `TCP_NOTSENT_LOWAT`.
    pub fn limit_unsent(&self, bytes: u32) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        socket2::SockRef::from(self.stream()).set_tcp_notsent_lowat(bytes)?;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let _ = bytes;
        Ok(())
    }

    /// What is received next is acknowledged along with what is sent soon after, if anything is (`TCP_QUICKACK` off):
    /// half of the packets of who answers in a while anyway. The operating system forgets it now and then, so it is
    /// to be said before each read. Linux alone has this; elsewhere nothing is done.
    pub fn delay_acknowledgement(&self) {
        // A socket that refuses it acknowledges at once, as without it.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        drop(socket2::SockRef::from(self.stream()).set_tcp_quickack(false));
    }

    /// The peer's address.
    ///
    /// # Errors
    /// What the operating system says, for example when the peer has gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream().peer_addr()
    }

    /// Starts events under `token`.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.stream_mut().register(registry, token, interest)
    }

    /// Changes token or interest; edges that have passed are announced again.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.stream_mut().reregister(registry, token, interest)
    }

    /// Stops events.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.stream_mut().deregister(registry)
    }

    fn stream(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(socket) => &socket.stream,
        }
    }

    fn stream_mut(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(socket) => &mut socket.stream,
        }
    }
}

impl TlsSocket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        for _ in 0..TLS_READS_MAX {
            match self.tls.reader().read(buf) {
                Err(err) if err.kind() == ErrorKind::WouldBlock => {}
                Err(err) if err.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                done => return done,
            }
            // At the end of the stream 0 bytes are read, and the reader says so in the next round.
            uninterrupted(|| self.tls.read_tls(&mut self.stream))?;
            let state = self.tls.process_new_packets();
            // Handshake answers and alerts. A socket that takes no more is flushed when writable, and a dead one is
            // noticed by the next read.
            drop(self.flush());
            state.map_err(|err| io::Error::new(ErrorKind::InvalidData, err))?;
        }
        Err(io::Error::new(
            ErrorKind::InvalidData,
            "tls records without content",
        ))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.flush()?;
        let taken = self.tls.writer().write_vectored(bufs)?;
        if taken == 0 {
            // Before the handshake is finished plaintext waits too, up to the same limit.
            return Err(ErrorKind::WouldBlock.into());
        }
        match self.flush() {
            Err(err) if err.kind() != ErrorKind::WouldBlock => Err(err),
            Ok(()) | Err(_) => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            if uninterrupted(|| self.tls.write_tls(&mut self.stream))? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        if std::mem::take(&mut self.closing) {
            drop(self.stream.shutdown(Shutdown::Write));
        }
        Ok(())
    }

    fn shutdown_write(&mut self) {
        self.tls.send_close_notify();
        self.closing = true;
        drop(self.flush());
    }
}

fn non_blocking(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    Ok(TcpStream::from_std(stream))
}

/// Repeats `call` while a signal interrupts it.
fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Encrypted bytes (or, before the handshake is finished, plaintext) that wait inside TLS; at the limit a write takes
/// no more. Four records of the greatest size: enough for one system call to be worth its price.
const TLS_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Reads from the operating system that may go by without any plaintext while more is waiting. A handshake and the
/// longest record take some ten; a peer beyond this bound sends empty records to keep the thread busy, and is closed.
const TLS_READS_MAX: usize = 256;
