//! One thread a core: connections, rooms, ticks and writes.
