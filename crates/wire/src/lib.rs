//! Protocol messages, their JSON dialect, the method table and TCP framing.
