import * as vscode from 'vscode';
import type { HostModel, Machine, Thread } from '../core/model/hostModel';
import type { Node, ParsedPlacement, Span } from '../core/placement/parse';
import type { Finding } from '../core/rules/rule';
import { findingsIn } from './findings';
import { core } from './lazyCore';

/** A finding, and the words of a document that are at fault. */
export interface PlacedFinding {
  readonly finding: Finding;
  readonly range: vscode.Range;
}

type ThreadNode = Extract<Node, { kind: 'thread' }>;
type RowNode = Extract<Node, { kind: 'row' }>;

/** Where in a text of this machine each finding stands. Not those whose words a person has changed, or whose thread is not in it. */
export function placeFindings(model: HostModel, machine: Machine, parsed: ParsedPlacement): PlacedFinding[] {
  const findings = findingsIn(model).ofMachine(machine);
  if (findings.length === 0) return [];
  const words = new Words(machine, parsed);
  return findings.flatMap(finding => {
    const range = words.of(finding);
    return range ? [{ finding, range }] : [];
  });
}

/** A document's words by what they say: to look through all of them for each of a thousand findings is too slow. */
class Words {
  private readonly threads = new Map<Thread, number>();
  private readonly rows = new Map<string, RowNode>();

  constructor(
    private readonly machine: Machine,
    private readonly parsed: ParsedPlacement,
  ) {
    const byName = new Map(machine.threads.map(thread => [threadName(thread.tid, core().roleText(thread.role)), thread]));
    if (parsed.placement?.machine.pid !== machine.pid) return; // another one's text
    for (const [i, node] of parsed.nodes.entries()) {
      if (node.kind === 'thread') {
        const thread = byName.get(threadName(node.tid, node.role));
        if (thread && !this.threads.has(thread)) this.threads.set(thread, i);
      } else if (node.kind === 'row') {
        for (const key of node.row.hierarchies) {
          const name = JSON.stringify([key, node.row.path]);
          if (!this.rows.has(name)) this.rows.set(name, node);
        }
      }
    }
  }

  of({ at }: Finding): vscode.Range | undefined {
    if (at.kind === 'machine') return this.head();
    if (at.kind === 'value') return this.value(at);
    const index = this.threads.get(at.thread);
    if (index === undefined) return undefined;
    const node = this.parsed.nodes[index] as ThreadNode;
    if (at.kind === 'thread') return rangeOf(node.cells.role);
    if (at.kind !== 'place') return rangeOf(node.cells[at.kind]);
    const row = this.rowOf(node, index, at.hierarchy);
    if (!row) return rangeOf(node.cells.role); // it is where all others are, too
    return row.row.path === at.path ? rangeOf(row.cells.path) : undefined;
  }

  private rowOf(node: ThreadNode, index: number, hierarchy: string): RowNode | undefined {
    for (let i = index + 1; ; i++) {
      const below = this.parsed.nodes[i];
      if (below?.kind !== 'row' || below.line > node.last) return undefined;
      if (below.row.hierarchies.includes(hierarchy)) return below;
    }
  }

  private head(): vscode.Range | undefined {
    const { nodes, placement } = this.parsed;
    const node = placement?.machine.pid === this.machine.pid ? nodes.find(({ kind }) => kind === 'machine') : undefined;
    return node && new vscode.Range(node.line, 0, node.line, Number.MAX_SAFE_INTEGER);
  }

  /** The first row that speaks of this cgroup: the value's own words, or the path where the document says no such value. */
  private value({ hierarchy, path, name }: Extract<Finding['at'], { kind: 'value' }>): vscode.Range | undefined {
    const row = this.rows.get(JSON.stringify([hierarchy, path]));
    if (!row) return this.head();
    const at = row.row.attributes.findIndex(attribute => attribute.name === name);
    return rangeOf(row.cells.attributes[at] ?? row.cells.path);
  }
}

function threadName(tid: number, role: string): string {
  return `${tid} ${role}`;
}

/**
 * The thread that a line speaks of, or that a line below it belongs to; `undefined` when it is gone. A text may be older
 * than the model, and its TID another thread's by now.
 */
export function threadOf(node: ThreadNode, machine: Machine, parsed: ParsedPlacement): Thread | undefined {
  if (parsed.placement?.machine.pid !== machine.pid) return undefined;
  return machine.threads.find(({ tid, role }) => tid === node.tid && core().roleText(role) === node.role);
}

export function rangeOf({ line, start, end }: Span): vscode.Range {
  return new vscode.Range(line, start, line, end);
}
