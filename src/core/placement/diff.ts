import { parseCpuList } from '../parse/cpuList';
import { cell } from './cells';
import type { Node, ParsedPlacement, Span } from './parse';
import { type Attribute, type Placement, type Row, type ThreadBlock, UNKNOWN } from './placement';

/** One thing that a person changed in a placement text. `from` is what it said before, `span` where it stands now. */
export type PlacementEdit =
  | { readonly kind: 'place'; readonly span: Span; readonly tid: number; readonly hierarchy: string; readonly from: string; readonly to: string }
  /** `to`: a list as the kernel spells it, or `all`. */
  | { readonly kind: 'cpus'; readonly span: Span; readonly tid: number; readonly from: string; readonly to: string }
  | { readonly kind: 'scheduling'; readonly span: Span; readonly tid: number; readonly from: Scheduling; readonly to: Scheduling }
  /** `undefined`: not listed, for it is as every cgroup has it. */
  | { readonly kind: 'value'; readonly span: Span; readonly hierarchy: string; readonly path: string; readonly name: LimitName; readonly from: string | undefined; readonly to: string | undefined };

export interface Scheduling {
  /** `other 0`, `fifo 50` */
  readonly policy: string;
  readonly nice: number;
}

/** What is wrong with a draft: as long as there is anything, nothing of it is planned. */
export interface DraftProblem extends Span {
  readonly reason:
    | 'not-understood'
    /** It names what cannot be changed here: `expected` is what stood there. */
    | 'not-editable'
    /** `expected` is missing. */
    | 'removed'
    | 'not-known'
    | 'twice'
    /** A line says where a thread goes and what holds there, and the limits are those of neither cgroup. */
    | 'path-and-limits';
  readonly expected: string;
}

const LIMITS = {
  cpus: { controller: 'cpuset', expected: 'cpus LIST', fits: isCpuList },
  mems: { controller: 'cpuset', expected: 'mems LIST', fits: isCpuList },
  quota: { controller: 'cpu', expected: 'quota MICROSECONDS/PERIOD or quota max/PERIOD', fits: (value: string) => /^(max|\d{1,15})\/\d{1,15}$/.test(value) },
  weight: { controller: 'cpu', expected: 'weight 1 to 10000', fits: (value: string) => isBetween(value, 1, 10_000) },
  shares: { controller: 'cpu', expected: 'shares 2 to 262144', fits: (value: string) => isBetween(value, 2, 262_144) },
  idle: { controller: 'cpu', expected: 'idle', fits: (value: string) => value === '' },
  pids: { controller: 'pids', expected: 'pids NUMBER or pids max', fits: (value: string) => value === 'max' || isBetween(value, 0, Number.MAX_SAFE_INTEGER) },
} as const satisfies Readonly<Record<string, { controller: string; expected: string; fits(value: string): boolean }>>;
export type LimitName = keyof typeof LIMITS;

/** What a person changed between two texts. An edit of what all threads share is one of each thread that is listed. */
export function diffPlacement(base: ParsedPlacement, draft: ParsedPlacement): { readonly edits: readonly PlacementEdit[]; readonly problems: readonly DraftProblem[] } {
  const problems: DraftProblem[] = draft.problems.map(problem => ({ ...problem, reason: 'not-understood' }));
  if (!base.placement || !draft.placement) {
    if (problems.length === 0) problems.push({ ...lineSpan(0), reason: 'removed', expected: 'machine, host, all N threads' });
    return { edits: [], problems };
  }
  const differ = new Differ(base, base.placement, draft, draft.placement, problems);
  differ.heads();
  if (problems.length > 0) return { edits: [], problems };
  differ.threads();
  differ.limits();
  return problems.length > 0 ? { edits: [], problems } : { edits: differ.edits, problems };
}

/** In place of a TID: no thread's own lines. */
const SHARED = -1;

type RowNode = Extract<Node, { kind: 'row' }>;
type ThreadNode = Extract<Node, { kind: 'thread' }>;

/** Where one thread is in one hierarchy, and the line that says so. */
interface Said {
  readonly path: string;
  readonly node: RowNode;
}

/** The text of a whole: rows of what all share, of each thread, and of what is above. */
class Text {
  readonly shared: Map<string, Said>;
  readonly above: Map<string, Said>;
  readonly ofThreads = new Map<number, Map<string, Said>>();
  readonly rows: readonly RowNode[];
  readonly threadNodes = new Map<number, ThreadNode>();

  constructor(nodes: readonly Node[], twice: (span: Span, expected: string) => void) {
    this.rows = nodes.filter((node): node is RowNode => node.kind === 'row');
    for (const node of nodes) {
      if (node.kind !== 'thread') continue;
      if (this.threadNodes.has(node.tid)) twice(node.cells.tid, String(node.tid));
      this.threadNodes.set(node.tid, node);
      this.ofThreads.set(node.tid, new Map());
    }
    this.shared = new Map();
    this.above = new Map();
    for (const node of this.rows) {
      const into = node.isAbove ? this.above : node.tid === undefined ? this.shared : this.ofThreads.get(node.tid)!;
      for (const hierarchy of node.row.hierarchies) {
        const key = node.isAbove ? cgroupKey(hierarchy, node.row.path) : hierarchy;
        if (into.has(key)) twice(node.cells.hierarchies, hierarchy);
        into.set(key, { path: node.row.path, node });
      }
    }
  }

  said(tid: number, hierarchy: string): Said | undefined {
    return this.ofThreads.get(tid)?.get(hierarchy) ?? this.shared.get(hierarchy);
  }
}

class Differ {
  readonly edits: PlacementEdit[] = [];
  private readonly before: Text;
  private readonly now: Text;

  constructor(
    private readonly base: ParsedPlacement,
    private readonly was: Placement,
    private readonly draft: ParsedPlacement,
    private readonly is: Placement,
    private readonly problems: DraftProblem[],
  ) {
    this.before = new Text(base.nodes, () => undefined);
    this.now = new Text(draft.nodes, (span, expected) => this.problem(span, 'twice', expected));
  }

  /** All that names what the text is about. */
  heads(): void {
    const { was, is, base, draft } = this;
    const lineOf = (kind: Node['kind']): Span => lineSpan(draft.nodes.find(node => node.kind === kind)?.line ?? 0);
    if (!same(was.machine, is.machine)) this.problem(lineOf('machine'), 'not-editable', `machine ${cell(was.machine.name)}   PID ${was.machine.pid}   ${cell(was.machine.emulator)}`);
    if (!same(was.host, is.host)) this.problem(lineOf('host'), 'not-editable', `host ${cell(was.host.label)}   ${was.host.mode}   kernel ${cell(was.host.kernel)}`);
    if (base.alias !== draft.alias) this.problem(lineOf('alias'), 'not-editable', base.alias === undefined ? 'all N threads' : `S = ${cell(base.alias)}`);
    if (was.count !== is.count) this.problem(lineOf('all'), 'not-editable', `all ${was.count} ${was.count === 1 ? 'thread' : 'threads'}`);
    const known = new Map(was.threads.map(thread => [thread.tid, thread]));
    for (const thread of is.threads) {
      const old = known.get(thread.tid);
      const { role, tid, comm } = this.now.threadNodes.get(thread.tid)!.cells;
      if (!old) this.problem(tid, 'not-known', this.before.threadNodes.size === 0 ? 'no thread' : [...this.before.threadNodes.keys()].slice(0, 8).join(', '));
      else if (old.role !== thread.role) this.problem(role, 'not-editable', cell(old.role));
      else if (old.comm !== thread.comm) this.problem(comm, 'not-editable', cell(old.comm));
    }
    for (const { tid, role } of was.threads) if (!this.now.threadNodes.has(tid)) this.problem(lineSpan(0), 'removed', `${cell(role)}  ${tid}`);
  }

  threads(): void {
    const now = new Map(this.is.threads.map(thread => [thread.tid, thread]));
    for (const old of this.was.threads) {
      const thread = now.get(old.tid)!;
      this.pin(old, thread);
      this.scheduling(old, thread);
      const keys = new Set([...this.before.shared.keys(), ...this.before.ofThreads.get(old.tid)!.keys()]);
      for (const hierarchy of keys) this.place(old.tid, hierarchy);
      for (const [hierarchy, { node }] of this.now.ofThreads.get(old.tid)!) if (!keys.has(hierarchy)) this.problem(node.cells.hierarchies, 'not-known', [...keys].join(' '));
    }
    for (const [hierarchy, { node }] of this.now.shared) if (!this.before.shared.has(hierarchy)) this.problem(node.cells.hierarchies, 'not-known', [...this.before.shared.keys()].join(' '));
    for (const hierarchy of this.before.shared.keys()) if (!this.now.shared.has(hierarchy)) this.problem(lineSpan(this.draft.nodes.find(node => node.kind === 'all')?.line ?? 0), 'removed', hierarchy);
  }

  /** The limits of each cgroup that the text lists, wherever it lists them. */
  limits(): void {
    const listed = valuesByCgroup(this.before.rows);
    const changed = new Map<string, PlacementEdit & { kind: 'value' }>();
    for (const node of this.now.rows) {
      for (const hierarchy of node.row.hierarchies) this.limitsOf(node, hierarchy, listed, changed);
    }
    for (const [key, { node }] of this.before.above) if (!this.now.above.has(key)) this.problem(lineSpan(this.draft.nodes.find(it => it.kind === 'above')?.line ?? 0), 'removed', `${node.row.hierarchies.join(' ')}  ${cell(node.row.path)}`);
    this.edits.push(...changed.values());
  }

  private pin(old: ThreadBlock, { cpus }: ThreadBlock): void {
    if (old.cpus === cpus) return;
    const { cpus: span } = this.now.threadNodes.get(old.tid)!.cells;
    if (cpus !== 'all' && !isCpuList(cpus)) return this.problem(span, 'not-understood', 'cpus LIST or cpus all');
    const to = cpus === 'all' ? cpus : parseCpuList(cpus)!.toString();
    if (to === old.cpus) return;
    if (old.cpus === UNKNOWN) return this.problem(span, 'not-editable', 'cpus ?');
    this.edits.push({ kind: 'cpus', span, tid: old.tid, from: old.cpus, to });
  }

  private scheduling(old: ThreadBlock, { policy, nice }: ThreadBlock): void {
    if (old.policy === policy && old.nice === nice) return;
    const { policy: span, nice: niceSpan } = this.now.threadNodes.get(old.tid)!.cells;
    const [name, priority] = policy.split(' ') as [string, string];
    const isRealTime = name === 'fifo' || name === 'rr';
    const fits = isRealTime ? isBetween(priority, 1, 99) : ['other', 'batch', 'idle'].includes(name) && priority === '0';
    if (!fits) return this.problem(span, 'not-understood', 'other 0, batch 0, idle 0, or fifo or rr with 1 to 99');
    if (nice < -20 || nice > 19) return this.problem(niceSpan ?? span, 'not-understood', 'nice -20 to 19');
    this.edits.push({ kind: 'scheduling', span, tid: old.tid, from: { policy: old.policy, nice: old.nice }, to: { policy, nice } });
  }

  private place(tid: number, hierarchy: string): void {
    const { path: from } = this.before.said(tid, hierarchy)!;
    const now = this.now.said(tid, hierarchy);
    // A thread's own line that is gone would otherwise mean: to where all the others are.
    const lost = this.before.ofThreads.get(tid)!.has(hierarchy) && !this.now.ofThreads.get(tid)!.has(hierarchy);
    if (!now || lost) return this.now.shared.has(hierarchy) || lost ? this.problem(lineSpan(this.now.threadNodes.get(tid)!.line), 'removed', `${hierarchy}  ${cell(from)}`) : undefined;
    if (now.path === from) return;
    const span = now.node.cells.path;
    if (!isPath(now.path)) return this.problem(span, 'not-understood', '/PATH, S or S/PATH, without .. and empty parts');
    if (from === UNKNOWN) return this.problem(span, 'not-editable', UNKNOWN);
    this.edits.push({ kind: 'place', span, tid, hierarchy, from, to: now.path });
  }

  /** What one line says of its cgroup in one of its hierarchies. */
  private limitsOf(node: RowNode, hierarchy: string, listed: ReadonlyMap<string, ReadonlyMap<string, string>>, changed: Map<string, PlacementEdit & { kind: 'value' }>): void {
    const { row, cells } = node;
    const own = (attribute: Attribute): boolean => isOf(attribute.name, hierarchy, row.hierarchies);
    const stays = node.isAbove ? this.before.above.has(cgroupKey(hierarchy, row.path)) : this.before.said(node.tid ?? SHARED, hierarchy)?.path === row.path;
    if (node.isAbove && !stays) return this.problem(cells.path, 'not-editable', [...this.before.above.values()].map(({ path }) => cell(path)).join(', ') || 'nothing');
    const known = listed.get(cgroupKey(hierarchy, row.path));
    const seen = new Set<string>();
    for (const [i, attribute] of row.attributes.entries()) {
      const span = cells.attributes[i]!;
      if (seen.has(attribute.name)) this.problem(span, 'twice', attribute.name);
      seen.add(attribute.name);
      if (!own(attribute) || known?.get(attribute.name) === attribute.value) continue;
      if (stays) this.limit(span, hierarchy, row, attribute, known, changed);
      else if (this.before.said(node.tid ?? SHARED, hierarchy)?.node.row.attributes.some(old => same(old, attribute)) !== true) this.problem(span, 'path-and-limits', limitText(known, attribute.name));
    }
    if (!stays) return; // what it had is left where it was
    const before = node.isAbove ? this.before.above.get(cgroupKey(hierarchy, row.path)) : node.tid === undefined ? this.before.shared.get(hierarchy) : this.before.ofThreads.get(node.tid)?.get(hierarchy);
    for (const attribute of before?.node.row.attributes ?? []) {
      if (seen.has(attribute.name) || !isOf(attribute.name, hierarchy, before!.node.row.hierarchies)) continue;
      if (!isLimit(attribute.name)) this.problem(cells.path, 'removed', `${attribute.name} ${attribute.value}`.trim());
      else this.change(changed, { kind: 'value', span: cells.path, hierarchy, path: row.path, name: attribute.name, from: attribute.value, to: undefined });
    }
  }

  private limit(span: Span, hierarchy: string, row: Row, { name, value }: Attribute, known: ReadonlyMap<string, string> | undefined, changed: Map<string, PlacementEdit & { kind: 'value' }>): void {
    if (!isLimit(name)) return this.problem(span, 'not-editable', limitText(known, name));
    const { fits, expected } = LIMITS[name];
    if (!fits(value)) return this.problem(span, 'not-understood', expected);
    const to = name === 'cpus' || name === 'mems' ? parseCpuList(value)!.toString() : value;
    if (to !== known?.get(name)) this.change(changed, { kind: 'value', span, hierarchy, path: row.path, name, from: known?.get(name), to });
  }

  /** A cgroup may be listed in several lines: to change one of them is enough, and all that change must agree. */
  private change(changed: Map<string, PlacementEdit & { kind: 'value' }>, edit: PlacementEdit & { kind: 'value' }): void {
    const key = `${cgroupKey(edit.hierarchy, edit.path)} ${edit.name}`;
    const other = changed.get(key);
    if (other && other.to !== edit.to) this.problem(edit.span, 'twice', `${edit.name} ${other.to ?? ''}`.trim());
    else if (!other) changed.set(key, edit);
  }

  private problem(span: Span, reason: DraftProblem['reason'], expected: string): void {
    this.problems.push({ line: span.line, start: span.start, end: span.end, reason, expected });
  }
}

function valuesByCgroup(rows: readonly RowNode[]): Map<string, Map<string, string>> {
  const values = new Map<string, Map<string, string>>();
  for (const { row } of rows) {
    for (const hierarchy of row.hierarchies) {
      const own = row.attributes.filter(attribute => isOf(attribute.name, hierarchy, row.hierarchies));
      const key = cgroupKey(hierarchy, row.path);
      const known = values.get(key) ?? new Map<string, string>();
      for (const { name, value } of own) known.set(name, value);
      values.set(key, known);
    }
  }
  return values;
}

/** Whether a line's word is about its cgroup in this hierarchy. What is no limit is said of all, and so is what no other hierarchy of the line can have. */
function isOf(name: string, hierarchy: string, hierarchies: readonly string[]): boolean {
  if (!isLimit(name)) return true;
  const { controller } = LIMITS[name];
  const v1 = hierarchies.find(key => key.split(',').includes(controller));
  return hierarchy === (v1 ?? (hierarchies.includes('0::') ? '0::' : hierarchies[0]));
}

function isLimit(name: string): name is LimitName {
  return Object.hasOwn(LIMITS, name);
}

function limitText(known: ReadonlyMap<string, string> | undefined, name: string): string {
  const value = known?.get(name);
  return value === undefined ? 'nothing' : `${name} ${value}`.trim();
}

function cgroupKey(hierarchy: string, path: string): string {
  return `${hierarchy}\n${path}`;
}

/** As a cgroup can be called: the kernel takes no newline, and nothing is reached through `..`. */
function isPath(path: string): boolean {
  return path === '/' || (/^(\/[^/\n]+)+$/.test(path) && !path.split('/').some(part => part === '.' || part === '..'));
}

function isCpuList(text: string): boolean {
  return parseCpuList(text)?.isEmpty === false;
}

function isBetween(text: string, least: number, most: number): boolean {
  return /^\d{1,16}$/.test(text) && Number(text) >= least && Number(text) <= most;
}

function same(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A whole line: longer than any. */
function lineSpan(line: number): Span {
  return { line, start: 0, end: 1_000_000 };
}
