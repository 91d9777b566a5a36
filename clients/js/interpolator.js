/**
 * What to draw between snapshots: each entity as it was a little while ago, between the two samples around that time.
 * All times are in ticks, and may have fractions.
 */
export class Interpolator {
  /** @type {Map<number, { kind: number, samples: { tick: number, values: number[] }[] }>} */
  #tracks = new Map();
  /** The smallest difference seen between our clock and a snapshot's tick, in ticks: the least delayed arrival. */
  #offset = -Infinity;

  /**
   * @param {import("./schema.js").Schema} schema
   * @param {{ delayTicks?: number }} [options] How far behind the newest snapshot to draw: twice the distance of
   *   snapshots, and what their arrival jitters.
   */
  constructor(schema, { delayTicks = 2 * schema.frameTicks } = {}) {
    this.schema = schema;
    this.delayTicks = delayTicks;
  }

  /**
   * Takes what a replica knows after a snapshot that arrived at `nowTicks` of our own clock, and was newer than what it knew.
   * @param {import("./replication.js").Replica | import("./slots.js").SlotReplica} replica @param {number} nowTicks
   */
  push(replica, nowTicks) {
    // Followed slowly downwards, so that a clock that runs fast does not drift away from the server's for ever.
    this.#offset = Math.max(replica.tick - nowTicks, this.#offset - OFFSET_FALL);
    for (const id of replica.went) this.#tracks.delete(id);
    for (const entity of replica.entities()) {
      let track = this.#tracks.get(entity.id);
      if (!track || track.kind !== entity.kind) {
        track = { kind: entity.kind, samples: [] };
        this.#tracks.set(entity.id, track);
      }
      // What stands where it was told is there still: it must not seem to set out long before it does.
      const tick = "tick" in entity && !stands(entity) ? entity.tick : replica.tick;
      const newest = track.samples.at(-1);
      if (newest?.tick === tick) continue;
      // The room was set back.
      if (newest && newest.tick > tick) track.samples = [];
      track.samples.push({ tick, values: replica.values(entity) });
      if (track.samples.length > SAMPLES_MAX) track.samples.shift();
    }
  }

  /** Forgets everything, as after a change of room. */
  clear() {
    this.#tracks.clear();
    this.#offset = -Infinity;
  }

  /** The tick that is to be drawn now. */
  renderTick(/** @type {number} */ nowTicks) {
    return nowTicks + this.#offset - this.delayTicks;
  }

  /**
   * Every entity as it is to be drawn at a tick: between its samples, at its first or last one outside of them.
   * @param {number} tick @returns {Generator<{ id: number, kind: number, values: number[] }>}
   */
  *at(tick) {
    for (const [id, { kind, samples }] of this.#tracks) {
      while (samples.length > 2 && samples[1].tick <= tick) samples.shift();
      const [older, newer] = samples;
      yield { id, kind, values: newer ? this.#between(kind, older, newer, tick) : older.values };
    }
  }

  /**
   * @param {number} kind @param {{ tick: number, values: number[] }} older
   * @param {{ tick: number, values: number[] }} newer @param {number} tick
   */
  #between(kind, older, newer, tick) {
    const span = newer.tick - older.tick;
    const part = span > 0 ? Math.min(Math.max((tick - older.tick) / span, 0), 1) : 1;
    return this.schema.kinds[kind].fields.map((field, index) => {
      const from = older.values[index];
      let change = newer.values[index] - from;
      if (field.blend === "step") return part < 1 ? from : newer.values[index];
      if (field.blend === "angle" && field.turn > 0) change -= field.turn * Math.round(change / field.turn);
      return from + change * part;
    });
  }
}

/** Nothing of it is known to move. @param {import("./slots.js").Ghost} ghost */
const stands = ({ axes }) => axes.every(({ velocity }) => velocity === 0);

/** Of one entity; the oldest is dropped. */
const SAMPLES_MAX = 32;
/** By how much the clock's offset falls with each snapshot, in ticks. */
const OFFSET_FALL = 0.002;
