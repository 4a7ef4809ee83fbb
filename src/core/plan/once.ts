import type { Change, Refusal } from './plan';
import { refuse } from './context';
import { spelling } from './values';

/**
 * Each change once. Two that want different things of the same are refused: one step of the plan would find what the
 * other has done, and stop half-way.
 */
export function once(changes: readonly Change[]): readonly Change[] | Refusal {
  const wishes = new Map<string, string>();
  const found: Change[] = [];
  for (const change of changes) {
    const { what, key, wish } = wishOf(change);
    const known = wishes.get(key);
    if (known === undefined) {
      wishes.set(key, wish);
      found.push(change);
    } else if (known !== wish) return refuse('said-twice', { what });
  }
  for (const change of found) {
    if (change.kind === 'move' && wishes.has(`process ${change.thread.pid} ${change.hierarchy}`)) return refuse('said-twice', { what: `TID ${change.thread.tid}` });
    if (change.kind === 'set' && QUOTA.has(change.file) && wishes.has(`quota ${change.hierarchy}\n${change.path}`)) return refuse('said-twice', { what: `${change.path}/${change.file}` });
  }
  return found;
}

const QUOTA = new Set(['cpu.max', 'cpu.cfs_quota_us', 'cpu.cfs_period_us']);

function wishOf(change: Change): { readonly what: string; readonly key: string; readonly wish: string } {
  switch (change.kind) {
    case 'move':
      return { what: `TID ${change.thread.tid}`, key: `thread ${change.thread.key} ${change.hierarchy}`, wish: change.to };
    case 'moveProcess':
      return { what: `PID ${change.thread.pid}`, key: `process ${change.thread.pid} ${change.hierarchy}`, wish: change.to };
    case 'pin':
      return { what: `TID ${change.thread.tid}`, key: `pin ${change.thread.key}`, wish: change.cpus.toString() };
    case 'schedule':
      return { what: `TID ${change.thread.tid}`, key: `schedule ${change.thread.key}`, wish: `${change.policy} ${change.priority} ${change.nice}` };
    case 'make':
    case 'remove':
      return { what: change.path, key: `cgroup ${change.hierarchy}\n${change.path}`, wish: change.kind };
    case 'quota':
      return { what: change.path, key: `quota ${change.hierarchy}\n${change.path}`, wish: `${change.to.quota} ${change.to.period}` };
    case 'set':
      return { what: `${change.path}/${change.file}`, key: `file ${change.hierarchy}\n${change.path}\n${change.file}`, wish: spelling(change.file, change.value) };
  }
}
