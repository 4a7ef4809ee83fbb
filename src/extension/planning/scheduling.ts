import * as vscode from 'vscode';
import type { Change } from '../../core/plan/plan';
import { core } from '../lazyCore';
import { plain } from '../text';
import { input, pick } from './ask';
import type { ThreadsTarget } from './targets';

type Policy = 'other' | 'batch' | 'idle' | 'fifo' | 'rr';

/** Policy, then the one number that belongs to it (sched(7)). */
export async function askForScheduling({ machine, threads }: ThreadsTarget): Promise<readonly Change[] | undefined> {
  const [first] = threads;
  if (!first) return undefined;
  const what = threads.length === 1 ? core().roleText(first.role) : vscode.l10n.t('{0} threads', threads.length);
  const title = plain(vscode.l10n.t('Scheduling of {0} of {1}', what, machine.name));
  const item = (policy: Policy, description: string): vscode.QuickPickItem & { readonly policy: Policy } => ({ label: `${threads.every(thread => thread.policy === policy) ? '$(check)' : '$(blank)'} ${policy}`, description, policy });
  const picked = await pick([
    item('other', vscode.l10n.t('the usual one, with a nice value')),
    item('batch', vscode.l10n.t('as other, but never preempts: with a nice value')),
    item('idle', vscode.l10n.t('only when nobody else wants the CPU')),
    item('fifo', vscode.l10n.t('real time, until it gives the CPU away: priority 1 to 99')),
    item('rr', vscode.l10n.t('real time, in turns with its equals: priority 1 to 99')),
  ], title, vscode.l10n.t('Policy'));
  if (!picked) return undefined;
  const { policy } = picked;
  const number = (prompt: string, least: number, most: number, value: number): Promise<number | undefined> => input({ title, prompt, value: String(value) }, text => {
    const typed = Number(text);
    return /^-?\d{1,2}$/.test(text.trim()) && typed >= least && typed <= most ? { value: typed } : { fault: vscode.l10n.t('A whole number from {0} to {1}', least, most) };
  });
  let priority: number | undefined = 0;
  let nice: number | undefined = first.nice;
  if (policy === 'fifo' || policy === 'rr') priority = await number(vscode.l10n.t('Priority: 1 (lowest) to 99'), 1, 99, first.rtPriority || 1);
  else if (policy !== 'idle') nice = await number(vscode.l10n.t('Nice: −20 (most of the CPU) to 19'), -20, 19, first.nice);
  if (priority === undefined || nice === undefined) return undefined;
  const numbers = { priority, nice };
  return threads.map(thread => ({ kind: 'schedule', thread, policy, ...numbers }));
}
