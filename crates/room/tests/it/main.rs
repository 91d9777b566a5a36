//! Behaviour of rooms through the public interface.

mod closing;
mod probe;
mod recording;
mod relay;
mod seats;
mod snapshot;
mod ticking;
