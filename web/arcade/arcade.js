import { paintArt } from "./art.js";
import { describePeople, parseListing, roomAddress } from "./listing.js";
import { startLobby } from "./lobby/page.js";
import { button, element, make } from "./page.js";

const POLL_EVERY_MS = 3_000;
const POLL_TIMEOUT_MS = 5_000;

/** @typedef {import("./listing.js").Game} Game @typedef {import("./listing.js").Room} Room */

const root = document.documentElement;
const status = element("status");
const gameCards = element("games");
const roomRows = element("rooms");
const roomsEmpty = element("rooms-empty");
const lobby = startLobby();
let shownGames = "";

async function poll() {
  const startMs = performance.now();
  try {
    const answer = await fetch("/v2/x/arcade", { cache: "no-store", signal: AbortSignal.timeout(POLL_TIMEOUT_MS) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const pingMs = performance.now() - startMs;
    const { games, rooms } = parseListing(await answer.json());
    root.dataset.state = "online";
    const people = rooms.reduce((sum, room) => sum + room.people, 0);
    status.textContent = `${people} playing, ${Math.round(pingMs)} ms away`;
    lobby.setGames(games);
    showGames(games, rooms);
    showRooms(games, rooms, pingMs);
    roomsEmpty.textContent = "No room is open yet. Start a game and one will be.";
  } catch {
    root.dataset.state = "offline";
    status.textContent = "Server not reachable, retrying …";
    roomsEmpty.textContent = "The server cannot be reached. This page tries again by itself.";
  }
  setTimeout(poll, POLL_EVERY_MS);
}

/**
 * @param {Game[]} games
 * @param {Room[]} rooms
 */
function showGames(games, rooms) {
  const key = JSON.stringify(games);
  if (key !== shownGames) {
    shownGames = key;
    gameCards.replaceChildren(...games.map(gameCard));
    paintCards();
  }
  games.forEach((game, i) => {
    const own = rooms.filter((room) => room.game === game.id);
    const people = own.reduce((sum, room) => sum + room.people, 0);
    const bots = own.reduce((sum, room) => sum + room.bots, 0);
    const line = /** @type {HTMLElement} */ (gameCards.children[i].querySelector("p"));
    line.textContent = describePeople({ people, bots });
  });
}

/** @param {Game} game */
function gameCard(game) {
  const card = make("article", "card", "");
  const link = /** @type {HTMLAnchorElement} */ (make("a", "game", ""));
  link.href = game.path;
  // The buttons below lead to the same place, for those who come by keyboard.
  link.tabIndex = -1;
  const art = document.createElement("canvas");
  art.dataset.game = game.id;
  art.setAttribute("aria-hidden", "true");
  const words = make("span", "words", "");
  words.append(make("h3", "", game.title), make("p", "", ""));
  link.append(art, words);
  const open = /** @type {HTMLAnchorElement} */ (make("a", game.quickPlay ? "play quiet" : "play", "Open room"));
  open.href = game.path;
  open.setAttribute("aria-label", `Open room: ${game.title}`);
  const actions = make("div", "actions", "");
  actions.append(open);
  if (game.quickPlay) {
    const quick = button("play", "Quick play", () => lobby.play(game.id));
    quick.dataset.quick = game.id;
    quick.setAttribute("aria-label", `Quick play: ${game.title}`);
    actions.append(quick);
  }
  card.append(link, actions);
  return card;
}

function paintCards() {
  for (const canvas of gameCards.querySelectorAll("canvas")) paintArt(canvas, canvas.dataset.game ?? "");
}

/**
 * @param {Game[]} games
 * @param {Room[]} rooms
 * @param {number} pingMs
 */
function showRooms(games, rooms, pingMs) {
  // Rows are written anew at each poll; the link that has the focus keeps it.
  const focused = document.activeElement instanceof HTMLAnchorElement ? document.activeElement.href : "";
  const hadFocus = roomRows.contains(document.activeElement);
  roomRows.replaceChildren(...rooms.map((room) => roomRow(room, games.find((g) => g.id === room.game), pingMs)));
  if (!hadFocus) return;
  for (const link of roomRows.querySelectorAll("a")) if (link.href === focused) link.focus();
}

/**
 * @param {Room} room
 * @param {Game | undefined} game Undefined for a room without a page of its own.
 * @param {number} pingMs
 */
function roomRow(room, game, pingMs) {
  const row = document.createElement("li");
  const seats = document.createElement("meter");
  seats.max = Math.max(1, room.seatsMax);
  seats.value = room.people;
  seats.title = room.seatsMax ? `${room.people} of ${room.seatsMax} seats taken` : "";
  const name = make("span", "name", room.name);
  if (game && game.title.toLowerCase() !== room.name.toLowerCase()) name.append(make("span", "soft", `  ${game.title}`));
  row.append(name, make("span", "soft people", describePeople(room)), seats, make("span", "soft ping", `${Math.round(pingMs)} ms`));
  if (game) {
    const full = room.seatsMax > 0 && room.people >= room.seatsMax;
    const link = /** @type {HTMLAnchorElement} */ (make("a", full ? "play quiet" : "play", full ? "Full" : "Join"));
    link.href = roomAddress(game, room);
    link.setAttribute("aria-label", `${link.textContent} ${room.name}`);
    row.append(link);
  }
  return row;
}

window.addEventListener("resize", paintCards);
void poll();
