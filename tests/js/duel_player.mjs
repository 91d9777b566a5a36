// Somebody with a browser of their own at a table for two, who hears what the server tells the page.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { protobufCodec } from "../../clients/js/codec.js";
import { Visitor } from "./visitor.mjs";

const WAIT_MS_MAX = 60_000;
export const LOOK_AGAIN_MS = 50;

/** A player of one game says which (`game`), and what of the server's words is kept (`hear`). */
export class DuelPlayer extends Visitor {
  static async enter(browser, { server, ...rest }) {
    const player = await super.enter(browser, rest);
    player.server = server;
    const session = await player.page.createCDPSession();
    await session.send("Network.enable");
    session.on("Network.webSocketFrameReceived", ({ response }) => {
      const { match_data: named, room_data: numbered } = protobufCodec.decode(Buffer.from(response.payloadData, "base64"));
      const data = named ?? numbered;
      if (data) player.hear(data);
    });
    return player;
  }

  /** The start screen, with a name. */
  async start() {
    await this.page.goto(`${this.address}/games/${this.game}/`);
    await this.page.waitForSelector("#friend:not([disabled])", { visible: true, timeout: WAIT_MS_MAX });
    await this.page.type("#name", this.name);
    await this.page.keyboard.press("Enter");
  }

  /** Opens a table for a friend, and returns its code. */
  async open() {
    await this.page.click("#friend");
    await this.until("a code", () => this.page.$eval("#code", (code) => /^[0-9A-Z]{4,}$/.test(code.textContent)));
    await this.picture(`${this.game}-code`);
    return this.page.$eval("#code", (output) => output.textContent);
  }

  /** Comes to the table of a code. */
  goTo(code) {
    return this.page.goto(`${this.address}/games/${this.game}/?room=${code}`);
  }

  /** Waits until the page's own words about itself suit, and returns them. */
  async until(what, holds) {
    const deadline = Date.now() + WAIT_MS_MAX;
    while (Date.now() < deadline) {
      const shown = await this.shown().catch(() => ({}));
      if (await holds(shown)) return shown;
      await sleep(LOOK_AGAIN_MS);
    }
    const shown = JSON.stringify(await this.shown().catch(String));
    return assert.fail(`${this.name}: no ${what} after ${WAIT_MS_MAX} ms; ${shown}\n${this.complaints.join("\n")}\n${this.server.output()}`);
  }

  /** Waits for the end of the shot that runs. */
  rest(turn) {
    return this.until(`turn ${turn}`, (shown) => shown.balls === "still" && shown.turn === turn);
  }
}

/** Waits until it is somebody's turn, and says whose. */
export async function turnOf(...players) {
  const deadline = Date.now() + WAIT_MS_MAX;
  while (Date.now() < deadline) {
    for (const player of players) {
      const { own, turn } = await player.shown();
      if (own === "yes") return { player, turn };
    }
    await sleep(LOOK_AGAIN_MS);
  }
  return assert.fail(`nobody's turn\n${players[0].server.output()}`);
}

/** The first concedes to the second, and both want to play again. */
export async function concedeAndPlayAgain(first, second) {
  const both = [first, second];
  await first.page.click("#menu-open");
  await first.picture(`${first.game}-menu`);
  await first.page.click("#concede");
  await first.page.click("#concede");
  for (const player of both) await player.until("the end", ({ phase, screen }) => phase === "2" && screen === "over");
  assert.match(await second.page.$eval("#over-title", (title) => title.textContent), /^You win$/);
  await second.picture(`${second.game}-over`);
  await second.page.click("#rematch");
  await first.until("the wish", () => first.page.$eval("#rematch-text", (text) => /play again/.test(text.textContent)));
  await first.page.click("#rematch");
  for (const player of both) {
    await player.until("another game", ({ phase, turn, screen }) => phase === "1" && turn === "1.0" && screen === "none");
  }
}
