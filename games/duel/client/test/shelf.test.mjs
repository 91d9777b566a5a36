import assert from "node:assert/strict";
import { test } from "node:test";
import { notesOf } from "../net/duels.js";
import { nameOf, sayAgo, sayRating, sayResult, sayUntil } from "../state/history.js";
import { inOrder, sayKept, sayState, waiting } from "../state/kept.js";
import { NONE } from "../state/protocol.js";

/** A Wednesday, by the clock of whoever runs this. */
const NOW = new Date(2026, 10, 18, 12, 0).getTime();
const at = (...parts) => new Date(2026, ...parts).getTime() / 1000;

test("times that are over, in words", () => {
  assert.equal(sayAgo(NOW / 1000 - 59, NOW), "just now");
  assert.equal(sayAgo(NOW / 1000 + 5, NOW), "just now", "clocks differ");
  assert.equal(sayAgo(NOW / 1000 - 60, NOW), "1 minute ago");
  assert.equal(sayAgo(NOW / 1000 - 3_599, NOW), "59 minutes ago");
  assert.equal(sayAgo(at(10, 18, 0, 0), NOW), "today, 00:00");
  assert.equal(sayAgo(at(10, 17, 23, 59), NOW), "yesterday, 23:59");
  assert.equal(sayAgo(at(10, 12, 9, 5), NOW), "Thursday, 09:05");
  assert.equal(sayAgo(at(10, 11, 9, 5), NOW), "11 November");
  assert.equal(sayAgo(new Date(2025, 10, 18, 12).getTime() / 1000, NOW), "18 November 2025");
});

test("times to come, in words", () => {
  assert.equal(sayUntil(NOW / 1000, NOW), "now");
  assert.equal(sayUntil(at(10, 18, 23, 59), NOW), "today, 23:59");
  assert.equal(sayUntil(at(10, 19, 0, 0), NOW), "tomorrow, 00:00");
  assert.equal(sayUntil(at(10, 24, 18, 0), NOW), "Tuesday, 18:00");
  assert.equal(sayUntil(at(10, 25, 18, 0), NOW), "25 November, 18:00");
});

test("results and ratings", () => {
  const sayEnd = ({ winner, how }, own, names) => ({ title: "", text: `${names[winner] ?? "nobody"} ${how} ${own}` });
  const entry = { id: "g", mode: "m", opponent: { id: "u", name: "Rui" }, won: true, how: 7, turns: 3, time: 0 };
  assert.deepEqual(sayResult(entry, sayEnd), { title: "Won", text: "You 7 0" });
  assert.deepEqual(sayResult({ ...entry, won: false }, sayEnd), { title: "Lost", text: "Rui 7 0" });
  const drawn = sayResult({ ...entry, won: null }, ({ winner }) => ({ title: "", text: String(winner === NONE) }));
  assert.deepEqual(drawn, { title: "Drawn", text: "true" });
  assert.deepEqual([nameOf({ id: null, name: "" }), nameOf({ id: "u", name: "" }), nameOf({ id: "u", name: "Rui" })], ["the bot", "somebody", "Rui"]);
  assert.equal(sayRating({ games: 0, ordinal: 0 }), "new");
  assert.equal(sayRating({ games: 1, ordinal: 3.2 }), "new, 1 game");
  assert.equal(sayRating({ games: 4, ordinal: 3.2 }), "new, 4 games");
  assert.equal(sayRating({ games: 5, ordinal: 11.6 }), "12 after 5 games");
});

test("kept games: those that wait come first, the most urgent before", () => {
  const game = (id, isOwn, deadline, isNew = false) => ({
    id, mode: "m", opponent: { id: "u", name: "Rui" }, is_own_turn: isOwn, turn: 4, deadline, is_new: isNew,
  });
  const games = [game("a", false, 1), game("b", true, 9), game("c", true, 5), game("d", false, 3, true)];
  assert.deepEqual(inOrder(games).map(({ id }) => id), ["d", "c", "b", "a"]);
  assert.equal(games[0].id, "a", "the list itself stays");
  assert.equal(waiting(games), 3);
  assert.equal(waiting([]), 0);
  const until = at(10, 19, 18, 0);
  assert.equal(sayState(game("e", true, until), NOW), "Turn 5: play by tomorrow, 18:00.");
  assert.equal(sayState(game("e", false, until), NOW), "Turn 5: they have until tomorrow, 18:00.");
  assert.equal(sayState({ ...game("e", true, until, true), turn: 0 }, NOW), "You begin, by tomorrow, 18:00.");
  assert.equal(sayState({ ...game("e", false, until), turn: 0 }, NOW), "They begin, by tomorrow, 18:00.");
});

test("within a kept game the page says how long it waits", () => {
  const untilS = at(10, 20, 8, 30);
  assert.equal(sayKept({ isOwnTurn: true, other: "Rui", untilS, nowMs: NOW }), "Your turn is kept until Friday, 08:30.");
  assert.equal(sayKept({ isOwnTurn: false, other: "the other player", untilS, nowMs: NOW }), "The other player has until Friday, 08:30: you may leave.");
  assert.match(sayKept({ isOwnTurn: true, other: "Rui", untilS: 0, nowMs: NOW }), /leave whenever you like/);
});

test("only notifications of kept games are heard", () => {
  const notes = [{ code: 202, subject: "Your turn" }, { code: -2, subject: "a friend" }, { code: "204", subject: "declined" }];
  assert.deepEqual(notesOf({ notifications: { notifications: notes } }).map(({ subject }) => subject), ["Your turn", "declined"]);
  assert.deepEqual(notesOf({ status: {} }), []);
});
