import assert from "node:assert/strict";
import { Lobby } from "../lobby/lobby.js";

export const ME = { sessionId: "s-me", userId: "me", username: "Me" };
export const ANA = { sessionId: "s-ana", userId: "ana", username: "Ana" };
export const RUI = { sessionId: "s-rui", userId: "rui", username: "Rui" };
export const LOST = { code: -2, message: "the connection was lost" };
export const MATCH = { matchId: "m1.t", mode: "arena", players: [ME, ANA], ownSession: ME.sessionId };

/** A lobby with its effects at hand. */
export function online() {
  const lobby = new Lobby();
  const effects = () => {
    const all = [];
    for (let effect = lobby.pollEffect(); effect; effect = lobby.pollEffect()) all.push(effect);
    return all;
  };
  const calls = () => effects().filter((effect) => effect.kind === "call");
  /** The one call made since, answered. */
  const answer = (name, result, nowMs = 0) => {
    const [call, ...others] = calls();
    assert.equal(call?.name, name);
    assert.deepEqual(others, []);
    lobby.handleDone(call.id, result, nowMs);
    return call.args;
  };
  const refuse = (name, refusal, nowMs = 0) => {
    const call = calls().find((one) => one.name === name);
    lobby.handleFailed(call.id, refusal, nowMs);
  };
  lobby.handleLink("connecting");
  lobby.handleLink("open");
  return { lobby, effects, calls, answer, refuse };
}

export function party(...others) {
  return { id: "p1", leader: ME.sessionId, self: ME.sessionId, members: [ME, ...others] };
}

/** A lobby in a party that one leads, unless another leader is named. */
export function inParty(...others) {
  const made = online();
  made.lobby.createParty();
  made.answer("createParty");
  made.lobby.handleParty(party(...others));
  made.answer("partyCode", "ABC123");
  return made;
}
