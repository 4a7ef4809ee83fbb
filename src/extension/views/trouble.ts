import * as vscode from 'vscode';
import type { Machine, Thread } from '../../core/model/hostModel';
import { inShort } from '../findingText';
import type { HostView } from '../hostService';
import { plain } from '../text';

/** `12 %`; two digits are all that such a measurement bears. */
export function percent(share: number): string {
  return `${share < 0.1 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`;
}

/** What answers the 3 a.m. question. Time throttled counts as waiting in the kernel's books: it is said once, as what it is. */
export function trouble(view: HostView, thread: Thread): { readonly text: string; readonly isBad: boolean } | undefined {
  const throttled = view.rates.throttled(thread);
  if (throttled && throttled.share >= 0.001) {
    const path = plain(inShort(throttled.cgroup.path));
    return { text: vscode.l10n.t('throttled {0} of the time at {1}', percent(throttled.share), path), isBad: true };
  }
  const waiting = view.rates.waiting(thread);
  // Below one in a hundred it is noise; below one in twenty no reason to be alarmed.
  return waiting === undefined || waiting < 0.01 ? undefined : { text: vscode.l10n.t('waits {0}', percent(waiting)), isBad: waiting >= 0.05 };
}

export function heldThreads(view: HostView, machine: Machine): number {
  return machine.threads.filter(thread => trouble(view, thread)?.isBad === true).length;
}
