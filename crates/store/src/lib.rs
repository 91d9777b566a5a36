//! Durable rows in SQL: SQLite.
