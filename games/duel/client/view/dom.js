/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 * @throws When the page has no such element.
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (element);
}

/**
 * Writes a text only when it is another one, so that nobody hears the same twice.
 * @param {HTMLElement} into
 * @param {string} text
 */
export function write(into, text) {
  if (into.textContent !== text) into.textContent = text;
}

/**
 * A new element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {{ id?: string, class?: string, text?: string }} [what]
 * @param {...(Node | string)} inside
 */
export function make(tag, { id, class: className, text } = {}, ...inside) {
  const made = document.createElement(tag);
  if (id) made.id = id;
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  made.append(...inside);
  return made;
}

/**
 * A new button.
 * @param {{ id?: string, class?: string, text?: string }} what
 * @param {() => void} pressed
 */
export function button(what, pressed) {
  const made = make("button", what);
  made.type = "button";
  made.addEventListener("click", pressed);
  return made;
}
