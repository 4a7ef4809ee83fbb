import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { newFolder } from '../kernel/support/cleanUp';
import type { Guest, User } from './support/guest';
import { DOMAIN } from './support/lab';
import { differences, kernelState } from './support/state';

const CLI = join(__dirname, '../../src/cli/main.js');

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as a person in a script has it, on the machine of another: reads, plans, does it, takes it back. */
export function commandLine(guest: () => Guest): void {
  describe('command line, over SSH', function () {
    this.timeout(300_000);
    const users: readonly { readonly user: User; readonly options: readonly string[] }[] = [
      { user: 'root', options: [] },
      { user: 'op', options: ['--as-root'] },
    ];
    for (const { user, options } of users) {
      it(`${user}: report, plan, apply, history, undo`, async () => {
        const state = newFolder('state');
        const cli = (...args: string[]): Promise<Ran> => run(state, [...args, '--host', guest().name(user), '--ssh-config', guest().sshConfig, ...options]);
        const wanted = ['--move', 'vcpu1=S/emulator', '--schedule', 'vcpu3=batch:nice:3', '--set', `S/vcpu0/${guest().mode === 'v2' ? 'cpu.weight' : 'cpu.shares'}=300`];
        const before = await kernelState(guest());

        const report = await cli('report');
        assert.deepEqual([report.code, /serial/.test(report.stdout), /vcpu 1|vCPU 1/i.test(report.stdout)], [0, true, true], report.stderr);
        const plan = await cli('plan', DOMAIN, ...wanted);
        assert.equal(plan.code, 0, plan.stderr);
        assert.match(plan.stdout, /move vCPU 1 [^]*S\/vcpu1 {2}→ {2}S\/emulator\n/);
        assert.deepEqual(differences(before, await kernelState(guest())), {});

        const applied = await cli('apply', DOMAIN, '--yes', ...wanted);
        assert.equal(applied.code, 0, applied.stdout + applied.stderr);
        const found = differences(before, await kernelState(guest()));
        assert.deepEqual(found, guest().mode === 'v2'
          ? { '0:: S/vcpu0/cpu.weight': '300', '0:: S/vcpu0/cpu.weight.nice': '-5', 'vCPU 1 cpus': '0', 'vCPU 1 in 0::': 'S/emulator', 'vCPU 3 nice': '3', 'vCPU 3 policy': 'SCHED_BATCH' }
          : { 'cpu,cpuacct S/vcpu0/cpu.shares': '300', 'vCPU 1 cpus': '0', 'vCPU 1 in cpu,cpuacct': 'S/emulator', 'vCPU 1 in cpuset': 'S/emulator', 'vCPU 3 nice': '3', 'vCPU 3 policy': 'SCHED_BATCH' });

        const steps = guest().mode === 'v2' ? 3 : 4;
        assert.match((await cli('history')).stdout, new RegExp(`${steps} of ${steps} done {2}`));
        const undone = await cli('undo', '--yes');
        assert.equal(undone.code, 0, undone.stdout + undone.stderr);
        assert.match((await cli('history')).stdout, new RegExp(`${steps} of ${steps} done, undone`));
        assert.deepEqual(differences(before, await kernelState(guest())), {});
      });
    }
  });
}

function run(state: string, args: readonly string[]): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, [CLI, ...args], { env: { ...process.env, XDG_STATE_HOME: state } }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }));
    child.stdin!.end();
  });
}
