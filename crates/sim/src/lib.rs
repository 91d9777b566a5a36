//! Virtual time: rooms and players in one thread. Tests only.
