import type { Plan } from '../plan/plan';
import type { Applied } from './applied';

/** What was begun on a host, and what became of it: `applied` is not there while nobody knows. */
export interface HistoryEntry {
  readonly id: string;
  readonly at: number;
  readonly plan: Plan;
  readonly applied: Applied | undefined;
  readonly undoes: string | undefined;
}

export type HistoryLine =
  | { readonly kind: 'begun'; readonly id: string; readonly at: number; readonly plan: Plan; readonly undoes?: string }
  | { readonly kind: 'ended'; readonly id: string; readonly at: number; readonly applied: Applied };

export function printHistoryLine(line: HistoryLine): string {
  return `${JSON.stringify(line)}\n`;
}

export function parseHistory(text: string): HistoryEntry[] {
  const entries = new Map<string, HistoryEntry>();
  for (const line of text.split('\n')) {
    let found: HistoryLine;
    try {
      found = JSON.parse(line) as HistoryLine;
    } catch {
      continue; // half a line
    }
    if (found.kind === 'begun') entries.set(found.id, { id: found.id, at: found.at, plan: found.plan, applied: undefined, undoes: found.undoes });
    const begun = entries.get(found.id);
    if (found.kind === 'ended' && begun) entries.set(found.id, { ...begun, applied: found.applied });
  }
  return [...entries.values()];
}
