//! Codecs, sockets and doors: bytes to frames.
