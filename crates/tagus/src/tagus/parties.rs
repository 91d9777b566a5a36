//! Parties, for server code. Clients make them; [`PartyId::stream`] is where members are talked to and taken out.

use tagus_players::{Party, PartyFilter, PartyId, PartyPage, PartySettings};

use super::Tagus;
use crate::api::ApiError;

impl Tagus {
    /// A page of this node's parties that pass the filter, hidden ones too if it says so.
    ///
    /// # Errors
    /// A limit, query or cursor that is none, or a query that takes too much work.
    pub fn parties(&self, filter: &PartyFilter<'_>) -> Result<PartyPage, ApiError> {
        Ok(self.gateway.parties.list(filter)?)
    }

    /// A party as it is now, with its members.
    #[must_use]
    pub fn party(&self, id: &PartyId) -> Option<Party> {
        self.gateway.parties.get(id)
    }

    /// The code by which players join a party until it ends or its leader revokes it.
    ///
    /// # Errors
    /// No such party; there are too many codes.
    pub fn party_code(&self, id: &PartyId) -> Result<String, ApiError> {
        self.gateway.parties.code_of(id)
    }

    /// Changes whether a party is open and hidden, and its label; its members are told.
    ///
    /// # Errors
    /// No such party, or the label is too long.
    pub fn party_update(&self, id: &PartyId, settings: PartySettings) -> Result<(), ApiError> {
        self.gateway.parties.update(id, None, settings)
    }

    /// Ends a party; its members are told.
    ///
    /// # Errors
    /// No such party.
    pub fn party_close(&self, id: &PartyId) -> Result<(), ApiError> {
        self.gateway.parties.close(id, None)
    }
}
