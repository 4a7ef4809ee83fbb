import assert from 'node:assert/strict';
import { Rates } from '../../../src/core/model/rates';
import { CheckedHost } from '../../../src/core/rules/checkedHost';
import type { Finding, Rule } from '../../../src/core/rules/rule';
import { type Changeable, type HostName, modelOf } from '../fixtures';

export type HostChange = (copy: Changeable) => void;

/** What one rule finds on a recorded host to which something was done. @param before with a second look: what was done before the first */
export async function findingsOfRule(rule: Rule, host: HostName, change?: HostChange, before?: HostChange): Promise<Finding[]> {
  const { model } = await modelOf(host, change);
  return findingsIn(rule, new CheckedHost(model, before && new Rates((await modelOf(host, before)).model, model)), change !== undefined);
}

/** @param isNear whether it is much like a host with that fault: then to find nothing is a near miss */
export function findingsIn(rule: Rule, host: CheckedHost, isNear: boolean): Finding[] {
  const found = host.model.machines.flatMap(machine => [...rule.check(host, machine)]);
  if (found.length > 0) fired.add(rule.id);
  else if (isNear) missed.add(rule.id);
  seen.add(rule.id);
  return found;
}

/** Rules that found something, those that had a near miss, and all that were asked. */
const [fired, missed, seen] = [new Set<string>(), new Set<string>(), new Set<string>()];

after('each rule fires on some host, and has a near miss on which it does not', function () {
  let ranAll = true; // and not a single test that somebody asked for
  this.test!.parent!.eachTest(test => { ranAll &&= test.state !== undefined; });
  if (ranAll) assert.deepEqual([...seen].filter(id => !fired.has(id) || !missed.has(id)), []);
});

/** Puts a thread into another cgroup of one hierarchy; `key` as in the model, `` for v2: how its line of /proc/PID/cgroup begins behind the number. */
export function put(copy: Changeable, pid: number, tid: number, key: string, path: string): void {
  edit(copy, `/proc/${pid}/task/${tid}/cgroup`, text => text.split('\n').map(line => (line.replace(/^\d+:/, '').startsWith(`${key}:`) ? line.slice(0, line.indexOf(':/') + 1) + path : line)).join('\n'));
}

/** Changes what a file reads: it has to be there, and to change. */
export function edit(copy: Changeable, file: string, change: (text: string) => string): void {
  const text = copy.files.get(file);
  assert.ok(text !== undefined, `there is no ${file}`);
  const changed = change(text);
  assert.notEqual(changed, text, `${file} stays as it is`);
  copy.files.set(file, changed);
}
