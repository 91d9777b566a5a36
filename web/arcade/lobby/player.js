/**
 * Who plays in this tab: the same keys as the games use, so that a player who is matched here is known there.
 */

const DEVICE_KEY = "tagus.device";
const LOOK_KEY = "tagus.arena.look";
/** Characters of a name, at most. */
export const NAME_CHARS_MAX = 24;
const FIRST = ["Amber", "Brisk", "Calm", "Coral", "Dusky", "Golden", "Hazel", "Ivory", "Jade", "Lunar", "Misty", "Olive", "Quiet", "Sunny", "Teal", "Wild"];
const SECOND = ["Badger", "Crane", "Dolphin", "Egret", "Falcon", "Gecko", "Heron", "Ibis", "Lynx", "Marten", "Otter", "Puffin", "Robin", "Stork", "Tern", "Wren"];

/**
 * An id that this tab keeps: two tabs are two players, a reloaded one is the same. Once this device keeps a player, a new
 * tab is that one.
 */
export function deviceId() {
  const known = sessionStorage.getItem(DEVICE_KEY);
  if (known) return known;
  const made = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const id = localStorage.getItem(DEVICE_KEY) ?? made();
  sessionStorage.setItem(DEVICE_KEY, id);
  return id;
}

/** Has this device keep the player of this tab, who has something to come back to. The first one stays. */
export function keepDevice() {
  if (localStorage.getItem(DEVICE_KEY) === null) localStorage.setItem(DEVICE_KEY, deviceId());
}

/**
 * An address by which another device becomes this player. Whoever has it plays as them.
 * @param {string} name The one that was chosen.
 */
export function playerLink(name) {
  return `${location.origin}${location.pathname}#${new URLSearchParams({ player: deviceId(), name })}`;
}

/** Becomes the player whom the page's address names, if it names one; to be called before anything else of this module. */
export function takePlayer() {
  const given = new URLSearchParams(location.hash.slice(1));
  const id = given.get("player") ?? "";
  if (!/^[0-9a-f]{32}$/.test(id)) return;
  sessionStorage.setItem(DEVICE_KEY, id);
  keepDevice();
  // A device that keeps somebody else has its own name.
  if (localStorage.getItem(DEVICE_KEY) === id) saveName((given.get("name") ?? "").slice(0, NAME_CHARS_MAX));
  // It is nothing to be left in sight.
  history.replaceState(null, "", location.pathname + location.search);
}

/**
 * A name for somebody who gave none, always the same for a device.
 * @param {string} id
 */
export function suggestName(id) {
  const [first, second] = [Number.parseInt(id.slice(0, 2), 16) || 0, Number.parseInt(id.slice(2, 4), 16) || 0];
  return `${FIRST[first % FIRST.length]} ${SECOND[second % SECOND.length]}`;
}

/** The name that was chosen on this device; empty when none was. */
export function loadName() {
  const { name } = loadLook();
  return typeof name === "string" ? name.slice(0, NAME_CHARS_MAX) : "";
}

/** @param {string} name The games' forms begin with it. */
export function saveName(name) {
  localStorage.setItem(LOOK_KEY, JSON.stringify({ ...loadLook(), name }));
}

/** @returns {Record<string, unknown>} */
function loadLook() {
  try {
    return JSON.parse(localStorage.getItem(LOOK_KEY) ?? "{}") ?? {};
  } catch {
    return {};
  }
}
