import { button, element, make, write } from "../page.js";
import { Chat } from "./chat.js";
import { Invite } from "./invite.js";
import { MATCH_SIZE } from "./lobby.js";

/** Colours of members, by the end of their user ids, which is random. */
const COLORS = ["#49c5b1", "#f0907e", "#e3b856", "#8fa8f5", "#d48fd8", "#8ccf6b", "#5cb8e6"];
const CODE_HINT = "Of a party or a private game.";

/** @typedef {import("../listing.js").Game} Game */

/** The section of parties, private games and codes. */
export class Friends {
  #driver;
  #announce;
  #chat;
  #partyInvite;
  #privateInvite;
  #shownMembers = "";
  #shownGames = "";
  #shownParty = "";
  #shownRoom = "";

  /**
   * @param {import("./driver.js").Driver} driver
   * @param {(text: string) => void} announce
   */
  constructor(driver, announce) {
    this.#driver = driver;
    this.#announce = announce;
    this.#chat = new Chat(driver);
    this.#partyInvite = new Invite(element("party-invite"), "Code of the party", announce);
    this.#privateInvite = new Invite(element("private-invite"), "Code of the private game", announce);
    element("party-new").addEventListener("click", () => driver.do((lobby) => lobby.createParty()));
    element("party-leave").addEventListener("click", () => driver.do((lobby) => lobby.leaveParty()));
    element("private-close").addEventListener("click", () => driver.do((lobby) => lobby.closeRoom()));
    element("private-enter").addEventListener("click", () => driver.do((lobby) => lobby.enterRoom()));
    element("code-form").addEventListener("submit", (event) => {
      event.preventDefault();
      driver.do((lobby) => lobby.joinCode(this.codeField.value));
    });
  }

  get codeField() {
    return /** @type {HTMLInputElement} */ (element("code"));
  }

  /** @param {Game[]} games Those of this server. */
  show(games) {
    const { lobby } = this.#driver;
    this.#showGames(games);
    this.#showNotices(lobby);
    this.#showStart(lobby);
    this.#showPrivate(lobby);
    this.#showParty(lobby);
  }

  /** @param {Game[]} games */
  #showGames(games) {
    const key = JSON.stringify(games);
    if (key === this.#shownGames) return;
    this.#shownGames = key;
    const of = (/** @type {Game} */ game) => (games.length > 1 ? ` of ${game.title}` : "");
    const quick = (/** @type {Game} */ game) =>
      button("main", `Find a match${of(game)}`, () => this.#driver.do((lobby, nowMs) => lobby.play(game.id, nowMs)));
    const open = (/** @type {Game} */ game, /** @type {string} */ text) =>
      button("", `${text}${of(game)}`, () => this.#driver.do((lobby) => lobby.openRoom(game.id)));
    const ofFriends = games.filter((game) => game.isPrivate);
    const created = ofFriends.map((game) => open(game, "Open a private game"));
    // Several stand beside each other under a heading that says what they open.
    if (created.length > 1) {
      created.forEach((one, i) => {
        one.ariaLabel = one.textContent;
        one.textContent = ofFriends[i].title;
      });
    }
    element("private-new").replaceChildren(...created);
    element("party-games").replaceChildren(
      ...games.filter((game) => game.quickPlay).map(quick),
      ...ofFriends.map((game) => open(game, "Private game")),
    );
  }

  /** @param {import("./lobby.js").Lobby} lobby */
  #showNotices({ notice, busy, link }) {
    const friends = element("friends-notice");
    const isHere = notice?.place === "friends";
    friends.hidden = !isHere;
    write(friends, isHere ? notice.text : "");
    friends.classList.toggle("bad", isHere && notice.isError);
    const code = element("code-notice");
    const isOfCode = notice?.place === "code";
    // A button that was disabled meanwhile lost the focus.
    if (isOfCode && busy === "" && code.textContent !== notice.text && document.activeElement === document.body) this.codeField.focus();
    const waiting = link === "lost" ? "Server not reachable, retrying …" : "Joining …";
    write(code, isOfCode ? notice.text : busy === "code" ? waiting : CODE_HINT);
    code.classList.toggle("bad", isOfCode && notice.isError);
    this.codeField.setAttribute("aria-invalid", String(isOfCode && notice.isError));
  }

  /** @param {import("./lobby.js").Lobby} lobby */
  #showStart({ party, room, busy, search, found }) {
    element("start").hidden = party !== null;
    element("private-tile").hidden = room !== null || element("private-new").childElementCount === 0;
    const isOff = busy !== "" || search !== null || found !== null;
    const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (element("start").querySelectorAll("button"));
    for (const one of buttons) one.disabled = isOff;
    write(element("party-new"), busy === "party" ? "Starting …" : "Start a party");
  }

  /** @param {import("./lobby.js").Lobby} lobby */
  #showPrivate({ room, party }) {
    const sheet = element("private");
    sheet.hidden = !room;
    this.#privateInvite.show(room?.code ?? "");
    write(element("private-enter"), party?.isLeader && party.members.length > 1 ? "Go in with the party" : "Go in");
    this.#moveFocus(sheet, room?.matchId ?? "", this.#shownRoom, "private-new");
    this.#shownRoom = room?.matchId ?? "";
  }

  /** @param {import("./lobby.js").Lobby} lobby */
  #showParty({ party, search, found, busy, room }) {
    const sheet = element("party");
    sheet.hidden = !party;
    this.#moveFocus(sheet, party?.id ?? "", this.#shownParty, "party-new");
    this.#shownParty = party?.id ?? "";
    if (!party) {
      this.#shownMembers = "";
      return;
    }
    element("party-away").hidden = !party.isAway;
    this.#partyInvite.show(party.code);
    this.#showMembers(party);
    this.#chat.show(party);
    const isOff = !party.isLeader || search !== null || found !== null || busy !== "";
    for (const one of element("party-games").querySelectorAll("button")) {
      // Not disabled, which would take the focus of whoever pressed it.
      one.setAttribute("aria-disabled", String(isOff || (!one.classList.contains("main") && room !== null)));
    }
    write(element("party-hint"), hint(party, this.#name(party.members.find((member) => member.sessionId === party.leader))));
  }

  /** @param {import("./party-view.js").PartyView} party */
  #showMembers(party) {
    const { members, leader, self, isLeader } = party;
    const rows = members.map((member) => ({ ...member, name: this.#name(member) }));
    const key = JSON.stringify([rows, leader, self, isLeader]);
    if (key === this.#shownMembers) return;
    this.#shownMembers = key;
    const items = rows.map((member) => {
      const row = make("li", "member", "");
      const face = make("i", "face", [...member.name][0]?.toUpperCase() ?? "?");
      face.setAttribute("aria-hidden", "true");
      face.style.background = COLORS[Number.parseInt(member.userId.slice(-6), 16) % COLORS.length];
      row.append(face, make("span", "member-name", member.name));
      if (member.sessionId === self) row.append(make("span", "badge", "you"));
      if (member.sessionId === leader) row.append(make("span", "badge lead", "leader"));
      if (isLeader && member.sessionId !== self) {
        const act = (/** @type {string} */ text, /** @type {"promote" | "kick"} */ what) => {
          const made = button("quiet", text, () => this.#driver.do((lobby) => lobby[what](member.sessionId)));
          made.setAttribute("aria-label", `${text}: ${member.name}`);
          return made;
        };
        row.append(act("Make leader", "promote"), act("Remove", "kick"));
      }
      return row;
    });
    for (let seat = members.length; seat < MATCH_SIZE.max; seat++) items.push(make("li", "member free", "Free place"));
    const list = element("members");
    const hadFocus = list.contains(document.activeElement);
    list.replaceChildren(...items);
    if (hadFocus) list.focus();
  }

  /** @param {import("./party-view.js").Member | undefined} member */
  #name(member) {
    return member ? (this.#driver.names.get(member.userId) ?? member.username) : "";
  }

  /**
   * Whoever opened a sheet is in it; whoever closed it is back at the button that opens it.
   * @param {HTMLElement} sheet
   * @param {string} id
   * @param {string} shownId
   * @param {string} opener
   */
  #moveFocus(sheet, id, shownId, opener) {
    if (id && !shownId) {
      sheet.focus({ preventScroll: true });
      sheet.scrollIntoView({ block: "nearest" });
      this.#announce(sheet.querySelector("h3")?.textContent ?? "");
    } else if (!id && shownId && (document.activeElement === document.body || sheet.contains(document.activeElement))) {
      const back = element(opener);
      (back instanceof HTMLButtonElement ? back : back.querySelector("button"))?.focus({ preventScroll: true });
    }
  }
}

/**
 * @param {import("./party-view.js").PartyView} party
 * @param {string} leaderName
 */
function hint(party, leaderName) {
  if (party.isAway) return "The connection is lost; the party is joined again when it is back.";
  if (!party.isLeader) return `${leaderName} starts the search, and everybody comes along.`;
  return party.members.length === 1 ? "Share the code; friends appear here." : "Everybody comes along into the same room.";
}
