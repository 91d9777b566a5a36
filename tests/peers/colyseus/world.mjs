// The square of `games/open-world` as a Colyseus room: who walks where, and who sees whom.

import { Room } from "@colyseus/core";
import { StateView, schema, t } from "@colyseus/schema";

export const SIZE = 10_000;
/** Half the side of the square that each person sees, in units. */
export const SIGHT = 1_000;
/** The type of the one message: `[x, y]`, a direction of any length; `[0, 0]`: stand. */
export const WALK = 1;
/** Between two looks at who is near, in milliseconds. */
export const LOOK_MS = 200;
const STEP_MS = 50;
const SPEED = 300;
/** Cells of the grid along a side; each is as wide as `SIGHT`. */
const CELLS = SIZE / SIGHT;

const Walker = schema({ x: t.float32(), y: t.float32() }, "Walker");
const World = schema({ walkers: t.map(Walker).view() }, "World");

export class WorldRoom extends Room {
  patchRate = STEP_MS;
  seatReservationTimeout = 60;
  state = new World();
  /** What is not told: where each person is heading, and whom they see. @type {Map<string, object>} */
  people = new Map();

  onCreate() {
    this.setSimulationInterval(() => this.step(), STEP_MS);
    this.clock.setInterval(() => this.look(), LOOK_MS);
    this.onMessage(WALK, (client, [x, y]) => {
      const person = this.people.get(client.sessionId);
      const length = Math.hypot(x, y) || 1;
      person.dx = x / length;
      person.dy = y / length;
    });
  }

  onJoin(client) {
    const walker = new Walker();
    walker.x = wrapped(Math.random() * SIZE);
    walker.y = wrapped(Math.random() * SIZE);
    this.state.walkers.set(client.sessionId, walker);
    client.view = new StateView();
    client.view.add(walker);
    const person = { walker, dx: 0, dy: 0, view: client.view, seen: new Set([walker]) };
    this.people.set(client.sessionId, person);
  }

  onLeave(client) {
    const person = this.people.get(client.sessionId);
    for (const other of this.people.values()) {
      other.seen.delete(person.walker);
    }
    this.people.delete(client.sessionId);
    this.state.walkers.delete(client.sessionId);
    person.view.dispose();
  }

  step() {
    const step = (SPEED * STEP_MS) / 1_000;
    for (const { walker, dx, dy } of this.people.values()) {
      walker.x = wrapped(walker.x + dx * step);
      walker.y = wrapped(walker.y + dy * step);
    }
  }

  /** Shows everybody who came near, and hides who went away. */
  look() {
    const cells = Array.from({ length: CELLS * CELLS }, () => []);
    for (const { walker } of this.people.values()) {
      cells[cell(walker.y) * CELLS + cell(walker.x)].push(walker);
    }
    for (const person of this.people.values()) {
      const { walker: own, view, seen } = person;
      for (const other of seen) {
        if (!near(own, other)) {
          seen.delete(other);
          view.remove(other);
        }
      }
      const [column, row] = [cell(own.x), cell(own.y)];
      for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, CELLS - 1); y++) {
        for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, CELLS - 1); x++) {
          for (const other of cells[y * CELLS + x]) {
            if (near(own, other) && !seen.has(other)) {
              seen.add(other);
              view.add(other);
            }
          }
        }
      }
    }
  }
}

/** Whether one is in the other's sight, which ends at the edge of the square. */
export function near(one, other) {
  return Math.abs(one.x - other.x) <= SIGHT && Math.abs(one.y - other.y) <= SIGHT;
}

/** A coordinate on the square, in the precision in which clients are told of it. */
function wrapped(at) {
  return Math.fround(at < 0 ? at + SIZE : at >= SIZE ? at - SIZE : at);
}

function cell(at) {
  return Math.min(Math.floor(at / SIGHT), CELLS - 1);
}
