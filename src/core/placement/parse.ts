import { parseLayout } from '../layout/layout';
import { type Cell, isClosed, splitCells, unquote } from './cells';
import type { Attribute, Placement, Row, ThreadBlock } from './placement';
import { parentOf } from './print';

/** Where in the text something is said; lines and columns from 0. */
export interface Span {
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** What a line is about, for hover, outline, links and for finding a place again after a refresh. */
export type Node =
  | { readonly kind: 'machine' | 'host' | 'alias' | 'all' | 'above'; readonly line: number; readonly last: number }
  | { readonly kind: 'thread'; readonly line: number; readonly last: number; readonly tid: number; readonly role: string; readonly cells: ThreadSpans }
  | { readonly kind: 'row'; readonly line: number; readonly last: number; readonly row: Row; readonly tid: number | undefined; readonly isAbove: boolean; readonly cells: RowSpans };

export interface ThreadSpans {
  readonly role: Span;
  readonly tid: Span;
  readonly comm: Span;
  readonly policy: Span;
  /** Where it is not 0. */
  readonly nice: Span | undefined;
  readonly cpus: Span;
}

export interface RowSpans {
  readonly hierarchies: Span;
  readonly path: Span;
  readonly attributes: readonly Span[];
}

export interface ParseProblem extends Span {
  readonly expected: string;
}

export interface ParsedPlacement {
  /** `undefined` when the head is missing. */
  readonly placement: Placement | undefined;
  /** What `S` stands for. */
  readonly alias: string | undefined;
  readonly nodes: readonly Node[];
  readonly problems: readonly ParseProblem[];
}

/** Reads a placement document. Never throws: a line that cannot be understood is a problem with its place. */
export function parsePlacement(text: string): ParsedPlacement {
  const parser = new Parser();
  text.split('\n').forEach((line, i) => parser.line(line.replace(/\r$/, ''), i));
  return parser.finish();
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

class Parser {
  private readonly nodes: Mutable<Node>[] = [];
  private readonly problems: ParseProblem[] = [];
  private machine: Placement['machine'] | undefined;
  private host: Placement['host'] | undefined;
  private alias: string | undefined;
  private count: number | undefined;
  private readonly shared: Row[] = [];
  private readonly threads: (ThreadBlock & { readonly rows: Row[] })[] = [];
  private readonly above: Row[] = [];
  private section: 'head' | 'all' | 'thread' | 'above' = 'head';

  line(line: string, at: number): void {
    const cells = splitCells(line);
    if (cells.length === 0) return;
    const broken = cells.find(c => !isClosed(c.text));
    if (broken) return this.problem(at, broken, 'a closing quote');
    if (line.startsWith('  ')) return this.row(cells, at);
    const first = cells[0]!.text;
    if (first.startsWith('machine ')) return this.machineLine(cells, at);
    if (first.startsWith('host ')) return this.hostLine(cells, at);
    if (first.startsWith('S = ')) {
      if (cells[1]) return this.problem(at, cells[1], 'the end of the line');
      this.alias = afterKeyword(first.slice(2));
      return this.node('alias', at);
    }
    const all = /^all (\d+) threads?$/.exec(first);
    if (all) {
      if (cells[1]) return this.problem(at, cells[1], 'the end of the line');
      this.count = Number(all[1]);
      return this.open('all', at);
    }
    if (first === 'above' && cells.length === 1) return this.open('above', at);
    this.thread(cells, at);
  }

  finish(): ParsedPlacement {
    const { machine, host, alias, count, shared, threads, above, nodes, problems } = this;
    const placement = machine && host && count !== undefined ? { machine, host, count, shared, threads, above } : undefined;
    return { placement, alias, nodes: nodes as Node[], problems };
  }

  private machineLine(cells: readonly Cell[], at: number): void {
    const pid = /^PID (\d+)$/.exec(cells[1]?.text ?? '');
    if (!pid || !cells[2]) return this.problem(at, cells[0]!, 'machine NAME   PID NUMBER   EXECUTABLE');
    const foreign = cells.slice(3).find(c => !parseLayout(c.text) && !c.text.startsWith('uuid '));
    if (foreign) return this.problem(at, foreign, 'who placed it, uuid UUID, or the end of the line');
    const uuid = cells.find(c => c.text.startsWith('uuid '));
    this.machine = {
      name: afterKeyword(cells[0]!.text),
      pid: Number(pid[1]),
      emulator: unquote(cells[2].text),
      uuid: uuid && afterKeyword(uuid.text),
      layout: cells.slice(3).map(c => parseLayout(c.text)).find(layout => layout !== undefined),
    };
    this.node('machine', at);
  }

  private hostLine(cells: readonly Cell[], at: number): void {
    const kernel = cells[2]?.text.startsWith('kernel ') === true && cells.length === 3 ? cells[2] : undefined;
    if (!cells[1] || !kernel) return this.problem(at, cells[0]!, 'host NAME   MODE   kernel RELEASE');
    this.host = { label: afterKeyword(cells[0]!.text), mode: unquote(cells[1].text), kernel: afterKeyword(kernel.text) };
    this.node('host', at);
  }

  private thread(cells: readonly Cell[], at: number): void {
    const [role, tid, comm, policy, ...rest] = cells;
    const niceCell = rest.length === 2 ? rest[0]! : undefined;
    const nice = niceCell && /^nice (-?\d+)$/.exec(niceCell.text);
    const cpus = rest.at(-1);
    const isWhole = cpus?.text.startsWith('cpus ') === true && rest.length <= 2 && (niceCell === undefined || nice);
    if (!role || !tid || !/^\d+$/.test(tid.text) || !comm || !policy || !/^[a-z]+ \d+$/.test(policy.text) || !cpus || !isWhole) {
      return this.problem(at, cells[0]!, 'ROLE  TID  NAME  POLICY PRIORITY  nice NUMBER (where it is not 0)  cpus LIST');
    }
    const list = afterKeyword(cpus.text);
    this.threads.push({
      role: unquote(role.text),
      tid: Number(tid.text),
      comm: unquote(comm.text),
      policy: policy.text,
      nice: nice ? Number(nice[1]) : 0,
      cpus: list === 'none' ? '' : list,
      rows: [],
    });
    this.section = 'thread';
    const span = (c: Cell): Span => ({ line: at, start: c.start, end: c.end });
    this.nodes.push({ kind: 'thread', line: at, last: at, tid: Number(tid.text), role: unquote(role.text), cells: { role: span(role), tid: span(tid), comm: span(comm), policy: span(policy), nice: niceCell && span(niceCell), cpus: span(cpus) } });
  }

  private row(cells: readonly Cell[], at: number): void {
    const [hierarchies, path, ...rest] = cells;
    if (!hierarchies || !path) return this.problem(at, cells[0]!, 'HIERARCHY  PATH');
    if (this.section === 'head') return this.problem(at, cells[0]!, 'this line below "all N threads", a thread or "above"');
    const row: Row = {
      hierarchies: words(hierarchies.text),
      path: this.resolve(unquote(path.text)),
      attributes: rest.map(attribute),
    };
    const thread = this.section === 'thread' ? this.threads.at(-1)! : undefined;
    (thread?.rows ?? (this.section === 'all' ? this.shared : this.above)).push(row);
    const span = (c: Cell): Span => ({ line: at, start: c.start, end: c.end });
    this.nodes.push({ kind: 'row', line: at, last: at, row, tid: thread?.tid, isAbove: this.section === 'above', cells: { hierarchies: span(hierarchies), path: span(path), attributes: rest.map(span) } });
    const parent = this.nodes.findLast(node => node.kind === 'thread' || node.kind === 'all' || node.kind === 'above');
    if (parent) parent.last = at;
  }

  private resolve(path: string): string {
    if (this.alias === undefined) return path;
    if (path === 'S') return this.alias;
    if (path === 'S/..') return parentOf(this.alias);
    return path.startsWith('S/') ? this.alias + path.slice(1) : path;
  }

  private open(section: 'all' | 'above', at: number): void {
    this.section = section;
    this.node(section, at);
  }

  private node(kind: 'machine' | 'host' | 'alias' | 'all' | 'above', line: number): void {
    this.nodes.push({ kind, line, last: line });
  }

  private problem(line: number, cell: Cell, expected: string): void {
    this.problems.push({ line, start: cell.start, end: cell.end, expected });
  }
}

/** The value behind the first word: `name value` or `name "value"`. */
function afterKeyword(text: string): string {
  const rest = text.slice(text.indexOf(' ') + 1);
  return unquote(rest);
}

function attribute(cell: Cell): Attribute {
  const space = cell.text.indexOf(' ');
  return space < 0 ? { name: cell.text, value: '' } : { name: cell.text.slice(0, space), value: afterKeyword(cell.text) };
}

/** Hierarchy keys, separated by single spaces; one with a space in its name is quoted. */
function words(text: string): string[] {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"|[^ ]+/gsu)].map(match => unquote(match[0]));
}
