// Somebody with a browser of their own, who looks at the arcade and presses what it shows.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--disable-component-update",
  "--disable-sync",
];
const PICTURES = fileURLToPath(new URL("../../artefacts/", import.meta.url));
const WAIT_MS_MAX = 30_000;
const LOOK_AGAIN_MS = 40;
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844, isMobile: true, hasTouch: true };

export async function startBrowser() {
  await mkdir(PICTURES, { recursive: true });
  return puppeteer.launch({ executablePath: BROWSER, args: FLAGS });
}

export class Visitor {
  /** Errors of the page's scripts, and what its policy refused. */
  complaints = [];

  /** A visitor of the arcade with no past. */
  static async come(browser, { name, address, phone = false }) {
    const visitor = await Visitor.enter(browser, { name, address, viewport: phone ? PHONE : DESKTOP });
    await visitor.open("/");
    await visitor.page.type("#name", name);
    return visitor;
  }

  /** Somebody with no past and an empty page. */
  static async enter(browser, { name, address, viewport }) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.setViewport(viewport);
    const visitor = new this(name, context, page, address);
    page.on("pageerror", (error) => visitor.complaints.push(String(error)));
    page.on("console", (message) => {
      if (/Content Security Policy/.test(message.text())) visitor.complaints.push(message.text());
    });
    return visitor;
  }

  constructor(name, context, page, address) {
    this.name = name;
    this.context = context;
    this.page = page;
    this.address = address;
  }

  /** Opens an address of the arcade, which takes the present page's connection away. */
  async open(path) {
    await this.page.goto(this.address + path);
    await this.page.waitForSelector("#games [data-quick]", { visible: true, timeout: WAIT_MS_MAX });
  }

  /** Presses what is shown, as a finger does. */
  async press(selector) {
    const found = await this.page.waitForSelector(`${selector}:not([disabled])`, { visible: true, timeout: WAIT_MS_MAX });
    await found.click();
  }

  async type(selector, text) {
    await this.page.waitForSelector(selector, { visible: true, timeout: WAIT_MS_MAX });
    await this.page.type(selector, text);
  }

  /** The text of what is shown; empty when it is not. */
  text(selector) {
    return this.page.evaluate((wanted) => {
      const found = document.querySelector(wanted);
      return found?.checkVisibility() ? (found.innerText ?? "").trim() : "";
    }, selector);
  }

  texts(selector) {
    return this.page.$$eval(selector, (all) => all.map((one) => one.innerText.replace(/\s+/g, " ").trim()));
  }

  /** What the page says of itself: `lobby` in the arcade, `state` in a game. */
  shown() {
    return this.page.evaluate(() => ({ ...document.documentElement.dataset }));
  }

  /** Waits until the text of what is shown suits. */
  async reads(selector, expected) {
    let last = "";
    await this.until(`${selector} like ${expected}`, async () => expected.test((last = await this.text(selector))), () => last);
  }

  /** Waits until one is playing, and says in which room. */
  async plays() {
    await this.until("the game", async () => (await this.shown()).state === "playing");
    return new URL(this.page.url()).searchParams.get("room");
  }

  async until(what, holds, last = () => "") {
    const deadline = Date.now() + WAIT_MS_MAX;
    while (Date.now() < deadline) {
      // A page that goes elsewhere has no answer for a moment.
      if (await holds().catch(() => false)) return;
      await sleep(LOOK_AGAIN_MS);
    }
    const state = JSON.stringify(await this.shown().catch(String));
    assert.fail(`${this.name}: no ${what} after ${WAIT_MS_MAX} ms at ${this.page.url()} ${state} ${last()}\n${this.complaints.join("\n")}`);
  }

  /** A picture of the page when what appears has appeared. */
  async picture(name, fullPage = false) {
    await this.page.evaluate(() => {
      const appearing = document.getAnimations().filter(({ animationName }) => animationName === "rise");
      return Promise.all(appearing.map((one) => one.finished));
    });
    await this.page.screenshot({ path: `${PICTURES}${name}.png`, fullPage });
  }
}
