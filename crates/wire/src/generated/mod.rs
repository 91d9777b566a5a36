//! What `cargo xtask codegen` writes: message types, their JSON code, the method table and the message kinds.

macro_rules! generated {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[allow(
            missing_docs,
            clippy::doc_markdown,
            clippy::large_enum_variant,
            clippy::match_same_arms,
            clippy::too_many_lines,
            clippy::trivially_copy_pass_by_ref,
            clippy::use_self,
            unused_qualifications,
            reason = "generated from the protocol files; names and shapes are theirs"
        )]
        pub mod $name;
    )*};
}

generated! {
    /// Requests and answers of the client API, package `nakama.api`.
    api,
    /// The kinds of socket messages.
    kind,
    /// One type per method of the client API.
    method,
    /// Messages of the socket, package `nakama.realtime`.
    realtime,
    /// Our own messages and extensions, package `tagus`.
    tagus,
}
