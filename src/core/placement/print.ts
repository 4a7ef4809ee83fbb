import { layoutText } from '../layout/layout';
import { cell, joinCells, keyed, word } from './cells';
import type { Placement, Row, ThreadBlock } from './placement';

/** The text of a placement document. `parse(print(p))` gives back `p`. */
export function print(placement: Placement): string {
  const { machine, host } = placement;
  const alias = aliasOf(placement);
  const head = [keyed('machine', machine.name), `PID ${machine.pid}`, cell(machine.emulator)];
  if (machine.layout) head.push(layoutText(machine.layout)); // before the UUID: that may be cut off at the window's edge
  if (machine.uuid !== undefined) head.push(keyed('uuid', machine.uuid));
  const lines = [head.join('   '), [keyed('host', host.label), cell(host.mode), keyed('kernel', host.kernel)].join('   ')];
  if (alias !== undefined) lines.push(`S = ${cell(alias)}`);
  const apart = placement.threads.flatMap(thread => thread.rows);
  const together = [...placement.shared, ...placement.above];
  const pathWidth = Math.min(40, longest([...together, ...apart].filter(row => row.attributes.length > 0).map(row => pathText(row.path, alias))));
  const widthsTogether = [longest(together.map(hierarchiesText)), pathWidth];
  const widthsApart = [longest(apart.map(hierarchiesText)), pathWidth];
  const add = (rows: readonly Row[], widths: readonly number[]): void => {
    for (const row of rows) lines.push(rowText(row, alias, widths));
  };
  lines.push('', `all ${placement.count} ${placement.count === 1 ? 'thread' : 'threads'}`);
  add(placement.shared, widthsTogether);
  const cells = placement.threads.map(threadCells);
  const widths = [0, 1, 2, 3, 4].map(i => longest(cells.map(of => of[i] ?? '')));
  placement.threads.forEach((thread, i) => {
    if (i === 0 || thread.rows.length > 0 || placement.threads[i - 1]!.rows.length > 0) lines.push('');
    lines.push(joinCells(cells[i]!, widths));
    add(thread.rows, widthsApart);
  });
  if (placement.above.length > 0) lines.push('', 'above');
  add(placement.above, widthsTogether);
  return `${lines.join('\n')}\n`;
}

function threadCells(thread: ThreadBlock): string[] {
  const cells = [cell(thread.role), String(thread.tid), cell(thread.comm), thread.policy];
  if (thread.nice !== 0) cells.push(`nice ${thread.nice}`);
  cells.push(keyed('cpus', thread.cpus === '' ? 'none' : thread.cpus));
  return cells;
}

function rowText(row: Row, alias: string | undefined, widths: readonly number[]): string {
  const cells = [hierarchiesText(row), pathText(row.path, alias), ...row.attributes.map(a => (a.value === '' ? a.name : keyed(a.name, a.value)))];
  return `  ${joinCells(cells, widths)}`;
}

function hierarchiesText(row: Row): string {
  return row.hierarchies.map(word).join(' ');
}

/** Length of the longest. By a loop: `Math.max` with an argument for each of 150,000 texts throws. */
function longest(texts: readonly string[]): number {
  let length = 0;
  for (const text of texts) if (text.length > length) length = text.length;
  return length;
}

/** A path as it stands in a document where `S` is this alias. */
export function pathText(path: string, alias: string | undefined): string {
  if (alias !== undefined) {
    if (path === alias) return 'S';
    if (path.startsWith(`${alias}/`)) return cell(`S${path.slice(alias.length)}`);
    const parent = parentOf(alias);
    if (parent !== '/' && path === parent) return 'S/..';
  }
  return cell(path);
}

/** Deeper directories are not spelled by an alias: libvirt's own are at most a dozen deep, and each prefix is counted. */
const DEEPEST_ALIAS = 64;

/** The directory that saves the most when it is spelled once: for libvirt the machine's own. */
function aliasOf(placement: Placement): string | undefined {
  const within = new Map<string, number>();
  const exactly = new Map<string, number>();
  for (const rows of [placement.shared, ...placement.threads.map(thread => thread.rows), placement.above]) {
    for (const { path } of rows) {
      count(exactly, path);
      for (const prefix of prefixes(path)) count(within, prefix);
    }
  }
  let best: string | undefined;
  let saved = 0;
  for (const [path, paths] of within) {
    const parent = parentOf(path);
    const parents = parent === '/' ? 0 : (exactly.get(parent) ?? 0);
    const saves = (paths - 1) * (path.length - 1) + parents * (parent.length - 'S/..'.length);
    if (paths > 1 && saves > saved) {
      best = path;
      saved = saves;
    }
  }
  return saved >= 20 ? best : undefined;
}

function count(counts: Map<string, number>, text: string): void {
  counts.set(text, (counts.get(text) ?? 0) + 1);
}

/** The path and all above it but the root, the highest first. */
function* prefixes(path: string): IterableIterator<string> {
  if (!path.startsWith('/') || path === '/') return;
  let end = 0;
  for (let depth = 0; end < path.length && depth < DEEPEST_ALIAS; depth++) {
    const slash = path.indexOf('/', end + 1);
    end = slash < 0 ? path.length : slash;
    yield path.slice(0, end);
  }
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
