import { cell, joinCells, keyed, word } from './cells';
import type { Placement, Row, ThreadBlock } from './placement';

/** The text of a placement document. `parse(print(p))` gives back `p`. */
export function print(placement: Placement): string {
  const { machine, host } = placement;
  const alias = aliasOf(placement);
  const head = [keyed('machine', machine.name), `PID ${machine.pid}`, cell(machine.emulator)];
  if (machine.uuid !== undefined) head.push(keyed('uuid', machine.uuid));
  if (machine.starting) head.push('starting');
  const lines = [head.join('   '), [keyed('host', host.label), cell(host.mode), keyed('kernel', host.kernel)].join('   ')];
  if (alias !== undefined) lines.push(`S = ${cell(alias)}`);
  const allRows = [...placement.shared, ...placement.threads.flatMap(t => t.rows), ...placement.above];
  const pathWidth = Math.min(40, Math.max(0, ...allRows.filter(row => row.attributes.length > 0).map(row => pathText(row.path, alias).length)));
  const sharedWidth = widest([...placement.shared, ...placement.above]);
  const apartWidth = widest(placement.threads.flatMap(t => t.rows));
  lines.push('', `all ${placement.count} ${placement.count === 1 ? 'thread' : 'threads'}`, ...placement.shared.map(row => rowText(row, alias, [sharedWidth, pathWidth])));
  const widths = [0, 1, 2, 3, 4].map(i => Math.max(0, ...placement.threads.map(thread => threadCells(thread)[i]?.length ?? 0)));
  placement.threads.forEach((thread, i) => {
    const apart = i === 0 || thread.rows.length > 0 || placement.threads[i - 1]!.rows.length > 0;
    if (apart) lines.push('');
    lines.push(joinCells(threadCells(thread), widths), ...thread.rows.map(row => rowText(row, alias, [apartWidth, pathWidth])));
  });
  if (placement.above.length > 0) lines.push('', 'above', ...placement.above.map(row => rowText(row, alias, [sharedWidth, pathWidth])));
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

function widest(rows: readonly Row[]): number {
  return Math.max(0, ...rows.map(row => hierarchiesText(row).length));
}

function pathText(path: string, alias: string | undefined): string {
  if (alias !== undefined) {
    if (path === alias) return 'S';
    if (path.startsWith(`${alias}/`)) return cell(`S${path.slice(alias.length)}`);
    const parent = parentOf(alias);
    if (parent !== '/' && path === parent) return 'S/..';
  }
  return cell(path);
}

/** The directory that saves the most when it is spelled once: for libvirt the machine's own. */
function aliasOf(placement: Placement): string | undefined {
  const paths = [...placement.shared, ...placement.threads.flatMap(thread => thread.rows), ...placement.above].map(row => row.path);
  let best: string | undefined;
  let saved = 0;
  for (const path of new Set(paths.flatMap(prefixes))) {
    const parent = parentOf(path);
    const within = paths.filter(other => other === path || other.startsWith(`${path}/`)).length;
    const parents = parent === '/' ? 0 : paths.filter(other => other === parent).length;
    const saves = (within - 1) * (path.length - 1) + parents * (parent.length - 'S/..'.length);
    if (within > 1 && saves > saved) {
      best = path;
      saved = saves;
    }
  }
  return saved >= 20 ? best : undefined;
}

function prefixes(path: string): string[] {
  const components = path.split('/');
  return path.startsWith('/') && path !== '/' ? components.slice(1).map((_, i) => components.slice(0, i + 2).join('/')) : [];
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
