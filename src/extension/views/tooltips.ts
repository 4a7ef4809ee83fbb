import * as vscode from 'vscode';
import type { HostModel, Machine, Place, Thread } from '../../core/model/hostModel';
import type { Finding } from '../../core/rules/rule';
import { readAsRoot } from '../config';
import { inShort, tell, tellBeside, tellSuppressed, worstFirst } from '../findingText';
import { findingsIn, layoutIn } from '../findings';
import type { HostState, HostView } from '../hostService';
import { core } from '../lazyCore';
import { SshSource } from '../sshSource';
import { Markdown } from '../text';
import { trouble } from './trouble';

/** What a host is, and how well it is known; over its row and over the head of a document. */
export function hostTooltip(state: HostState): vscode.MarkdownString {
  const { source, view, error } = state;
  const text = new Markdown().own('**').host(source.label).own('**');
  if (source.kind === 'capture') text.own(`\n\n${vscode.l10n.t('A capture: read-only, as it was when it was taken.')}`);
  if (error !== undefined) text.own('\n\n').host(core().describeError(error));
  if (source instanceof SshSource) {
    if (source.address !== undefined) text.own('\n\n').host(source.address);
    const refused = rootRefused(state);
    if (refused !== undefined) text.own('\n\n').host(refused);
    else if (readAsRoot().includes(source.name)) text.own(`\n\n${vscode.l10n.t('Read as root, where sudo -n lets us.')}`);
  }
  if (!view) return text.build();
  const { model, problems, captureProblems } = view;
  text.own('\n').entry(model.mode, modeText(model.mode)).entry(vscode.l10n.t('Kernel'), model.kernel);
  if (model.init !== '') text.entry(vscode.l10n.t('PID 1'), model.init); // hidden as others' processes are
  for (const [version, title] of [['v1', 'cgroup v1'], ['v2', 'cgroup v2'], ['none', vscode.l10n.t('not mounted')]] as const) {
    const names = [...model.controllers].filter(([, v]) => v === version).map(([name]) => name);
    if (names.length > 0) text.entry(title, names.join(' '));
  }
  text.entry(vscode.l10n.t('Read'), core().describeCollection(model, problems, source.kind));
  for (const problem of problems.slice(0, 5)) text.entry(problem.errno, problem.path);
  for (const p of captureProblems.slice(0, 5)) text.entry(vscode.l10n.t('Line {0}', p.line), vscode.l10n.t('expected {0}, found {1}', p.expected, p.found));
  return text.build();
}

function modeText(mode: HostModel['mode']): string {
  switch (mode) {
    case 'legacy':
      return vscode.l10n.t('controllers in cgroup v1 only');
    case 'unified':
      return vscode.l10n.t('cgroup v2 only');
    case 'hybrid':
      return vscode.l10n.t('controllers in cgroup v1; a v2 without any keeps the books');
    case 'mixed':
      return vscode.l10n.t('controllers in both cgroup v1 and v2: a thread has its place in both');
    case 'none':
      return vscode.l10n.t('no cgroup file system is mounted');
  }
}

/** Over its row and over the head of its document. */
export function machineTooltip(model: HostModel, machine: Machine): vscode.MarkdownString {
  const text = new Markdown().own('**').host(machine.name).own('**\n').entry('PID', String(machine.pid)).entry(vscode.l10n.t('Executable'), machine.emulator);
  if (machine.uuid !== undefined) text.entry('UUID', machine.uuid);
  if (machine.uid !== undefined) text.entry('UID', String(machine.uid));
  const layout = layoutIn(model, machine);
  text.entry(vscode.l10n.t('Placed by'), core().layoutText(layout));
  // The controllers follow one by one, and some never do: which is where is what puzzles people about a start.
  for (const stage of layout.stage === 'complete' ? [] : core().STAGES) {
    const keys = [...layout.stages].filter(([, of]) => of === stage).map(([key]) => (key === '0::' ? '0:: (v2)' : key));
    if (keys.length > 0) text.entry(stage, keys.join(' '));
  }
  const own = worstFirst(findingsIn(model).ofMachine(machine));
  const whole = own.filter(({ severity }) => severity !== 'hint').slice(0, TOLD_WHOLE); // of a healthy machine none
  for (const finding of whole) tell(text, model, finding);
  const others = own.slice(whole.length, whole.length + TOLD_IN_SHORT);
  if (others.length > 0) text.own('\n');
  for (const finding of others) text.entry(finding.rule, finding.sentence(inShort));
  const more = own.length - whole.length - others.length;
  if (more > 0) text.own(`\n- ${vscode.l10n.t('{0} more are in the Problems panel', more)}`);
  tellSuppressed(text, model, machine);
  return text.build();
}

/** Nobody reads a thousand in a hover, and one that is as high as the window covers the row. */
const TOLD_WHOLE = 2;
const TOLD_IN_SHORT = 6;

/** The whole story of one thread; the same in the tree and over the document. @param beside findings whose words VS Code shows beside it */
export function threadTooltip(view: HostView, thread: Thread, beside: ReadonlySet<Finding> = new Set()): vscode.MarkdownString {
  const text = new Markdown().own('**').host(core().roleText(thread.role)).own(`** (${vscode.l10n.t('known by {0}', thread.role.knownBy)})\n`);
  text.entry('TID', String(thread.tid)).entry(vscode.l10n.t('Thread name'), thread.comm);
  if (thread.cpusAllowed) text.entry('Cpus_allowed_list', thread.cpusAllowed.toString());
  text.entry(vscode.l10n.t('Last on CPU'), String(thread.lastCpu));
  text.entry(vscode.l10n.t('Scheduling'), `${thread.policy} ${thread.rtPriority}, nice ${thread.nice}`);
  if (thread.runTime !== undefined && thread.runDelay !== undefined) {
    text.entry(vscode.l10n.t('Since it began'), vscode.l10n.t('ran {0} s, waited for a CPU {1} s', (thread.runTime / 1e9).toFixed(1), (thread.runDelay / 1e9).toFixed(1)));
  }
  const facts = trouble(view, thread);
  if (facts) text.own('\n- ').host(facts.text);
  for (const finding of worstFirst(findingsIn(view.model).ofThread(thread))) (beside.has(finding) ? tellBeside : tell)(text, view.model, finding, inShort);
  text.own('\n\n');
  const byPath = new Map<string, string[]>();
  for (const [key, place] of thread.membership.places) {
    const path = placeText(place);
    const name = key === '0::' ? '0:: (v2)' : key;
    const same = byPath.get(path);
    if (same) same.push(name);
    else byPath.set(path, [name]);
  }
  for (const [path, names] of byPath) text.entry(names.join(' '), path);
  return text.build();
}

export function placeText(place: Place): string {
  return place.deleted ? `${place.path} (deleted)` : place.path;
}

/** Why a host that may be read as root was not: what sudo said, which is asked only where /proc hides others' processes. */
export function rootRefused({ source, view }: HostState): string | undefined {
  if (!view || !(source instanceof SshSource) || !readAsRoot().includes(source.name)) return undefined;
  const { user, remarks } = view.model.collection;
  const said = user?.uid === 0 ? undefined : remarks.find(remark => /\bsudo\b/.test(remark));
  return said && vscode.l10n.t('allowed as root, but {0}', said.replace(/^.*\bsudo: /, 'sudo -n: '));
}
