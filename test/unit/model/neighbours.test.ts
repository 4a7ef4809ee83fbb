import assert from 'node:assert/strict';
import { findingNeighbours } from '../../../src/core/model/neighbours';
import { atOnce } from '../../../src/core/model/pace';
import { parseCpuList } from '../../../src/core/parse/cpuList';
import type { RawInterrupt, RawTask, RawTasks } from '../../../src/core/rawSnapshot';
import { modelOf } from '../fixtures';

const task = (tid: number, name: string, cpus: string, rest: Partial<RawTask> = {}): RawTask => ({ pid: tid, tid, ppid: 1, name, cpus, ...rest });
const kernel = (tid: number, name: string, cpus: string): RawTask => task(tid, name, cpus, { ppid: 2 });
const irq = (number: number, effective: string | undefined, configured: string | undefined, ...handlers: string[]): RawInterrupt => ({ irq: number, effective, configured, handlers });

async function neighbours(cpus: string, tasks: readonly RawTask[], interrupts?: readonly RawInterrupt[], errors: RawTasks['errors'] = new Map()) {
  const { model } = await modelOf('numa-isolated'); // CPUs 0-7, machine serial with vCPU 0 on 2 and the emulator on 0-1
  return atOnce(findingNeighbours(parseCpuList(cpus)!, model, { tasks, interrupts, errors, hides: false, collection: model.collection }));
}

describe('who else is on a CPU', () => {
  it('QEMU threads of all machines, the most narrowly bound first', async () => {
    const { threads } = await neighbours('0,2', []);
    assert.deepEqual(threads.map(({ thread }) => `${thread.comm} ${thread.cpusAllowed}`).slice(0, 2), ['CPU 0/TCG 2', 'qemu-system-x86 0-1']);
    assert.ok(threads.every(({ thread }) => thread.cpusAllowed!.has(0) || thread.cpusAllowed!.has(2)));
  });

  it('tasks that are bound there, a process once, but no task of a machine', async () => {
    const { threads } = await neighbours('2', []);
    const { bound, unbound } = await neighbours('2', [
      task(1, 'systemd', '0-7'), task(50, 'sshd', '0-7'), task(60, 'elsewhere', '4-5'), task(threads[0]!.thread.tid, 'CPU 0/TCG', '2'),
      task(70, 'dpdk', '2-3'), task(71, 'dpdk-lcore', '2-3', { pid: 70 }), task(72, 'dpdk-one', '2', { pid: 70 }), kernel(80, 'nfsd', '0-3'),
    ]);
    assert.deepEqual(bound.map(({ name, pid, tids, cpus, isKernel }) => `${name} ${pid} ${tids} on ${cpus}${isKernel ? ' kernel' : ''}`), ['dpdk-one 70 72 on 2', 'dpdk 70 70,71 on 2-3', 'nfsd 80 80 on 0-3 kernel']);
    assert.equal(unbound, 2);
  });

  it('where isolcpus keeps everybody off, what is everywhere else is bound to nothing', async () => {
    const { bound, usual, unbound } = await neighbours('0', [task(1, 'systemd', '0-1'), task(50, 'sshd', '0-1'), task(51, 'wider', '0-7'), task(52, 'irqbalance', '0')]);
    assert.deepEqual(bound.map(({ name }) => name), ['irqbalance']);
    assert.equal(`${usual} ${unbound}`, '0-1 3');
  });

  it('CPUs that are offline bind nobody', async () => {
    assert.deepEqual((await neighbours('2', [task(1, 'systemd', '0-127')])).bound, []);
  });

  it('the kernel\'s threads of one CPU are told in a word; a name alone is not enough', async () => {
    const { ofOneCpu, bound } = await neighbours('2-3', [
      task(1, 'systemd', '0-7'), kernel(20, 'ksoftirqd/2', '2'), kernel(21, 'kworker/2:0-events', '2'), kernel(22, 'kworker/2:1H', '2'), kernel(23, 'kworker/u8:2', '2'), kernel(24, 'migration/3', '3'),
      kernel(25, 'rcuc/22', '2'), task(26, 'ksoftirqd/2', '2'),
    ]);
    assert.deepEqual(ofOneCpu.map(({ cpu, names }) => [cpu, Object.fromEntries(names)]), [[2, { ksoftirqd: 1, kworker: 2 }], [3, { migration: 1 }]]);
    assert.deepEqual(bound.map(({ pid }) => pid), [26, 23, 25]);
  });

  it('interrupts by where they are served, or else may be', async () => {
    const { interrupts } = await neighbours('2', [], [irq(24, '2', '0-7', 'eth0-rx-0'), irq(25, '3', '0-7'), irq(26, undefined, '2-3', 'old'), irq(27, '', '0-7', 'off'), irq(28, '2', '2', 'eth0', 'usb'), irq(29, undefined, undefined)]);
    assert.deepEqual(interrupts!.map(({ irq, cpus, asked, handlers }) => `${irq} ${cpus} ${asked ?? ''} ${handlers}`), ['24 2 0-7 eth0-rx-0', '28 2  eth0,usb', '26 2-3  old']);
    assert.equal((await neighbours('2', [])).interrupts, undefined);
  });

  it('what could not be read is counted', async () => {
    const errors: RawTasks['errors'] = new Map([['/proc/9/status', 'EACCES'], ['/proc/10/status', 'ENOENT']]);
    assert.equal((await neighbours('2', [task(8, 'odd', '-')], [], errors)).unreadable, 2);
  });
});
