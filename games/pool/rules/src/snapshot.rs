//! The whole room as bytes, and back.

use std::sync::Arc;

use bytes::Bytes;
use tagus_base::Uuid;
use tagus_physics::{State, Table};

use crate::codec::{Reader, put_bytes};
use crate::config::{Config, table_of};
use crate::frame::{Chair, Frame, Group, Hand, Rules};
use crate::game::Pool;
use crate::messages::{Aim, TRACE_BYTES_MAX};
use crate::people::Chairs;
use crate::record::{RECORD_BYTES_MAX, put_end, put_turns, read_end, read_turns};
use crate::running::{Report, Running, Thought};
use crate::stroke::{Stroke, Verdict};

impl Frame {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.table.version.to_le_bytes());
        out.extend_from_slice(&[self.rules as u8, u8::from(self.is_alone)]);
        out.extend_from_slice(&self.seed.to_le_bytes());
        out.extend_from_slice(&self.reracks.to_le_bytes());
        out.extend_from_slice(&self.turn.to_le_bytes());
        out.extend_from_slice(&[
            self.player as u8,
            self.hand as u8,
            u8::from(self.is_break),
            u8::from(self.may_rerack),
        ]);
        out.extend(
            self.groups
                .map(|group| group.map_or(0, |group| group as u8)),
        );
        out.extend_from_slice(&self.time_outs);
        out.extend_from_slice(&self.fouls);
        put_end(out, self.end);
        let mut state = Vec::new();
        self.state.encode(&mut state);
        put_bytes(out, &state);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let table: Arc<Table> = table_of(reader.u16()?)?;
        Some(Self {
            rules: Rules::from_number(reader.u8()?)?,
            is_alone: reader.flag()?,
            seed: reader.u64()?,
            reracks: reader.u16()?,
            turn: reader.u16()?,
            player: Chair::from_number(reader.u8()?)?,
            hand: Hand::from_number(reader.u8()?)?,
            is_break: reader.flag()?,
            may_rerack: reader.flag()?,
            groups: [
                Group::from_number(reader.u8()?)?,
                Group::from_number(reader.u8()?)?,
            ],
            time_outs: reader.array()?,
            fouls: reader.array()?,
            end: read_end(reader)?,
            state: State::decode(&table, reader.bytes()?).ok()?,
            table,
        })
    }
}

impl Pool {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_bytes(out, &serde_json::to_vec(&self.config).unwrap_or_default());
        self.chairs.write(out);
        out.extend_from_slice(&self.game.to_le_bytes());
        out.extend_from_slice(&self.id.0);
        put_option(out, self.frame.as_ref(), |out, frame| frame.write(out));
        out.push(self.breaker as u8);
        put_turns(out, &self.turns);
        out.extend_from_slice(&self.hash.to_le_bytes());
        out.push(self.last);
        out.extend_from_slice(&self.turn_from_ms.to_le_bytes());
        put_option(out, self.running.as_ref(), put_running);
        put_option(out, self.thought.as_ref(), |out, thought| {
            out.extend_from_slice(&thought.token.to_le_bytes());
            put_option(out, thought.stroke.as_ref(), |out, stroke| {
                stroke.write(out)
            });
        });
        out.extend_from_slice(&self.token.to_le_bytes());
        put_option(out, self.aim.as_ref(), |out, (chair, aim)| {
            out.push(*chair as u8);
            aim.write(out);
        });
        out.extend_from_slice(&self.aimed_ms.to_le_bytes());
        out.extend_from_slice(&self.refused_count.to_le_bytes());
        out.extend_from_slice(&self.differs_count.to_le_bytes());
        put_option(out, self.report.as_ref(), |out, report| {
            out.push(report.chair);
            out.extend_from_slice(&report.game.to_le_bytes());
            out.extend_from_slice(&report.turn.to_le_bytes());
            out.extend_from_slice(&report.hash.to_le_bytes());
            put_bytes(out, &report.trace);
        });
        put_option(out, self.record.as_ref(), |out, record| {
            put_bytes(out, record)
        });
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let reader = &mut Reader(bytes);
        let config = Config::parse(reader.bytes()?).ok()?;
        let pool = Self {
            table: config.table(),
            chairs: Chairs::read(reader)?,
            game: reader.u16()?,
            id: Uuid(reader.array()?),
            frame: read_option(reader, Frame::read)?,
            breaker: Chair::from_number(reader.u8()?)?,
            turns: read_turns(reader, config.table().version)?,
            hash: reader.u64()?,
            last: reader.u8()?,
            turn_from_ms: reader.u64()?,
            running: read_option(reader, read_running)?,
            thought: read_option(reader, |reader| {
                Some(Thought {
                    token: reader.u64()?,
                    stroke: read_option(reader, Stroke::read)?,
                })
            })?,
            token: reader.u64()?,
            aim: read_option(reader, |reader| {
                Some((Chair::from_number(reader.u8()?)?, Aim::read(reader)?))
            })?,
            aimed_ms: reader.u64()?,
            refused_count: reader.u64()?,
            differs_count: reader.u64()?,
            report: read_option(reader, read_report)?,
            record: read_option(reader, |reader| {
                let bytes = reader.bytes()?;
                (bytes.len() <= RECORD_BYTES_MAX).then(|| Bytes::copy_from_slice(bytes))
            })?,
            config,
        };
        let frames = pool
            .frame
            .iter()
            .chain(pool.running.iter().map(|running| &running.before));
        let mut versions = frames.map(|frame| frame.table.version);
        let is_whole = versions.all(|version| version == pool.table.version);
        (is_whole && reader.is_empty()).then_some(pool)
    }
}

fn put_running(out: &mut Vec<u8>, running: &Running) {
    running.before.write(out);
    out.push(running.chair as u8);
    running.stroke.write(out);
    out.extend_from_slice(&running.struck_ms.to_le_bytes());
    out.extend_from_slice(&running.token.to_le_bytes());
    put_option(out, running.verdict.as_ref(), |out, verdict| {
        verdict.write(out);
    });
}

fn read_running(reader: &mut Reader<'_>) -> Option<Running> {
    Some(Running {
        before: Frame::read(reader)?,
        chair: Chair::from_number(reader.u8()?)?,
        stroke: Stroke::read(reader)?,
        struck_ms: reader.u64()?,
        token: reader.u64()?,
        verdict: read_option(reader, Verdict::read)?,
    })
}

fn read_report(reader: &mut Reader<'_>) -> Option<Report> {
    Some(Report {
        chair: reader.u8()?,
        game: reader.u16()?,
        turn: reader.u16()?,
        hash: reader.u64()?,
        trace: Some(reader.bytes()?)
            .filter(|trace| trace.len() <= TRACE_BYTES_MAX)?
            .to_vec(),
    })
}

fn put_option<T: ?Sized>(out: &mut Vec<u8>, value: Option<&T>, put: impl FnOnce(&mut Vec<u8>, &T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

fn read_option<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Option<T>,
) -> Option<Option<T>> {
    if reader.flag()? {
        return read(reader).map(Some);
    }
    Some(None)
}
