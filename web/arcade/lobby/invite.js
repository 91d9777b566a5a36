import { button, make, write } from "../page.js";

const COPIED_FOR_MS = 1_600;

/** A code to read out, with buttons that copy it and a link with it. */
export class Invite {
  #code;
  #buttons;
  #announce;

  /**
   * @param {HTMLElement} into
   * @param {string} label What the code is of.
   * @param {(text: string) => void} announce
   */
  constructor(into, label, announce) {
    this.#announce = announce;
    this.#code = make("output", "code", "");
    this.#code.setAttribute("aria-label", label);
    const copyCode = button("", "Copy code", () => void this.#copy(copyCode, this.#code.textContent ?? ""));
    const copyLink = button("", "Copy link", () => void this.#copy(copyLink, linkOf(this.#code.textContent ?? "")));
    this.#buttons = [copyCode, copyLink];
    const row = make("div", "row", "");
    row.append(copyCode, copyLink);
    into.append(this.#code, row);
  }

  /** @param {string} code Empty while it is not known. */
  show(code) {
    write(this.#code, code || "······");
    for (const one of this.#buttons) one.disabled = !code;
  }

  /**
   * @param {HTMLButtonElement} pressed
   * @param {string} text
   */
  async #copy(pressed, text) {
    const label = pressed.dataset.label ?? pressed.textContent ?? "";
    pressed.dataset.label = label;
    const isCopied = await copyText(text);
    if (!isCopied) getSelection()?.selectAllChildren(this.#code);
    pressed.textContent = isCopied ? "Copied" : "Press Ctrl C";
    this.#announce(isCopied ? `Copied ${text}` : "The code is selected; copy it with Control C.");
    setTimeout(() => (pressed.textContent = label), COPIED_FOR_MS);
  }
}

/** @param {string} code */
export function linkOf(code) {
  return `${location.origin}/?code=${encodeURIComponent(code)}`;
}

/**
 * @param {string} text
 * @returns {Promise<boolean>} False where the page may not write to the clipboard, as without TLS.
 */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
