import * as vscode from 'vscode';
import type { HostId } from '../../core/host/source';
import type { Machine } from '../../core/model/hostModel';
import type { CgroupsNode } from './cgroupNodes';
import type { MachinesNode } from './machineNodes';

const THREADS = 'application/vnd.cgroup-lens.threads';

/** What is dragged, by names that stay. */
export interface Dragged {
  readonly host: HostId;
  readonly machines: readonly string[];
  /** None: whole machines. */
  readonly threads: readonly string[];
}

/** Threads and machines can be dragged, from either view; what a drop asks for is a plan, never a write. */
export class DragThreads<Row extends MachinesNode | CgroupsNode> implements vscode.TreeDragAndDropController<Row> {
  readonly dragMimeTypes = [THREADS];
  readonly dropMimeTypes: string[];

  /** @param drop of a view onto whose rows threads can be dropped */
  constructor(private readonly drop?: (target: Row, dragged: Dragged) => Promise<void>) {
    this.dropMimeTypes = drop ? [THREADS] : [];
  }

  handleDrag(nodes: readonly Row[], data: vscode.DataTransfer): void {
    const [first] = nodes;
    const rows = nodes.filter((node): node is Extract<Row, { machine: Machine }> => 'machine' in node);
    // A capture's threads can be dragged too: the plan can be read and copied.
    if (!first || rows.length === 0 || rows.some(row => row.state.source.id !== first.state.source.id)) return;
    const threads = rows.flatMap(row => ('thread' in row ? [row.thread.key] : []));
    const dragged: Dragged = { host: first.state.source.id, machines: [...new Set(rows.map(row => row.machine.key))], threads: [...new Set(threads)] };
    data.set(THREADS, new vscode.DataTransferItem(JSON.stringify(dragged)));
  }

  async handleDrop(target: Row | undefined, data: vscode.DataTransfer): Promise<void> {
    if (!target || !this.drop) return;
    // What was dragged from elsewhere may stand before it, or be all there is.
    for (const [type, item] of data) {
      const dragged = type === THREADS ? parse(await item.asString()) : undefined;
      if (dragged) return this.drop(target, dragged);
    }
  }
}

function parse(text: string): Dragged | undefined {
  try {
    const found = JSON.parse(text) as Partial<Dragged> | null;
    const areStrings = (list: unknown): list is string[] => Array.isArray(list) && list.every(it => typeof it === 'string');
    return typeof found?.host === 'string' && areStrings(found.machines) && areStrings(found.threads) ? { host: found.host, machines: found.machines, threads: found.threads } : undefined;
  } catch {
    return undefined; // somebody else's
  }
}
