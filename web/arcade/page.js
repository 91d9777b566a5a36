/** Small words about the page's elements. */

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function element(id) {
  return /** @type {T} */ (document.getElementById(id));
}

/**
 * @param {string} tag
 * @param {string} name Of its class.
 * @param {string} text
 */
export function make(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.textContent = text;
  return made;
}

/**
 * @param {string} name
 * @param {string} text
 * @param {() => void} press
 */
export function button(name, text, press) {
  const made = /** @type {HTMLButtonElement} */ (make("button", name, text));
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}

/**
 * Writes a text only when it is another one, so that nobody hears the same twice.
 * @param {HTMLElement} into
 * @param {string} text
 */
export function write(into, text) {
  if (into.textContent !== text) into.textContent = text;
}
