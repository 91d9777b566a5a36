//! Client of the Tagus API and socket.
