import * as vscode from 'vscode';
import type { Cgroup, Hierarchy } from '../../core/model/hostModel';
import type { Change } from '../../core/plan/plan';
import { core } from '../lazyCore';
import { plain } from '../text';
import { input, pick } from './ask';
import type { CgroupTarget } from './targets';

type Parsed = { readonly value: string } | { readonly fault: string };

/** One thing that a cgroup limits, as a person says it. */
interface Limit {
  readonly label: string;
  readonly now: string;
  readonly prompt: string;
  parse(text: string): Parsed;
  change(text: string): Change;
}

type Setter = (file: string) => (value: string) => Change;

/** The name of a new cgroup below this one. */
export async function askForNew({ hierarchy, cgroup }: CgroupTarget): Promise<readonly Change[] | undefined> {
  const name = await input({ title: plain(vscode.l10n.t('New cgroup in {0}', core().unescapeUnit(cgroup.path))), prompt: vscode.l10n.t('Its name, in {0}', plain(hierarchy.key)) }, text => {
    if (text === '' || text === '.' || text === '..' || /[/\n\0]/.test(text)) return { fault: vscode.l10n.t('A name without slash or line break') };
    if (Buffer.byteLength(text) > 255) return { fault: vscode.l10n.t('At most 255 bytes') };
    const path = childPath(cgroup, text);
    return hierarchy.cgroups.has(path) ? { fault: vscode.l10n.t('There is one of this name') } : { value: path };
  });
  return name === undefined ? undefined : [{ kind: 'make', hierarchy: hierarchy.key, path: name }];
}

export function removal({ hierarchy, cgroup }: CgroupTarget): readonly Change[] {
  return [{ kind: 'remove', hierarchy: hierarchy.key, path: cgroup.path }];
}

/** Which limit, and to what. */
export async function askForLimit({ hierarchy, cgroup }: CgroupTarget): Promise<readonly Change[] | undefined> {
  const limits = limitsOf(hierarchy, cgroup);
  const name = core().unescapeUnit(core().cgroupName(cgroup));
  if (limits.length === 0) {
    void vscode.window.showInformationMessage(plain(vscode.l10n.t('{0} has no limit that can be changed: no such controller reaches it in {1}.', name, hierarchy.key)));
    return undefined;
  }
  const title = plain(vscode.l10n.t('Change limit of {0}', name));
  const limit = (await pick(limits.map(it => ({ label: it.label, description: it.now, limit: it })), title, plain(cgroup.path)))?.limit;
  const value = limit && (await input({ title, prompt: limit.prompt, value: limit.now }, text => limit.parse(text.trim())));
  if (!limit || value === undefined) return undefined;
  return [limit.change(value)];
}

function childPath({ path }: Cgroup, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}

/** Those whose files were read: where a controller does not reach there is nothing to write to. */
function limitsOf(hierarchy: Hierarchy, { path, bandwidth, weight, shares, cpus, pidsMax }: Cgroup): Limit[] {
  const set = (file: string) => (value: string): Change => ({ kind: 'set', hierarchy: hierarchy.key, path, file, value });
  const limits: Limit[] = [];
  if (bandwidth) {
    const { quota, period } = bandwidth;
    limits.push({
      label: vscode.l10n.t('CPU quota'), now: quota === 'max' ? 'max' : `${quota}/${period}`,
      prompt: vscode.l10n.t('Microseconds of CPU time in each period, and the period: 50000/100000; or max'), parse: parseQuota,
      change: text => {
        const [asked, of] = text.split('/');
        return { kind: 'quota', hierarchy: hierarchy.key, path, to: { quota: asked === 'max' ? 'max' : Number(asked), period: Number(of ?? period) } };
      },
    });
  }
  if (weight !== undefined) limits.push(numeric(vscode.l10n.t('CPU weight'), 'cpu.weight', String(weight), 1, 10_000, set));
  if (shares !== undefined) limits.push(numeric(vscode.l10n.t('CPU shares'), 'cpu.shares', String(shares), 2, 262_144, set));
  if (cpus) limits.push(list(vscode.l10n.t('CPUs'), 'cpuset.cpus', cpus.toString(), hierarchy.version === 2, set));
  if (pidsMax !== undefined) {
    limits.push({
      label: vscode.l10n.t('Tasks'), now: String(pidsMax), prompt: vscode.l10n.t('How many tasks; or max'),
      parse: text => (text === 'max' || /^\d{1,9}$/.test(text) ? { value: text } : { fault: vscode.l10n.t('A number, or max') }), change: set('pids.max'),
    });
  }
  return limits;
}

function numeric(label: string, file: string, now: string, least: number, most: number, set: Setter): Limit {
  const parse = (text: string): Parsed => (/^\d{1,6}$/.test(text) && Number(text) >= least && Number(text) <= most ? { value: text } : { fault: vscode.l10n.t('A whole number from {0} to {1}', least, most) });
  return { label, now, prompt: vscode.l10n.t('{0}: {1} to {2}', file, least, most), parse, change: set(file) };
}

/** @param mayBeEmpty in v2 that means: what the parent has */
function list(label: string, file: string, now: string, mayBeEmpty: boolean, set: Setter): Limit {
  const parse = (text: string): Parsed => {
    const parsed = core().parseCpuList(text);
    return !parsed || (parsed.isEmpty && !mayBeEmpty) ? { fault: vscode.l10n.t('Not a list: 0-3,8') } : { value: parsed.toString() };
  };
  return { label, now, prompt: mayBeEmpty ? vscode.l10n.t('{0}, as the kernel writes it: 0-3,8; empty for all of the parent', file) : vscode.l10n.t('{0}, as the kernel writes it: 0-3,8', file), parse, change: set(file) };
}

function parseQuota(text: string): Parsed {
  const fault = { fault: vscode.l10n.t('50000/100000 (at least 1000, and a period of at most 1000000), or max') };
  const match = /^(max|\d{1,10})(?:\/(\d{1,7}))?$/.exec(text);
  if (!match) return fault;
  const [, quota, period] = match;
  if (quota !== 'max' && Number(quota) < 1000) return fault;
  return period !== undefined && (Number(period) < 1000 || Number(period) > 1_000_000) ? fault : { value: text };
}
