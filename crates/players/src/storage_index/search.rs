//! A search: what it asks, in which order it answers, and where its page begins.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::Value as Json;
use tagus_base::UserId;

use super::entries::{Entries, Entry, EntryId};
use super::{STORAGE_INDEX_ORDER_MAX, StorageIndex, StorageIndexQuery, VALUE};
use crate::PlayersError;
use crate::cursor::{Cursor, CursorReader, MALFORMED, checked_limit};
use crate::query::{Occur, Query, Test};
use crate::storage::{ReadPermission, STORAGE_LIST_MAX, StorageObject};

pub(super) struct Search {
    query: Query,
    caller: Option<UserId>,
    limit: usize,
    order: Vec<Column>,
    /// Names the index, the query and the order in cursors.
    hash: i64,
    /// Only what comes behind this place.
    after: Option<Rank>,
    /// Nobody else's objects can be found.
    owner: Option<UserId>,
}

struct Column {
    what: What,
    is_descending: bool,
}

enum What {
    Score,
    Key,
    UserId,
    CreateTime,
    UpdateTime,
    /// The sortable field of this number.
    Field(usize),
}

/// A value to sort by.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SortValue {
    Bool(bool),
    Number(f64),
    Text(Box<str>),
    Missing,
}

/// An object that was found.
pub(super) struct Hit {
    values: Box<[SortValue]>,
    pub(super) id: Arc<EntryId>,
    pub(super) kept: Option<Arc<StorageObject>>,
}

/// A place in an order.
struct Rank {
    values: Box<[SortValue]>,
    id: EntryId,
}

impl Search {
    pub(super) fn new(
        definition: &StorageIndex,
        asked: &StorageIndexQuery<'_>,
    ) -> Result<Self, PlayersError> {
        checked_limit(asked.limit, STORAGE_LIST_MAX)?;
        if asked.order.len() > STORAGE_INDEX_ORDER_MAX {
            return Err(PlayersError::InvalidArgument(
                "A storage index sorts by at most 8 fields.",
            ));
        }
        let query = Query::parse(asked.query)?;
        let by = if asked.order.is_empty() {
            DEFAULT_ORDER
        } else {
            asked.order
        };
        let order = by.iter().map(|text| Column::parse(definition, text));
        let order = order.collect::<Result<Vec<_>, _>>()?;
        let texts = [&definition.name, asked.query].into_iter();
        let hash = hash_of(texts.chain(by.iter().copied()));
        let after = read_cursor(asked.cursor, hash, order.len())?;
        Ok(Self {
            owner: owner_of(&query),
            query,
            caller: asked.caller,
            limit: usize::try_from(asked.limit).unwrap_or_default(),
            order,
            hash,
            after,
        })
    }

    /// Looks at the next entries and appends what it finds; returns where to go on, or none at the end.
    pub(super) fn scan(
        &self,
        entries: &Entries,
        behind: Option<Arc<EntryId>>,
        work_left: &mut usize,
        hits: &mut Vec<Hit>,
    ) -> Result<Option<Arc<EntryId>>, PlayersError> {
        let mut portion_left = PORTION_WORK;
        for (id, entry) in entries.of(self.owner, behind.as_deref()) {
            let work = self.query.work(&entry.document);
            *work_left = work_left.checked_sub(work).ok_or(TOO_MUCH_WORK)?;
            hits.extend(self.hit(id, entry));
            if work >= portion_left {
                return Ok(Some(id.clone()));
            }
            portion_left -= work;
        }
        Ok(None)
    }

    fn hit(&self, id: &Arc<EntryId>, entry: &Entry) -> Option<Hit> {
        let may_read = self.caller.is_none_or(|caller| match entry.read {
            ReadPermission::Everybody => true,
            ReadPermission::Owner => caller == id.owner,
            ReadPermission::Nobody => false,
        });
        let score = may_read.then(|| self.query.score(&entry.document))??;
        let values = self.order.iter();
        let values: Box<[SortValue]> = values
            .map(|column| column.value(id, entry, score))
            .collect();
        if let Some(after) = &self.after
            && self.compare((&values, id), (&after.values, &after.id)) != Ordering::Greater
        {
            return None;
        }
        Some(Hit {
            values,
            id: id.clone(),
            kept: entry.kept.clone(),
        })
    }

    /// Drops what will not be on the page. One more than fits is kept, which says that there is another page.
    pub(super) fn keep_first(&self, hits: &mut Vec<Hit>) {
        hits.sort_by(|one, other| self.compare((&one.values, &one.id), (&other.values, &other.id)));
        hits.truncate(self.limit + 1);
    }

    /// The page, and the cursor of the next one.
    pub(super) fn page(&self, mut hits: Vec<Hit>) -> (Vec<Hit>, String) {
        let more = hits.len() > self.limit;
        hits.truncate(self.limit);
        let cursor = match hits.last() {
            Some(last) if more => {
                let mut cursor = Cursor::new(KIND).int(self.hash);
                for value in &last.values {
                    cursor = value.write(cursor);
                }
                cursor.uuid(last.id.owner.0).text(&last.id.key).write()
            }
            _ => String::new(),
        };
        (hits, cursor)
    }

    fn compare(&self, one: (&[SortValue], &EntryId), other: (&[SortValue], &EntryId)) -> Ordering {
        let values = one.0.iter().zip(other.0);
        let mut by_column = self.order.iter().zip(values).map(|(column, (one, other))| {
            let is_missing = |value: &SortValue| *value == SortValue::Missing;
            let order = one.compare(other);
            if column.is_descending && !is_missing(one) && !is_missing(other) {
                order.reverse()
            } else {
                order
            }
        });
        let first = by_column.find(|order| order.is_ne());
        first.unwrap_or_else(|| one.1.cmp(other.1))
    }
}

impl Column {
    fn parse(definition: &StorageIndex, text: &str) -> Result<Self, PlayersError> {
        let (is_descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let field = |name: &str| {
            let mut fields = definition.sortable_fields.iter();
            fields.position(|field| field == name).map(What::Field)
        };
        let what = match name {
            "score" => Some(What::Score),
            "key" => Some(What::Key),
            "user_id" => Some(What::UserId),
            "create_time" => Some(What::CreateTime),
            "update_time" => Some(What::UpdateTime),
            name => name.strip_prefix(VALUE).and_then(field),
        };
        let what = what.ok_or(PlayersError::InvalidArgument(
            "A storage index can only be sorted by its sortable fields.",
        ))?;
        Ok(Self {
            what,
            is_descending,
        })
    }

    fn value(&self, id: &EntryId, entry: &Entry, score: f64) -> SortValue {
        match self.what {
            What::Score => SortValue::Number(score),
            What::Key => SortValue::Text(id.key.clone()),
            What::UserId => SortValue::Text(id.owner.to_string().into()),
            // Exact up to the year 287396.
            What::CreateTime => SortValue::Number(entry.create_time.0 as f64),
            What::UpdateTime => SortValue::Number(entry.update_time.0 as f64),
            What::Field(number) => entry
                .sort
                .get(number)
                .cloned()
                .unwrap_or(SortValue::Missing),
        }
    }
}

impl SortValue {
    /// The value of a member. Of a text its beginning counts; lists and objects have no order.
    pub(super) fn of(member: Option<&Json>) -> Self {
        match member {
            Some(Json::Bool(value)) => Self::Bool(*value),
            Some(Json::Number(number)) => number.as_f64().map_or(Self::Missing, Self::Number),
            Some(Json::String(text)) => {
                Self::Text(text[..text.floor_char_boundary(SORT_TEXT_BYTES_MAX)].into())
            }
            Some(Json::Null | Json::Array(_) | Json::Object(_)) | None => Self::Missing,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (one, other) => one.kind().cmp(&other.kind()),
        }
    }

    const fn kind(&self) -> i64 {
        match self {
            Self::Bool(_) => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
            Self::Missing => 3,
        }
    }

    fn write(&self, cursor: Cursor) -> Cursor {
        let cursor = cursor.int(self.kind());
        match self {
            Self::Bool(value) => cursor.int((*value).into()),
            Self::Number(number) => cursor.int(number.to_bits().cast_signed()),
            Self::Text(text) => cursor.text(text),
            Self::Missing => cursor,
        }
    }

    fn read(cursor: &mut CursorReader) -> Result<Self, PlayersError> {
        Ok(match cursor.int()? {
            0 => Self::Bool(cursor.int()? != 0),
            1 => Self::Number(f64::from_bits(cursor.int()?.cast_unsigned())),
            2 => Self::Text(cursor.text()?.into()),
            3 => Self::Missing,
            _ => return Err(MALFORMED),
        })
    }
}

fn read_cursor(text: &str, hash: i64, columns: usize) -> Result<Option<Rank>, PlayersError> {
    if text.is_empty() {
        return Ok(None);
    }
    let mut read = Cursor::read(KIND, text)?;
    if read.int()? != hash {
        return Err(MALFORMED);
    }
    let values = (0..columns).map(|_| SortValue::read(&mut read));
    let values = values.collect::<Result<Box<[_]>, _>>()?;
    let owner = read.user()?;
    let key = read.text()?.into();
    read.end()?;
    let id = EntryId { owner, key };
    Ok(Some(Rank { values, id }))
}

/// The owner that a document must have for the query to hold.
fn owner_of(query: &Query) -> Option<UserId> {
    let must = query
        .clauses()
        .iter()
        .filter(|clause| clause.occur == Occur::Must);
    let mut owners = must.filter_map(|clause| match &clause.test {
        Test::Term(text) if &*clause.field == "user_id" => {
            let owner: UserId = text.parse().ok()?;
            // Other spellings of the id are no text of the document's.
            (*owner.to_string() == **text).then_some(owner)
        }
        _ => None,
    });
    owners.next()
}

/// FNV-1a; each text is closed by a byte that none has.
fn hash_of<'a>(texts: impl Iterator<Item = &'a str>) -> i64 {
    let bytes = texts.flat_map(|text| text.bytes().chain([0xff]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.cast_signed()
}

const DEFAULT_ORDER: &[&str] = &["-score", "-update_time"];
const KIND: u8 = 25;
const TOO_MUCH_WORK: PlayersError = PlayersError::FailedPrecondition(
    "The query takes too much work on this storage index, ask for one user or with fewer patterns.",
);
/// Work done while nobody else can write to the index, in the units of [`Query::work`].
const PORTION_WORK: usize = 16 * 1_024;
/// Bytes of a text that its order depends on.
const SORT_TEXT_BYTES_MAX: usize = 128;
