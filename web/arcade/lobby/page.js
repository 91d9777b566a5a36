import { element, write } from "../page.js";
import { Dock } from "./dock.js";
import { Driver } from "./driver.js";
import { Friends } from "./friends.js";
import { NAME_CHARS_MAX, deviceId, loadName, saveName, suggestName } from "./player.js";
import { cleanCode } from "./words.js";

/** How often the waiting time is written. */
const CLOCK_EVERY_MS = 250;

/** @typedef {import("../listing.js").Game} Game */

/** Brings the lobby to life on the arcade's page. */
export function startLobby() {
  /** @type {Game[]} */
  let games = [];
  /** Where to go once the games are known. @type {(() => void) | null} */
  let departure = null;
  const nameField = /** @type {HTMLInputElement} */ (element("name"));
  const suggested = suggestName(deviceId());
  const nameNow = () => nameField.value.trim().slice(0, NAME_CHARS_MAX) || suggested;
  nameField.value = loadName();
  nameField.placeholder = suggested;

  const driver = new Driver(nameNow(), {
    changed: () => show(),
    go(game, matchId) {
      const path = (games.find((one) => one.id === game) ?? games[0])?.path;
      if (!path) {
        departure = () => this.go(game, matchId);
        return;
      }
      saveName(nameNow());
      // Whoever comes back finds no party: all its members went into the game.
      history.replaceState(null, "", "/");
      location.assign(`${path}?room=${encodeURIComponent(matchId)}&play=1`);
    },
    // A reloaded page joins its party again, and the address can be sent to friends.
    address: (code) => history.replaceState(null, "", code ? `/?code=${encodeURIComponent(code)}` : "/"),
  });
  const announce = (/** @type {string} */ text) => write(element("announcer"), text);
  const dock = new Dock(driver);
  const friends = new Friends(driver, announce);
  let announced = "";

  function show() {
    const { lobby } = driver;
    dock.show(performance.now());
    friends.show(games);
    document.documentElement.dataset.lobby = lobby.found ? "found" : lobby.search ? "searching" : lobby.party ? "party" : "idle";
    for (const quick of document.querySelectorAll("[data-quick]")) {
      quick.setAttribute("aria-disabled", String(lobby.search !== null || lobby.found !== null || lobby.busy !== ""));
    }
    const said = spoken(driver);
    if (said && said !== announced) announce(said);
    announced = said;
  }

  nameField.addEventListener("change", () => {
    saveName(nameField.value.trim());
    void driver.rename(nameNow());
  });
  nameField.addEventListener("keydown", (event) => {
    if (event.key === "Enter") nameField.blur();
  });
  window.addEventListener("online", () => driver.retry());
  // A page out of the browser's store has no connection, and a match that is over.
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  setInterval(() => driver.lobby.search && dock.show(performance.now()), CLOCK_EVERY_MS);

  const code = cleanCode(new URLSearchParams(location.search).get("code") ?? "");
  if (code) {
    friends.codeField.value = code;
    driver.do((lobby) => lobby.joinCode(code));
  }
  show();

  return {
    /** @param {Game[]} listed */
    setGames(listed) {
      games = listed;
      driver.lobby.playersMax = new Map(games.map((game) => [game.id, game.playersMax]));
      show();
      departure?.();
      departure = null;
    },
    /** @param {string} game */
    play(game) {
      driver.do((lobby, nowMs) => lobby.play(game, nowMs));
    },
  };
}

/**
 * What somebody who does not see the page is told, once for each change.
 * @param {Driver} driver
 */
function spoken({ lobby, names }) {
  const { search, found } = lobby;
  if (found) {
    const others = found.players.filter((player) => player.sessionId !== found.ownSession);
    return `Match found, with ${others.map((player) => names.get(player.userId) ?? player.username).join(", ")}. Going in.`;
  }
  if (search?.phase === "stopping") return "Stopping the search.";
  if (search) return lobby.link === "lost" ? "Connection lost, trying again." : "Looking for players. Press Escape to cancel.";
  // The code's own notice is a live region.
  return lobby.notice && lobby.notice.place !== "code" ? lobby.notice.text : "";
}
