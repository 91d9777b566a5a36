//! Groups and who belongs to them.
//!
//! A group's `edge_count` is the number of its edges with a state up to [`MEMBER_STATE_MAX`]. Whatever changes edges locks
//! the group's row before, so that the count, the limit and the last owner are decided one after another.

use tagus_base::{UnixMillis, UserId, Uuid};

use crate::code;
use crate::error::{Conflict, StoreError};
use crate::sql::{Query, Row, RowError, Step, locking, params};
use crate::store::Store;

/// A group. Texts are stored as they are: no rule about them is known here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupRow {
    /// Its id.
    pub id: Uuid,
    /// Who made it; the account may be gone.
    pub creator_id: UserId,
    /// Unique; upper and lower case differ.
    pub name: String,
    /// Free text; may be empty.
    pub description: String,
    /// Language tag.
    pub lang_tag: String,
    /// A JSON object as text.
    pub metadata: String,
    /// Address of a picture; may be empty.
    pub avatar_url: String,
    /// Whether who asks to join belongs to it at once.
    pub open: bool,
    /// Members; kept by the edges' operations, and 0 when a group is added.
    pub edge_count: u64,
    /// Members at most.
    pub max_count: u64,
    /// When it was made.
    pub create_time: UnixMillis,
    /// When it or its members last changed.
    pub update_time: UnixMillis,
}

/// How an account stands to a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GroupEdgeRow {
    /// The group.
    pub group_id: Uuid,
    /// The account.
    pub user_id: UserId,
    /// A small number: 0 owns the group, those up to [`MEMBER_STATE_MAX`] are members.
    pub state: i64,
    /// When it got this state.
    pub update_time: UnixMillis,
}

/// What to change on a group; `None` leaves a column as it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupPatch {
    /// See [`GroupRow::name`].
    pub name: Option<String>,
    /// See [`GroupRow::description`].
    pub description: Option<String>,
    /// See [`GroupRow::lang_tag`].
    pub lang_tag: Option<String>,
    /// See [`GroupRow::metadata`].
    pub metadata: Option<String>,
    /// See [`GroupRow::avatar_url`].
    pub avatar_url: Option<String>,
    /// See [`GroupRow::open`].
    pub open: Option<bool>,
    /// See [`GroupRow::max_count`].
    pub max_count: Option<u64>,
    /// When the change was made; always written.
    pub update_time: UnixMillis,
}

/// What is written of groups.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum GroupOp {
    /// Adds a group without members.
    /// Conflicts: `GroupNameTaken`.
    Insert(Box<GroupRow>),
    /// Changes a group.
    /// Conflicts: `Missing`, `GroupNameTaken`, `GroupFull` where it has more members than the new limit.
    Update {
        /// Which.
        id: Uuid,
        /// What to change.
        patch: Box<GroupPatch>,
    },
    /// Deletes a group with its edges.
    /// Conflicts: `Missing`.
    Delete {
        /// Which.
        id: Uuid,
    },
    /// Locks a group and looks whether it is open.
    /// Conflicts: `Changed` where it is not as expected, or not there.
    ExpectOpen {
        /// Which.
        id: Uuid,
        /// What is expected.
        open: bool,
    },
    /// Locks a group and looks how an account stands to it.
    /// Conflicts: `Changed` where it is not in this state.
    ExpectEdge {
        /// Which group.
        group_id: Uuid,
        /// Which account.
        user_id: UserId,
        /// The state.
        state: i64,
    },
    /// Gives an account's edge another state, adds or removes it; the group's `edge_count` follows.
    /// Conflicts: `Missing` without the group or, for a new edge, the account; `Changed` where it is not in the state
    /// `from`; `GroupFull` for a member more than the limit; `LastOwner` where the edge owned the group and no other does.
    Move {
        /// Which group.
        group_id: Uuid,
        /// Which account.
        user_id: UserId,
        /// Its state until now; none: there is no edge.
        from: Option<i64>,
        /// Its state from now on; none: there is no edge.
        to: Option<i64>,
        /// When.
        time: UnixMillis,
    },
}

/// The greatest state of members; greater ones are requests and bans.
pub const MEMBER_STATE_MAX: i64 = 2;

impl GroupOp {
    pub(crate) fn into_steps(self, out: &mut Vec<Step>) {
        match self {
            Self::Insert(row) => out.push(insert(*row)),
            Self::Update { id, patch } => {
                out.push(lock(id).or(Conflict::Missing));
                out.push(update(id, *patch));
            }
            Self::Delete { id } => {
                let delete = "DELETE FROM player_group WHERE id = $1";
                out.push(Step::write(delete, params![id]).or(Conflict::Missing));
                out.push(code::delete_all(id));
            }
            Self::ExpectOpen { id, open } => {
                let sql = locking!("SELECT 1 FROM player_group WHERE id = $1 AND open = $2");
                out.push(Step::check(sql, params![id, open]).or(Conflict::Changed));
            }
            Self::ExpectEdge {
                group_id,
                user_id,
                state,
            } => {
                out.push(lock(group_id).or(Conflict::Changed));
                let sql =
                    "SELECT 1 FROM group_edge WHERE group_id = $1 AND user_id = $2 AND state = $3";
                out.push(Step::check(sql, params![group_id, user_id, state]).or(Conflict::Changed));
            }
            Self::Move {
                group_id,
                user_id,
                from,
                to,
                time,
            } => {
                out.push(lock(group_id).or(Conflict::Missing));
                let edge = GroupEdgeRow {
                    group_id,
                    user_id,
                    state: to.unwrap_or_default(),
                    update_time: time,
                };
                out.extend(match (from, to) {
                    (None, None) => None,
                    (None, Some(_)) => Some(insert_edge(edge)),
                    (Some(from), Some(_)) => Some(change_edge(edge, from)),
                    (Some(from), None) => Some(delete_edge(group_id, user_id, from)),
                });
                count(group_id, from, to, time, out);
            }
        }
    }
}

fn lock(id: Uuid) -> Step {
    let sql = locking!("SELECT 1 FROM player_group WHERE id = $1");
    Step::check(sql, params![id])
}

fn insert(row: GroupRow) -> Step {
    Step::write(
        "INSERT INTO player_group (id, creator_id, name, name_key, description, lang_tag, metadata, avatar_url,
            open, edge_count, max_count, create_time, update_time)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        params![
            row.id,
            row.creator_id,
            row.name.as_str(),
            name_key(&row.name),
            row.description,
            row.lang_tag,
            row.metadata,
            row.avatar_url,
            row.open,
            number(row.edge_count),
            number(row.max_count),
            row.create_time,
            row.update_time,
        ],
    )
}

fn update(id: Uuid, patch: GroupPatch) -> Step {
    Step::write(
        "UPDATE player_group SET
            name = coalesce($1, name),
            name_key = coalesce($2, name_key),
            description = coalesce($3, description),
            lang_tag = coalesce($4, lang_tag),
            metadata = coalesce($5, metadata),
            avatar_url = coalesce($6, avatar_url),
            open = coalesce($7, open),
            max_count = coalesce($8, max_count),
            update_time = $9
         WHERE id = $10 AND edge_count <= coalesce($8, max_count)",
        params![
            patch.name.as_deref(),
            patch.name.as_deref().map(name_key),
            patch.description,
            patch.lang_tag,
            patch.metadata,
            patch.avatar_url,
            patch.open,
            patch.max_count.map(number),
            patch.update_time,
            id,
        ],
    )
    .or(Conflict::GroupFull)
}

fn insert_edge(edge: GroupEdgeRow) -> Step {
    Step::write(
        "INSERT INTO group_edge (group_id, user_id, state, update_time) VALUES ($1, $2, $3, $4)",
        params![edge.group_id, edge.user_id, edge.state, edge.update_time],
    )
}

fn change_edge(edge: GroupEdgeRow, from: i64) -> Step {
    let (group_id, user_id) = (edge.group_id, edge.user_id);
    Step::write(
        "UPDATE group_edge SET state = $1, update_time = $2
         WHERE group_id = $3 AND user_id = $4 AND state = $5",
        params![edge.state, edge.update_time, group_id, user_id, from],
    )
    .or(Conflict::Changed)
}

fn delete_edge(group_id: Uuid, user_id: UserId, from: i64) -> Step {
    Step::write(
        "DELETE FROM group_edge WHERE group_id = $1 AND user_id = $2 AND state = $3",
        params![group_id, user_id, from],
    )
    .or(Conflict::Changed)
}

/// What follows for a locked group from an edge that went from one state to another.
fn count(
    group_id: Uuid,
    from: Option<i64>,
    to: Option<i64>,
    time: UnixMillis,
    out: &mut Vec<Step>,
) {
    let is_member = |state: Option<i64>| state.is_some_and(|state| state <= MEMBER_STATE_MAX);
    match (is_member(from), is_member(to)) {
        (false, true) => out.push(
            Step::write(
                "UPDATE player_group SET edge_count = edge_count + 1, update_time = $1
                 WHERE id = $2 AND edge_count < max_count",
                params![time, group_id],
            )
            .or(Conflict::GroupFull),
        ),
        (true, false) => out.push(Step::write(
            "UPDATE player_group SET edge_count = edge_count - 1, update_time = $1 WHERE id = $2",
            params![time, group_id],
        )),
        _ => {}
    }
    if from == Some(0) && to != Some(0) {
        let owner = "SELECT 1 FROM group_edge WHERE group_id = $1 AND state = 0";
        out.push(Step::check(owner, params![group_id]).or(Conflict::LastOwner));
    }
}

/// What becomes of the groups of an account that is about to be deleted, in the same batch before its row goes.
/// Where it was the only owner, the member of the least state who has it longest owns the group; a group without
/// members goes as well. The account's row is locked first: no edge of it comes into being after that.
pub(crate) fn leave_all(user: UserId, time: UnixMillis, out: &mut Vec<Step>) {
    let account = locking!("SELECT 1 FROM account WHERE id = $1");
    out.push(Step::check(account, params![user]).or(Conflict::Missing));
    let groups = locking!(
        "SELECT 1 FROM player_group
         WHERE id IN (SELECT group_id FROM group_edge WHERE user_id = $1) ORDER BY id"
    );
    out.push(Step::check(groups, params![user]));
    out.push(Step::write(
        "UPDATE group_edge SET state = 0, update_time = $1
         WHERE state BETWEEN 1 AND 2
           AND group_id IN (SELECT own.group_id FROM group_edge own WHERE own.user_id = $2 AND own.state = 0)
           AND NOT EXISTS (SELECT 1 FROM group_edge other
               WHERE other.group_id = group_edge.group_id AND other.state = 0 AND other.user_id <> $2)
           AND NOT EXISTS (SELECT 1 FROM group_edge elder
               WHERE elder.group_id = group_edge.group_id AND elder.state BETWEEN 1 AND 2
                 AND (elder.state, elder.update_time, elder.user_id)
                   < (group_edge.state, group_edge.update_time, group_edge.user_id))",
        params![time, user],
    ));
    out.push(Step::write(
        "UPDATE player_group SET edge_count = edge_count - 1, update_time = $1
         WHERE id IN (SELECT group_id FROM group_edge WHERE user_id = $2 AND state <= 2)",
        params![time, user],
    ));
    out.push(Step::write(
        "DELETE FROM code WHERE subject IN (SELECT id FROM player_group
             WHERE edge_count = 0 AND id IN (SELECT group_id FROM group_edge WHERE user_id = $1 AND state <= 2))",
        params![user],
    ));
    out.push(Step::write(
        "DELETE FROM player_group
         WHERE edge_count = 0 AND id IN (SELECT group_id FROM group_edge WHERE user_id = $1 AND state <= 2)",
        params![user],
    ));
}

/// How names are compared when groups are looked for: letter by letter in lower case.
fn name_key(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Which groups are listed; `None` allows any.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupFilter {
    /// With exactly this language tag.
    pub lang_tag: Option<String>,
    /// Open or closed.
    pub open: Option<bool>,
    /// With at most so many members.
    pub edge_count_max: Option<u64>,
}

/// Which names are listed; upper and lower case are the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GroupNames {
    /// This one.
    Exactly(String),
    /// Those that begin so.
    Prefix(String),
}

/// A read of groups.
macro_rules! group_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, creator_id, name, description, lang_tag, metadata, avatar_url, open, edge_count, max_count, ",
            "create_time, update_time FROM player_group ",
            $condition
        )
    };
}

/// A read of edges.
macro_rules! edge_where {
    ($condition:literal) => {
        concat!(
            "SELECT group_id, user_id, state, update_time FROM group_edge ",
            $condition
        )
    };
}

impl Store {
    /// The groups with these ids, in the order of the ids; unknown ids are left out.
    /// The caller bounds how many it asks for.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn groups_by_ids(&self, ids: &[Uuid]) -> Result<Vec<GroupRow>, StoreError> {
        let by_id = |id: &Uuid| Query::new(group_where!("WHERE id = $1"), params![*id], decode);
        self.each(ids.iter().map(by_id).collect()).await
    }

    /// Groups that pass the filter, the fullest first, then by id, after the given place.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn groups(
        &self,
        filter: &GroupFilter,
        after: Option<(u64, Uuid)>,
        limit: u32,
    ) -> Result<Vec<GroupRow>, StoreError> {
        let (count, id) = after.map_or((i64::MAX, GREATEST), |(count, id)| (number(count), id));
        let most = filter.edge_count_max.map_or(i64::MAX, number);
        let (closed, open) = filter.open.map_or((false, true), |open| (open, open));
        let mut params = params![count, id, most, i64::from(closed), i64::from(open)];
        let sql = match &filter.lang_tag {
            None => group_where!(
                "WHERE (edge_count, id) < ($1, $2) AND edge_count <= $3 AND open BETWEEN $4 AND $5
                 ORDER BY edge_count DESC, id DESC LIMIT $6"
            ),
            Some(lang_tag) => {
                params.push(lang_tag.as_str().into());
                group_where!(
                    "WHERE (edge_count, id) < ($1, $2) AND edge_count <= $3 AND open BETWEEN $4 AND $5
                       AND lang_tag = $6
                     ORDER BY edge_count DESC, id DESC LIMIT $7"
                )
            }
        };
        params.push(i64::from(limit).into());
        self.all(Query::new(sql, params, decode)).await
    }

    /// Groups of these names, in order of the names in lower case, then by id, after the given place: a name and an id.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn groups_named(
        &self,
        names: &GroupNames,
        after: Option<(&str, Uuid)>,
        limit: u32,
    ) -> Result<Vec<GroupRow>, StoreError> {
        let (from, below) = match names {
            // The least text that is greater, as no text holds NUL.
            GroupNames::Exactly(name) => (name_key(name), name_key(name) + "\u{1}"),
            // Longer than what can follow the prefix, and no character is greater.
            GroupNames::Prefix(name) => {
                let most = char::MAX.to_string().repeat(NAME_CHARS_MAX);
                (name_key(name), name_key(name) + &most)
            }
        };
        let (name, id) = after.map_or_else(
            || (String::new(), Uuid::NIL),
            |(name, id)| (name_key(name), id),
        );
        let from = from.max(name.clone());
        let sql = group_where!(
            "WHERE name_key >= $1 AND name_key < $2 AND (name_key, id) > ($3, $4)
             ORDER BY name_key, id LIMIT $5"
        );
        let params = params![from, below, name, id, i64::from(limit)];
        self.all(Query::new(sql, params, decode)).await
    }

    /// How these accounts stand to a group, in the order of the ids; those who have nothing to do with it are left out.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn group_edges(
        &self,
        group_id: Uuid,
        users: &[UserId],
    ) -> Result<Vec<GroupEdgeRow>, StoreError> {
        let edge = |user: &UserId| {
            let sql = edge_where!("WHERE group_id = $1 AND user_id = $2");
            Query::new(sql, params![group_id, *user], decode_edge)
        };
        self.each(users.iter().map(edge).collect()).await
    }

    /// A group's edges with states in this range, by state, then time, then account, after the given place.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn group_members(
        &self,
        group_id: Uuid,
        states: (i64, i64),
        after: Option<(i64, UnixMillis, UserId)>,
        limit: u32,
    ) -> Result<Vec<GroupEdgeRow>, StoreError> {
        let sql = edge_where!(
            "WHERE group_id = $1 AND (state, update_time, user_id) > ($2, $3, $4) AND state <= $5
             ORDER BY state, update_time, user_id LIMIT $6"
        );
        let after = after.unwrap_or((states.0.saturating_sub(1), LATEST, UserId(GREATEST)));
        let params = params![
            group_id,
            after.0,
            after.1,
            after.2,
            states.1,
            i64::from(limit)
        ];
        self.all(Query::new(sql, params, decode_edge)).await
    }

    /// An account's edges with states in this range, by state, then time, then group, after the given place.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn groups_of(
        &self,
        user_id: UserId,
        states: (i64, i64),
        after: Option<(i64, UnixMillis, Uuid)>,
        limit: u32,
    ) -> Result<Vec<GroupEdgeRow>, StoreError> {
        let sql = edge_where!(
            "WHERE user_id = $1 AND (state, update_time, group_id) > ($2, $3, $4) AND state <= $5
             ORDER BY state, update_time, group_id LIMIT $6"
        );
        let after = after.unwrap_or((states.0.saturating_sub(1), LATEST, GREATEST));
        let params = params![
            user_id,
            after.0,
            after.1,
            after.2,
            states.1,
            i64::from(limit)
        ];
        self.all(Query::new(sql, params, decode_edge)).await
    }
}

fn decode(row: &mut Row) -> Result<GroupRow, RowError> {
    Ok(GroupRow {
        id: row.uuid(0)?,
        creator_id: row.user(1)?,
        name: row.text(2)?,
        description: row.text(3)?,
        lang_tag: row.text(4)?,
        metadata: row.text(5)?,
        avatar_url: row.text(6)?,
        open: row.bool(7)?,
        edge_count: row.count(8)?,
        max_count: row.count(9)?,
        create_time: row.time(10)?,
        update_time: row.time(11)?,
    })
}

fn decode_edge(row: &mut Row) -> Result<GroupEdgeRow, RowError> {
    Ok(GroupEdgeRow {
        group_id: row.uuid(0)?,
        user_id: row.user(1)?,
        state: row.int(2)?,
        update_time: row.time(3)?,
    })
}

const LATEST: UnixMillis = UnixMillis(i64::MAX as u64);
const GREATEST: Uuid = Uuid([0xff; 16]);

/// Characters that may follow a prefix in a name that is found by it.
const NAME_CHARS_MAX: usize = 256;
