//! Short codes that people tell each other: an account's for friends, a group's for members.

use std::fmt;

use tagus_base::Uuid;
use tagus_store::{CodeOp, Conflict, Store};

use crate::{PlayersError, Random, Sqids};

/// What a code is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CodeKind {
    /// An account: whoever has its code may invite it to be friends.
    Friend,
    /// A group: whoever has its code may join, or ask to.
    Group,
}

impl CodeKind {
    const fn number(self) -> i64 {
        match self {
            Self::Friend => 0,
            Self::Group => 1,
        }
    }
}

/// The codes and their rules. Numbers are drawn at random: a code says nothing about others.
#[derive(Clone)]
pub struct Codes {
    store: Store,
    random: Random,
    sqids: Sqids,
}

impl Codes {
    /// Codes that lie in the store, written by `sqids`.
    #[must_use]
    pub const fn new(store: Store, random: Random, sqids: Sqids) -> Self {
        Self {
            store,
            random,
            sqids,
        }
    }

    /// The code of a subject; it is made when there is none. Whether the subject exists is for the caller to know.
    ///
    /// # Errors
    /// The database failed.
    pub async fn code(&self, kind: CodeKind, subject: Uuid) -> Result<String, PlayersError> {
        for _ in 0..ATTEMPTS_MAX {
            let found = self.store.code_of(kind.number(), subject).await;
            let found = found.map_err(PlayersError::store("read code"))?;
            if let Some(number) = found.and_then(|number| u32::try_from(number).ok()) {
                return Ok(self.sqids.encode(number));
            }
            let mut bytes = [0; 4];
            (self.random)(&mut bytes);
            let number = u32::from_le_bytes(bytes);
            let insert = CodeOp::Insert {
                number,
                kind: kind.number(),
                subject,
            };
            match self.store.commit(insert.into()).await {
                Ok(_) => return Ok(self.sqids.encode(number)),
                Err(error) if error.conflict() == Some(Conflict::Changed) => {}
                Err(source) => {
                    let attempt = "keep code";
                    return Err(PlayersError::Store { attempt, source });
                }
            }
        }
        Err(PlayersError::Aborted("No code was free, try again."))
    }

    /// What a code stands for.
    ///
    /// # Errors
    /// It stands for nothing of this kind.
    pub async fn subject(&self, kind: CodeKind, code: &str) -> Result<Uuid, PlayersError> {
        let unknown = PlayersError::NotFound("Code not found.");
        let Some(number) = self.sqids.decode(code) else {
            return Err(unknown);
        };
        let found = self.store.code_subject(kind.number(), number).await;
        found
            .map_err(PlayersError::store("read code"))?
            .ok_or(unknown)
    }

    /// Revokes the code of a subject; the next one is another. Fine where there is none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn revoke(&self, kind: CodeKind, subject: Uuid) -> Result<(), PlayersError> {
        let kind = kind.number();
        let deleted = self.store.commit(CodeOp::Delete { kind, subject }.into());
        let deleted = deleted.await;
        deleted
            .map(drop)
            .map_err(PlayersError::store("revoke code"))
    }
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codes").finish_non_exhaustive()
    }
}

/// Numbers drawn until one is free; with millions of codes the first one nearly always is.
const ATTEMPTS_MAX: usize = 16;
