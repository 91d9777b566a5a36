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
