//! The whole room as bytes, and back.

use bytes::Bytes;
use tagus_base::Uuid;

use crate::codec::{Reader, put_bytes, put_option};
use crate::config::Config;
use crate::course::{Chair, Variant};
use crate::game::Duel;
use crate::keep::{ENDINGS_MAX, Ending, Held};
use crate::messages::{Aim, TRACE_BYTES_MAX};
use crate::people::Chairs;
use crate::record::{RECORD_BYTES_MAX, put_turns, read_turns};
use crate::running::{Report, Running, Thought};
use crate::sport::{Sport, read_game, write_game};
use crate::stroke::{Stroke, Verdict};

impl<S: Sport> Duel<S> {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_bytes(out, &serde_json::to_vec(&self.config).unwrap_or_default());
        self.variant.write(out);
        self.chairs.write(out);
        out.extend_from_slice(&self.game.to_le_bytes());
        out.extend_from_slice(&self.id.0);
        put_option(out, self.frame.as_ref(), |out, frame| {
            write_game(frame, out)
        });
        out.push(self.first as u8);
        put_turns(out, &self.turns);
        out.extend_from_slice(&self.hash.to_le_bytes());
        out.push(self.last);
        out.extend_from_slice(&self.turn_from_ms.to_le_bytes());
        put_option(out, self.limit_ms.as_ref(), |out, limit_ms| {
            out.extend_from_slice(&limit_ms.to_le_bytes());
        });
        put_option(out, self.running.as_ref(), put_running);
        put_option(out, self.thought.as_ref(), |out, thought| {
            out.extend_from_slice(&thought.token.to_le_bytes());
            put_option(out, thought.stroke.as_ref(), |out, stroke| {
                stroke.write(out)
            });
        });
        out.extend_from_slice(&self.token.to_le_bytes());
        put_option(out, self.loading.as_ref(), |out, token| {
            out.extend_from_slice(&token.to_le_bytes());
        });
        put_option(out, self.held.as_ref(), |out, held| held.write(out));
        out.push(self.endings.len() as u8);
        for ending in &self.endings {
            ending.write(out);
        }
        put_option(out, self.aim.as_ref(), |out, (chair, aim)| {
            out.push(*chair as u8);
            aim.write(out);
        });
        out.extend_from_slice(&self.aimed_ms.to_le_bytes());
        out.push(u8::from(self.has_chosen));
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
        let config: Config = serde_json::from_slice(reader.bytes()?).ok()?;
        let variant = Variant::read(reader)?;
        let duel = Self {
            config,
            variant,
            table: S::table_of(variant)?,
            chairs: Chairs::read(reader)?,
            game: reader.u16()?,
            id: Uuid(reader.array()?),
            frame: reader.option(read_game)?,
            first: Chair::from_number(reader.u8()?)?,
            turns: read_turns(reader, variant.table)?,
            hash: reader.u64()?,
            last: reader.u8()?,
            turn_from_ms: reader.u64()?,
            limit_ms: reader.option(Reader::u64)?,
            running: reader.option(read_running)?,
            thought: reader.option(|reader| {
                Some(Thought {
                    token: reader.u64()?,
                    stroke: reader.option(Stroke::read)?,
                })
            })?,
            token: reader.u64()?,
            loading: reader.option(Reader::u64)?,
            held: reader.option(|reader| Held::read(reader, variant.table))?,
            endings: read_endings(reader)?,
            aim: reader
                .option(|reader| Some((Chair::from_number(reader.u8()?)?, Aim::read(reader)?)))?,
            aimed_ms: reader.u64()?,
            has_chosen: reader.flag()?,
            refused_count: reader.u64()?,
            differs_count: reader.u64()?,
            report: reader.option(read_report)?,
            record: reader.option(|reader| {
                let bytes = reader.bytes()?;
                (bytes.len() <= RECORD_BYTES_MAX).then(|| Bytes::copy_from_slice(bytes))
            })?,
        };
        let before = duel.running.iter().map(|running| &running.before);
        let after = duel.held.iter().map(Held::game);
        let mut games = duel.frame.iter().chain(before).chain(after);
        let is_whole = games.all(|game| game.course().variant() == variant);
        (is_whole && reader.is_empty()).then_some(duel)
    }
}

fn read_endings(reader: &mut Reader<'_>) -> Option<Vec<Ending>> {
    let count = reader.u8()?;
    if usize::from(count) > ENDINGS_MAX {
        return None;
    }
    (0..count).map(|_| Ending::read(reader)).collect()
}

fn put_running<S: Sport>(out: &mut Vec<u8>, running: &Running<S>) {
    write_game(&running.before, out);
    out.push(running.chair as u8);
    running.stroke.write(out);
    out.extend_from_slice(&running.struck_ms.to_le_bytes());
    out.extend_from_slice(&running.token.to_le_bytes());
    put_option(out, running.verdict.as_ref(), |out, verdict| {
        verdict.write(out);
    });
}

fn read_running<S: Sport>(reader: &mut Reader<'_>) -> Option<Running<S>> {
    Some(Running {
        before: read_game(reader)?,
        chair: Chair::from_number(reader.u8()?)?,
        stroke: Stroke::read(reader)?,
        struck_ms: reader.u64()?,
        token: reader.u64()?,
        verdict: reader.option(Verdict::read)?,
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
