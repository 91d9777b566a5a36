import assert from "node:assert/strict";
import { test } from "node:test";
import { suggestName } from "../lobby/player.js";
import { cleanCode, clock, describeQuality, describeWait, duration, parseStats, sayRefusal } from "../lobby/words.js";

test("a code is found in whatever is pasted", () => {
  for (const [typed, code] of [
    ["abc123", "ABC123"],
    [" abc-1 23\n", "ABC123"],
    ["http://host/?code=AbC1", "ABC1"],
    ["https://host/?x=1&code=abc#top", "ABC"],
    ["", ""],
    ["–…", ""],
    ["a".repeat(40), "A".repeat(32)],
  ]) {
    assert.equal(cleanCode(typed), code, typed);
  }
});

test("times are short", () => {
  assert.deepEqual([0, 999, 7_000, 61_000, 3_600_000, -5].map(clock), ["0:00", "0:00", "0:07", "1:01", "60:00", "0:00"]);
  assert.deepEqual([0, 400, 600, 89_000, 90_000].map(duration), ["under a second", "under a second", "1 s", "89 s", "2 min"]);
});

test("the matchmaker's figures, whatever comes", () => {
  const row = (from, to) => ({ create_time: `2026-01-01T00:00:${from}Z`, complete_time: `2026-01-01T00:00:${to}Z` });
  assert.deepEqual(parseStats({ ticket_count: 3, completions: [row("00", "09"), row("00", "01"), row("00", "04")] }), { tickets: 3, typicalMs: 4_000 });
  assert.deepEqual(parseStats({ completions: [row("05", "01"), {}, null] }), { tickets: 0, typicalMs: null });
  for (const bad of [null, undefined, 3, { ticket_count: "x", completions: {} }]) {
    assert.deepEqual(parseStats(bad), { tickets: 0, typicalMs: null });
  }
});

test("who waits reads who else does", () => {
  assert.match(describeWait(null), /Asking/);
  assert.equal(describeWait({ tickets: 1, typicalMs: null }), "Nobody else is waiting yet");
  assert.equal(describeWait({ tickets: 2, typicalMs: 4_000 }), "1 other is waiting; it usually takes 4 s");
  assert.equal(describeWait({ tickets: 0, typicalMs: null }), "Nobody else is waiting yet");
  assert.equal(describeWait({ tickets: 9, typicalMs: null }), "8 others are waiting");
});

test("a match's quality in short facts", () => {
  const quality = { waitMs: 7_000, favouriteWins: 0.52, region: "lisbon", rttMinMs: 18, rttMaxMs: 40 };
  assert.deepEqual(describeQuality(quality, 12), ["Waited 7 s", "18–40 ms to lisbon", "Evenly matched"]);
  assert.deepEqual(describeQuality({ ...quality, region: "", favouriteWins: 0.64 }, 12.4), ["Waited 7 s", "12 ms away", "Close: favourite at 64 %"]);
  assert.deepEqual(describeQuality({ ...quality, region: "", favouriteWins: 0.9 }, null), ["Waited 7 s", "Uneven: favourite at 90 %"]);
  assert.deepEqual(describeQuality(null, 0.2), ["1 ms away"]);
});

test("a refusal says what to do next", () => {
  assert.match(sayRefusal("code", { code: 3, message: "Party not found" }), /ask your friend/);
  assert.match(sayRefusal("party", { code: -1, message: "no answer in time" }), /try again/);
  assert.match(sayRefusal("openRoom", { code: 9, message: "At most 4" }), /The server says: At most 4\.$/);
  assert.match(sayRefusal("unknown", { code: 13, message: "" }), /error 13/);
});

test("a name for the nameless is the same for a device", () => {
  assert.equal(suggestName("00ff"), suggestName("00ff"));
  assert.notEqual(suggestName("0001"), suggestName("0100"));
  assert.match(suggestName("zz"), /^\w+ \w+$/);
});
