//! A studio's game backend in one binary.
