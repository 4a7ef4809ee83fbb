import assert from 'node:assert/strict';
import { print } from '../../../src/core/placement/print';
import { toPlacement } from '../../../src/core/placement/toPlacement';
import { type Changeable, addProcess, emptySnapshot, machine, model, statText } from '../fixtures';

const QEMU = '/usr/bin/qemu-system-x86_64';
const scope = (n: number): string => `/machine.slice/machine-qemu\\x2d${n}\\x2dvm${n}.scope`;

function withMount(): Changeable {
  const raw = emptySnapshot();
  raw.files.set('/proc/self/mountinfo', '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n');
  return raw;
}

function addMachine(raw: Changeable, pid: number, name: string, cgroup: string): void {
  addProcess(raw, pid, { comm: 'qemu', exe: QEMU, argv: [QEMU, '-name', name, '-S'], cgroup: `0::${cgroup}\n` });
}

describe('a snapshot larger than any host', () => {
  it('may have a helper with 150,000 tasks', async () => {
    const raw = withMount();
    addMachine(raw, 10, 'vm', '/a');
    addProcess(raw, 20, { comm: 'virtiofsd', exe: '/usr/libexec/virtiofsd', cgroup: '0::/a\n', ppid: 10 });
    for (let tid = 21; tid < 150_020; tid++) raw.files.set(`/proc/20/task/${tid}/stat`, statText(tid, 'f', { 4: 10 }));
    const host = (await model(raw)).model;
    assert.equal(machine(host, 'vm').threads.length, 150_001);
    assert.match(print(toPlacement(host, machine(host, 'vm'))), /helper virtiofsd +150019 /);
  });

  it('may have 150,000 hidden tasks', async () => {
    const raw = withMount();
    const directory = `/sys/fs/cgroup${scope(1)}`;
    const tids = Array.from({ length: 150_000 }, (_, i) => i + 1);
    raw.directories.add(directory);
    raw.files.set(`${directory}/cgroup.threads`, `${tids.join('\n')}\n`);
    for (const tid of tids) raw.errors.set(`/proc/${tid}/stat`, 'EACCES');
    assert.equal((await model(raw)).model.hidden[0]!.tids.length, 150_000);
  });

  it('may have names of 10 MB, which are cut', async () => {
    const raw = withMount();
    addMachine(raw, 10, 'n'.repeat(1e7), '/a');
    raw.files.set('/proc/sys/kernel/osrelease', 'k'.repeat(1e7));
    raw.files.set('/proc/10/task/11/stat', statText(11, `IO ${'i'.repeat(1e7)}`));
    const host = (await model(raw)).model;
    const text = print(toPlacement(host, host.machines[0]!));
    assert.ok(text.startsWith(`machine ${'n'.repeat(4095)}…   PID 10`));
    assert.ok(text.length < 50_000);
  });

  it('gives each of many machines its own helpers: by scope, and by the process that started it', async () => {
    const raw = withMount();
    for (let n = 1; n <= 300; n++) {
      addMachine(raw, 1000 + n, `vm${n}`, `${scope(n)}/libvirt/emulator`);
      addProcess(raw, 5000 + n, { comm: 'virtiofsd', exe: '/usr/libexec/virtiofsd', cgroup: `0::${scope(n)}\n` });
      addProcess(raw, 6000 + n, { comm: 'swtpm', exe: '/usr/bin/swtpm', cgroup: '0::/elsewhere\n', ppid: 1000 + n });
    }
    const host = (await model(raw)).model;
    for (let n = 1; n <= 300; n++) assert.deepEqual(machine(host, `vm${n}`).threads.map(t => t.tid), [1000 + n, 5000 + n, 6000 + n]);
  });

  it('does not multiply machines and helpers of one scope', async () => {
    const raw = withMount();
    for (let n = 1; n <= 100; n++) {
      addMachine(raw, 1000 + n, `vm${n}`, scope(1));
      addProcess(raw, 5000 + n, { comm: 'virtiofsd', exe: '/usr/libexec/virtiofsd', cgroup: `0::${scope(1)}\n` });
    }
    const threads = (await model(raw)).model.machines.flatMap(m => m.threads);
    assert.equal(threads.length, 100 + 8 * 100);
  });
});
