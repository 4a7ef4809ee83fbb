import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyQuestion } from '../../../src/core/apply/apply';
import { LiveSource } from '../../../src/core/collect/collect';
import { LocalHost } from '../../../src/core/host/localHost';
import { stepOf } from './plans';

/** Run by a user who may become root: a plan of three steps, cancelled in its second. Prints what is in the folder two seconds after. */
async function main(folder: string): Promise<void> {
  const touch = (name: string): ReturnType<typeof stepOf> => stepOf({ kind: 'tool', argv: ['touch', join(folder, name)] }, [], []);
  const steps = [touch('first'), stepOf({ kind: 'tool', argv: ['sleep', '2'] }, [], []), touch('late')];
  const plan = { title: '', hostId: 'local', hostLabel: 'here', machine: undefined, readAt: 0, steps, warnings: [], consent: { kind: 'apply' }, asRoot: true } as const;
  const abort = new AbortController();
  const applying = new LiveSource('local', new LocalHost('here'), () => ({ qemuExecutables: [], asRoot: false })).ask(applyQuestion(plan), abort.signal);
  while (!existsSync(join(folder, 'first'))) await sleep(20);
  abort.abort();
  const { steps: results, complete } = await applying;
  await sleep(4000);
  console.log(JSON.stringify({ user: process.getuid!(), states: results.map(({ state }) => state), complete, files: readdirSync(folder).sort() }));
}

void main(process.argv[2]!);
