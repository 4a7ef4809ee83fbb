import { V2_KEY } from '../core/model/hierarchies';
import type { HostModel, Machine } from '../core/model/hostModel';
import type { Change } from '../core/plan/plan';
import { restoreLayout } from '../core/rules/restoreLayout';
import { ArgumentError, type ChangeArguments, changesOfArguments } from './changes';

/** How `--hierarchy` is spelled where a change is about one. */
interface Spelled {
  readonly option: 'make' | 'set' | 'move' | 'pin' | 'schedule' | 'remove';
  readonly text: string;
  readonly hierarchy: string | undefined;
}

export const RESTORE = '--restore-layout';

/** More than that nobody reads as a command. */
const MOST = 32;

/**
 * The arguments of `cgroup-lens plan` that mean just these changes, in whichever order; `undefined` where there are none:
 * `--hierarchy` is about all that is changed at once. Read back to be sure.
 *
 * @param spell how a cgroup's path is written: `S/vcpu2`
 */
export function argumentsOfChanges(model: HostModel, machine: Machine, changes: readonly Change[], spell: (path: string) => string): string[] | undefined {
  if (changes.length > 1 && isSame(restoreLayout(model, machine), changes)) return [RESTORE]; // threads of several hierarchies have no other words, and many have no short ones
  if (changes.length > MOST) return undefined;
  const asPath = (path: string): string => path;
  const spelledOut = changes.flatMap(change => withoutQuota(model, change));
  return [spell, asPath].map(way => argumentsBy(model, machine, spelledOut, way)).find(found => found !== undefined);
}

function argumentsBy(model: HostModel, machine: Machine, changes: readonly Change[], spell: (path: string) => string): string[] | undefined {
  const spelled: Spelled[] = [];
  for (const change of changes) {
    const one = spelledOf(change, spell);
    if (!one) return undefined;
    spelled.push(one);
  }
  const options = new Map<Spelled['option'], string[]>();
  for (const { option, text } of spelled) {
    const texts = options.get(option) ?? [];
    if (!texts.includes(text)) texts.push(text);
    options.set(option, texts);
  }
  const keys = [...new Set(spelled.flatMap(({ hierarchy }) => hierarchy ?? []))];
  const wanted: ChangeArguments = { ...Object.fromEntries(options), hierarchy: keys.length === 0 ? undefined : keys };
  try {
    const back = changesOfArguments(model, machine, wanted);
    if (!isSame(back, changes)) return undefined;
  } catch (error) {
    if (error instanceof ArgumentError) return undefined;
    throw error;
  }
  return [...keys.flatMap(key => ['--hierarchy', key]), ...[...options].flatMap(([option, texts]) => texts.flatMap(text => [`--${option}`, text]))];
}

/** A quota as the values of the files that its hierarchy has for it. */
function withoutQuota(model: HostModel, change: Change): Change[] {
  if (change.kind !== 'quota') return [change];
  const { hierarchy, path, to: { quota, period } } = change;
  const set = (file: string, value: string): Change => ({ kind: 'set', hierarchy, path, file, value });
  if (hierarchy === V2_KEY) return [set('cpu.max', `${quota} ${period}`)];
  const before = model.hierarchies.find(({ key }) => key === hierarchy)?.cgroups.get(path)?.bandwidth;
  return [...(before?.period === period ? [] : [set('cpu.cfs_period_us', String(period))]), set('cpu.cfs_quota_us', quota === 'max' ? '-1' : String(quota))];
}

function spelledOf(change: Change, spell: (path: string) => string): Spelled | undefined {
  switch (change.kind) {
    case 'move':
      return { option: 'move', text: `${change.thread.tid}=${spell(change.to)}`, hierarchy: change.hierarchy };
    case 'pin':
      return { option: 'pin', text: `${change.thread.tid}=${change.cpus === 'all' ? 'all' : change.cpus.toString()}`, hierarchy: undefined };
    case 'schedule': {
      const priority = change.policy === 'fifo' || change.policy === 'rr' ? `:${change.priority}` : '';
      const nice = change.nice === change.thread.nice ? '' : `:nice:${change.nice}`;
      return { option: 'schedule', text: `${change.thread.tid}=${change.policy}${priority}${nice}`, hierarchy: undefined };
    }
    case 'make':
    case 'remove':
      return { option: change.kind, text: spell(change.path), hierarchy: change.hierarchy };
    case 'set':
      return { option: 'set', text: `${spell(change.path)}/${change.file}=${change.value}`, hierarchy: change.hierarchy };
    default:
      return undefined;
  }
}

function isSame(a: readonly Change[], b: readonly Change[]): boolean {
  const texts = (changes: readonly Change[]): string[] => changes.map(textOf).sort();
  return JSON.stringify(texts(a)) === JSON.stringify(texts(b));
}

/** Each change as the text of all that tells it from others. */
function textOf(change: Change): string {
  const { kind } = change;
  const thread = 'thread' in change ? change.thread.key : '';
  switch (kind) {
    case 'move':
    case 'moveProcess':
      return JSON.stringify([kind, thread, change.hierarchy, change.to]);
    case 'pin':
      return JSON.stringify([kind, thread, change.cpus.toString()]);
    case 'schedule':
      return JSON.stringify([kind, thread, change.policy, change.priority, change.nice]);
    case 'set':
      return JSON.stringify([kind, change.hierarchy, change.path, change.file, change.value]);
    default:
      return JSON.stringify([kind, change.hierarchy, change.path]);
  }
}
