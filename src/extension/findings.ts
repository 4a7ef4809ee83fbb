import * as vscode from 'vscode';
import type { HostModel, Machine, Thread } from '../core/model/hostModel';
import type { Rates } from '../core/model/rates';
import type { Node, ParsedPlacement, Span } from '../core/placement/parse';
import type { Finding } from '../core/rules/rule';
import { core } from './lazyCore';

const found = new WeakMap<HostModel, readonly Finding[]>();

/** Looks for what is wrong on a host, and lets others have their turn meanwhile: before a model is shown. */
export async function lookForFindings(model: HostModel, rates: Rates): Promise<void> {
  found.set(model, await core().paced(core().checking(model, rates), 1));
}

/** What is wrong on a host; looked for once in each model. */
export function findingsIn(model: HostModel): readonly Finding[] {
  let findings = found.get(model);
  if (!findings) found.set(model, (findings = core().findingsOf(model)));
  return findings;
}

export function findingsOfThread(model: HostModel, thread: Thread): Finding[] {
  return findingsIn(model).filter(finding => finding.threads.includes(thread));
}

const byMachine = new WeakMap<readonly Finding[], ReadonlyMap<Machine, readonly Finding[]>>();

function findingsOfMachine(model: HostModel, machine: Machine): readonly Finding[] {
  const findings = findingsIn(model);
  let groups = byMachine.get(findings);
  if (!groups) {
    const made = new Map<Machine, Finding[]>();
    for (const finding of findings) {
      const own = made.get(finding.machine);
      if (own) own.push(finding);
      else made.set(finding.machine, [finding]);
    }
    byMachine.set(findings, (groups = made));
  }
  return groups.get(machine) ?? [];
}

/** A finding, and the words of a document that are at fault. */
export interface PlacedFinding {
  readonly finding: Finding;
  readonly range: vscode.Range;
}

/** Where in a text of this machine each finding stands. Not those whose words a person has changed, or whose thread is not in it. */
export function placeFindings(model: HostModel, machine: Machine, parsed: ParsedPlacement): PlacedFinding[] {
  return findingsOfMachine(model, machine).flatMap(finding => {
    const range = wordsOf(finding, machine, parsed);
    return range ? [{ finding, range }] : [];
  });
}

function wordsOf({ at }: Finding, machine: Machine, parsed: ParsedPlacement): vscode.Range | undefined {
  if (at.kind === 'machine') return headOf(machine, parsed);
  if (at.kind === 'value') return valueOf(at, machine, parsed);
  const node = parsed.nodes.find((one): one is Extract<Node, { kind: 'thread' }> => one.kind === 'thread' && one.tid === at.thread.tid && threadOf(one, machine, parsed) === at.thread); // each look for a thread is one through all
  if (!node) return undefined;
  if (at.kind === 'thread') return rangeOf(node.cells.role);
  if (at.kind !== 'place') return rangeOf(node.cells[at.kind]);
  const row = parsed.nodes.find((one): one is RowNode => one.kind === 'row' && one.line > node.line && one.line <= node.last && one.row.hierarchies.includes(at.hierarchy));
  if (!row) return rangeOf(node.cells.role); // it is where all others are, too
  return row.row.path === at.path ? rangeOf(row.cells.path) : undefined;
}

type RowNode = Extract<Node, { kind: 'row' }>;

function headOf({ pid }: Machine, { nodes, placement }: ParsedPlacement): vscode.Range | undefined {
  const node = placement?.machine.pid === pid ? nodes.find(({ kind }) => kind === 'machine') : undefined;
  return node && new vscode.Range(node.line, 0, node.line, Number.MAX_SAFE_INTEGER);
}

/** The first row that speaks of this cgroup: the value's own words, or the path where the document says no such value. */
function valueOf({ hierarchy, path, name }: Extract<Finding['at'], { kind: 'value' }>, machine: Machine, parsed: ParsedPlacement): vscode.Range | undefined {
  const row = parsed.nodes.find((one): one is RowNode => one.kind === 'row' && one.row.path === path && one.row.hierarchies.includes(hierarchy));
  if (!row) return headOf(machine, parsed);
  const at = row.row.attributes.findIndex(attribute => attribute.name === name);
  return rangeOf(row.cells.attributes[at] ?? row.cells.path);
}

/**
 * The thread that a line speaks of, or that a line below it belongs to; `undefined` when it is gone. A text may be older
 * than the model, and its TID another thread's by now.
 */
export function threadOf(node: Extract<Node, { kind: 'thread' }>, machine: Machine, parsed: ParsedPlacement): Thread | undefined {
  if (parsed.placement?.machine.pid !== machine.pid) return undefined;
  return machine.threads.find(({ tid, role }) => tid === node.tid && core().roleText(role) === node.role);
}

export function rangeOf({ line, start, end }: Span): vscode.Range {
  return new vscode.Range(line, start, line, end);
}
