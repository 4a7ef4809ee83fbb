// The VS Code window as a person sees it: what the browser suites press and look for.
// VS Code's own selectors are here and nowhere else. Nothing here sleeps: every step waits for what it needs to see.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { eventually } from './qemu.mjs';
import { browser, install, prepare, start, vsix, work } from './harness.mjs';

const shots = path.join(work, 'shots');
const opened = new Set();
let chromium;
let count = 0;

/**
 * Starts a server of its own with the packaged extension, and opens it in a browser window of its own.
 * `outside` lists what the window asked of any other machine; close() ends window and server, and fails if there was anything.
 */
export async function openWorkbench({ settings, machineSettings, env, viewport = { width: 1400, height: 900 }, trust = false, alone = false } = {}) {
  await install();
  const dir = path.join(work, `browser-${++count}`);
  await prepare(dir, { vsix, settings, machineSettings });
  chromium ??= await browser();
  const server = await start(dir, { env, trust, alone });
  const context = await chromium.newContext({ viewport, permissions: ['clipboard-read', 'clipboard-write'] });
  const outside = [];
  const note = request => { if (!isThisMachine(request.url())) outside.push(request.url()); };
  context.on('request', note);
  context.on('page', page => page.on('websocket', note));
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const workbench = {
    page, server, outside, folder: path.join(dir, 'workspace'), machineSettings: path.join(dir, 'data/Machine/settings.json'),
    /** As a person reloads the window: what the workbench remembers stays. */
    async reload() {
      const loaded = page.waitForEvent('load', { timeout: 60_000 });
      await runCommand(page, 'Developer: Reload Window').catch(() => undefined); // its row goes with the page
      await loaded;
      await waitForWorkbench(page);
    },
    async close() {
      opened.delete(workbench);
      await context.close();
      await server.stop();
      assert.deepEqual(outside, [], 'the window asked something of another machine');
    },
  };
  opened.add(workbench);
  await page.goto(server.url());
  await waitForWorkbench(page);
  return workbench;
}

/** For hooks.mjs: pictures of every window that is open now. Resolves to their files. */
export function screenshotAll(name) {
  return Promise.all([...opened].map(({ page }, i) => screenshot(page, i ? `${name}-${i + 1}` : name)));
}

/** For hooks.mjs: closes what the suites left open, and the browser. */
export async function closeAll() {
  try {
    for (const workbench of [...opened]) await workbench.close();
  } finally {
    await chromium?.close();
  }
}

/** The workbench is drawn. The extension host may still be starting: wait for what the extension itself shows. */
export async function waitForWorkbench(page) {
  await page.locator('.monaco-workbench .activitybar .action-item').first().waitFor({ timeout: 60_000 });
  await page.locator('.statusbar').waitFor();
}

/** Writes a picture of the window to .workbench/shots and resolves to its file. */
export async function screenshot(page, name) {
  mkdirSync(shots, { recursive: true });
  const file = path.join(shots, `${name.replace(/[^\w.-]+/g, '-')}.png`);
  await page.screenshot({ path: file });
  return file;
}

/** Moves the mouse to where nothing reacts. A hover that it leaves behind covers rows and swallows the next click. */
export async function restMouse(page) {
  const { width, height } = page.viewportSize();
  await page.mouse.move(width / 2, height - 2);
  await page.locator('.monaco-hover:visible').first().waitFor({ state: 'detached', timeout: 3000 }).catch(() => undefined);
}

/**
 * Moves the mouse over something, and resolves to the hover that says this. What is drawn anew under the mouse (a badge that
 * comes, a text that is laid out) shows none until the mouse comes again: as a person does, it does.
 */
export function hoverOver(page, target, text) {
  const hover = page.locator('.monaco-hover:visible, .workbench-hover:visible', { hasText: text }).first();
  return eventually(async () => {
    await restMouse(page);
    await target.hover({ timeout: 3000 });
    await hover.waitFor({ timeout: 3000 });
    return hover;
  }, 30_000);
}

/** A window of its own with the Machines view open and a machine of this host unfolded. */
export async function openMachine(name, viewport) {
  const workbench = await openWorkbench({ settings: { 'cgroupLens.autoRefresh': 0 }, viewport });
  const { page } = workbench;
  await openSidebar(page, 'Cgroup Lens');
  await row(page, name).waitFor({ timeout: 40_000 });
  await expand(page, name);
  return workbench;
}

/** Shows a view container of the activity bar. A click on the icon of the one that is shown would hide it instead. */
export async function openSidebar(page, title) {
  const icon = page.locator('.activitybar .action-item', { has: page.locator(`[aria-label^="${title}"]`) }).first();
  await icon.waitFor();
  const shown = page.locator('.part.sidebar .composite.title', { hasText: new RegExp(`^\\s*${escape(title)}`, 'i') });
  // While a reloaded window brings back the one that was shown, a click may still hide it: then it is clicked again.
  for (let attempt = 1; !(await shown.isVisible()); attempt++) {
    await icon.click();
    await shown.waitFor({ timeout: 5000 }).catch(error => { if (attempt === 4) throw error; });
  }
  await restMouse(page);
}

/** A row of any tree view, by text that it contains. */
export const treeRow = (page, text) => page.locator('.pane-body .monaco-list-row', { hasText: text }).first();

/**
 * A row of our tree, by the beginning of what a screen reader is told: `vCPU 2, CPUs 0-1 · last on 0`. A row that is scrolled
 * out of view is not there.
 */
export const row = (page, begin) => page.locator(`.part.sidebar .monaco-list-row[role="treeitem"][aria-label^="${begin.replace(/["\\]/g, '\\$&')}"]`).first();

/** All rows that are in view, from top to bottom, as a screen reader is told. */
export async function rows(page) {
  const found = await page.locator('.part.sidebar .pane-body .monaco-list-row[role="treeitem"]').evaluateAll(all =>
    all.map(it => [it.getBoundingClientRect().top, it.getAttribute('aria-label')]));
  return found.sort((a, b) => a[0] - b[0]).map(([, label]) => label);
}

/** Unfolds a row, by its twistie: a click on the row itself may open something. What is in it comes a moment later. */
export async function expand(page, begin) {
  const found = row(page, begin);
  await found.waitFor();
  if ((await found.getAttribute('aria-expanded')) !== 'true') await found.locator('.monaco-tl-twistie').click();
  await row(page, begin).and(page.locator('[aria-expanded="true"]')).waitFor();
  await eventually(async () => assert.ok(await isFilled(row(page, begin)), `"${begin}" has nothing in it`));
  await restMouse(page);
}

/** Whether the next row in view is one of its own, if there is one. */
const isFilled = found => found.evaluate(it => {
  const { bottom } = it.getBoundingClientRect();
  const next = [...it.parentElement.children].find(other => Math.abs(other.getBoundingClientRect().top - bottom) < 1);
  return !next || Number(next.ariaLevel) > Number(it.ariaLevel);
}, undefined, { timeout: 2000 });

/** Folds the row at that place from above. */
export async function collapse(page, at) {
  const label = (await rows(page))[at];
  const found = row(page, label.slice(0, label.indexOf(',') + 1)); // what stands behind its name changes with each refresh
  // A click may be lost to a row that is drawn anew meanwhile: then it is clicked again.
  await eventually(async () => {
    if ((await found.getAttribute('aria-expanded', { timeout: 2000 })) === 'true') await found.locator('.monaco-tl-twistie').click({ timeout: 2000 });
    await found.and(page.locator('[aria-expanded="false"]')).waitFor({ timeout: 1000 });
  });
}

/** Drags the edge between sidebar and editor. */
export async function widenSidebar(page, by) {
  const { x, y, width, height } = await page.locator('.part.sidebar').boundingBox();
  await page.mouse.move(x + width, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width + by, y + height / 2, { steps: 4 });
  await page.mouse.up();
  await restMouse(page);
}

/** Selects a row and gives it the keyboard, without opening it. */
export async function focusRow(page, begin) {
  await row(page, begin).waitFor();
  for (let attempt = 1; !(await row(page, begin).and(page.locator('.focused')).isVisible()); attempt++) {
    assert.ok(attempt < 60, `the row "${begin}" cannot be reached by keyboard`);
    if (attempt === 1) { await page.locator('.part.sidebar .pane-body .monaco-list').first().focus(); await page.keyboard.press('Home'); } else await page.keyboard.press('ArrowDown');
  }
}

/**
 * Chooses from a row's context menu by mouse. A menu takes no click in its first moments and says nothing, and under load
 * it may close by itself: it is opened again if need be, and clicked until it goes.
 */
export async function choose(page, begin, title) {
  const item = page.locator('.monaco-menu .action-label', { hasText: exactly(title) }).first();
  for (let attempt = 1; ; attempt++) {
    try {
      if (!(await item.isVisible())) {
        if (await page.locator('.monaco-menu').first().isVisible()) await page.keyboard.press('Escape'); // opened before the row changed
        await row(page, begin).click({ button: 'right' });
      }
      await item.click({ timeout: 3000 });
      await item.waitFor({ state: 'detached', timeout: 500 });
      break;
    } catch (error) {
      if (attempt === 20) throw error;
    }
  }
  await restMouse(page);
}

/** Clicks on one of the actions that a row shows under the mouse. */
export async function inlineAction(page, begin, title) {
  await row(page, begin).hover();
  await row(page, begin).locator(`.actions [aria-label="${title}"]`).click();
  await restMouse(page);
}

const pane = (page, view) => page.locator('.part.sidebar .pane', { has: page.locator(`.pane-header[aria-label^="${view}"]`) });

/** Unfolds a view of the container that is shown, or folds it. Rows of a folded view are not there. */
export async function foldView(page, view, folded) {
  const header = pane(page, view).locator('.pane-header');
  const wanted = header.and(page.locator(`[aria-expanded="${!folded}"]`));
  await header.waitFor();
  if (!(await wanted.isVisible())) await header.locator('.title').click();
  await wanted.waitFor();
  if (folded) await pane(page, view).locator('.pane-body').waitFor({ state: 'detached' }); // it slides away
  await restMouse(page);
}

/** Clicks on one of the actions at the top of a view. */
export async function titleAction(page, title, view = 'Machines') {
  await pane(page, view).locator('.pane-header').hover();
  await pane(page, view).locator(`.pane-header .action-label[aria-label="${title}"]`).click();
  await restMouse(page);
}

export const clipboard = page => page.evaluate(() => navigator.clipboard.readText());

/** The modal dialog that is open, or about to open. */
export const dialog = page => page.locator('.monaco-dialog-box');

/** A notification's button. */
export const toastButton = (page, text, title) => toast(page, text).locator('.monaco-button', { hasText: exactly(title) });

/** Puts the notifications away. */
export async function clearToasts(page) {
  await runCommand(page, 'Notifications: Clear All Notifications');
  await page.locator('.notification-toast').first().waitFor({ state: 'detached' });
}

/** The lines that an editor shows, inlay hints included; the first editor if none is named. */
export async function editorLines(page, title) {
  const editor = page.locator(title === undefined ? '.editor-instance .monaco-editor' : `.editor-instance[aria-label*="${title}"] .monaco-editor`).first();
  const found = await editor.locator('.view-lines .view-line').evaluateAll(all => all.map(it => [Number.parseFloat(it.style.top), it.textContent]));
  return found.sort((a, b) => a[0] - b[0]).map(([, text]) => text.replaceAll('\u00a0', ' '));
}

/** Puts the cursor behind the last word of a line of the text in front, by the words that it begins with. */
export async function endOfLine(page, begin) {
  const words = new RegExp(`^\\s*${begin.trim().split(/\s+/).map(escape).join('\\s+')}(\\s|$)`);
  await page.locator('.editor-instance .view-line', { hasText: words }).first().click({ position: { x: 20, y: 8 } });
  await page.keyboard.press('End');
}

/** Puts other words at the end of a line. */
export async function replaceEnd(page, begin, old, text) {
  await endOfLine(page, begin);
  for (let i = 0; i < old.length; i++) await page.keyboard.press('Backspace');
  await page.keyboard.type(text);
}

/** Rows of the Problems panel below a document, from the top: others may have theirs. */
export async function problemsOf(page, document) {
  const rows = await page.locator('.markers-panel .monaco-list-row').all();
  const placed = await Promise.all(rows.map(async one => ({ one, top: (await one.boundingBox({ timeout: 1000 })).y, level: await one.getAttribute('aria-level', { timeout: 1000 }), text: await one.textContent({ timeout: 1000 }) })));
  placed.sort((a, b) => a.top - b.top);
  const from = placed.findIndex(({ level, text }) => level === '1' && text.includes(document));
  if (from < 0) return [];
  const below = placed.slice(from + 1);
  const end = below.findIndex(({ level }) => level === '1');
  return below.slice(0, end < 0 ? undefined : end).map(({ one }) => one);
}

/** Those of one rule below a document: on a machine where others are busy there may be findings of load beside it. */
export async function problemsOfRule(page, document, rule) {
  const all = await problemsOf(page, document);
  const texts = await Promise.all(all.map(one => one.textContent({ timeout: 1000 })));
  return all.filter((_, i) => texts[i].includes(rule));
}

/**
 * Opens the menu of the light bulb where the cursor is, and resolves to its row with this text. A menu that comes up while the
 * problems are told anew closes by itself: then it is asked for again.
 */
export async function bulbRow(page, text, milliseconds) {
  const found = page.locator('.action-widget .monaco-list-row', { hasText: text }).first();
  await eventually(async () => {
    if (!(await found.isVisible())) await page.keyboard.press('Control+.');
    await found.waitFor({ timeout: 4000 });
  }, milliseconds);
  return found;
}

/** Where the status bar says that the cursor is. */
export async function cursorLine(page) {
  const text = await page.locator('.statusbar [aria-label^="Ln "]').first().getAttribute('aria-label');
  return Number(/^Ln (\d+)/.exec(text)[1]);
}

/** Types into the input box or quick pick that is open or about to open, and accepts. */
export async function answerInput(page, text) {
  const input = quickInput(page).locator('input').first();
  await input.waitFor();
  await input.fill(text);
  await page.keyboard.press('Enter');
}

/** Opens a capture as a person does from the palette. */
export async function openCapture(page, file) {
  await runCommand(page, 'Cgroup Lens: Open Capture…');
  await answerFile(page, file);
}

/** VS Code's own dialog for files: a quick pick with a path, which it overwrites when it has listed the folder. */
export async function answerFile(page, file) {
  const input = quickInput(page).locator('input').first();
  const accept = quickInput(page).getByRole('button', { name: /^(OK|Open|Save)$/ });
  await accept.waitFor();
  await eventually(async () => {
    if (await quickInput(page).isVisible()) {
      if ((await input.inputValue({ timeout: 1000 })) !== file) await input.fill(file, { timeout: 1000 });
      else await accept.click({ timeout: 1000 });
    }
    assert.equal(await quickInput(page).isVisible(), false);
  });
}

/** A notification, by text that it contains. */
export const toast = (page, text) => page.locator('.notification-toast', { hasText: text }).first();

export const quickInput = page => page.locator('.quick-input-widget');
const quickRow = (page, title) => quickInput(page).locator('.monaco-list-row').filter({ has: page.locator('.label-name', { hasText: exactly(title) }) }).first();

/**
 * Opens the command palette with the command of that exact title focused. VS Code closes a quick input when the focus moves (a
 * dialog going away, a webview coming up) and ignores F1 while a dialog is up, so this alone is tried again.
 */
export async function openPalette(page, title) {
  await page.locator('.monaco-dialog-box').waitFor({ state: 'detached' });
  const row = quickRow(page, title);
  const focused = row.and(page.locator('.focused'));
  for (let attempt = 1; ; attempt++) {
    try {
      await page.keyboard.press('F1');
      await quickInput(page).locator('input').first().fill(`>${title}`, { timeout: 2000 });
      await row.waitFor({ timeout: 3000 });
      // A longer title with the same words may stand above the one that was asked for.
      for (let down = 0; down < 10 && !(await focused.isVisible()); down++) await page.keyboard.press('ArrowDown');
      await focused.waitFor({ timeout: 1000 });
      return focused;
    } catch (error) {
      if (attempt === 4) throw error;
      await page.keyboard.press('Escape');
    }
  }
}

/** Runs a command by the exact title that the palette shows, category included. */
export async function runCommand(page, title) {
  for (let attempt = 1; ; attempt++) {
    const focused = await openPalette(page, title);
    const wasTaken = await enterInQuickInput(page);
    if (wasTaken) return focused.waitFor({ state: 'hidden' });
    assert.ok(attempt < 4, `the palette does not take Enter for "${title}"`);
  }
}

/**
 * Presses Enter, for the quick input alone. A document that has just come up takes the focus a moment later: then Enter is
 * given to nobody, where it would be typed into it, and this is false.
 */
async function enterInQuickInput(page) {
  await page.evaluate(() => {
    const once = event => {
      once.wasTaken = event.target.closest('.quick-input-widget') !== null;
      if (once.wasTaken) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    window.cgroupLensEnter = once;
    window.addEventListener('keydown', once, { capture: true });
  });
  await page.keyboard.press('Enter');
  return page.evaluate(() => {
    window.removeEventListener('keydown', window.cgroupLensEnter, { capture: true });
    return window.cgroupLensEnter.wasTaken === true;
  });
}

/** Takes a row of the quick pick that is open, or about to open, by its exact label. */
export async function quickPick(page, label) {
  const row = quickRow(page, label);
  await row.click();
  await row.waitFor({ state: 'hidden' });
  await restMouse(page);
}

/** No link but our own, no picture, no bold letter and no icon made from a name, inside any element that `selector` finds. */
export async function nothingLive(page, selector) {
  assert.ok((await page.locator(selector).count()) > 0, selector);
  const found = await page.locator(selector).evaluateAll(all => all.flatMap(it => [...it.querySelectorAll('a[href], a[data-href], img, b, em, code, del, .codicon-error')]
    .filter(x => !/^command:(cgroupLens\.(explainRule|fix)|workbench\.action\.openSettings)\?[\w.%~-]*$/.test(x.getAttribute('data-href') ?? x.getAttribute('href') ?? '')).map(x => x.outerHTML)));
  assert.deepEqual(found, []);
}

function isThisMachine(url) {
  const { protocol, hostname } = new URL(url);
  if (!/^(http|ws)s?:$/.test(protocol)) return true; // data:, blob:
  // A webview's own files have such an address, and a service worker inside the page answers it.
  return hostname === '127.0.0.1' || hostname.endsWith('.vscode-resource.vscode-cdn.net');
}

const escape = text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const exactly = text => new RegExp(`^\\s*${escape(text)}\\s*$`);
