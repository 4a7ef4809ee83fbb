import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { safeLibvirtStatus } from '../../src/core/capture/libvirtStatus';
import type { Machine } from '../../src/core/model/hostModel';
import { HOSTILE_STATES, SECRET, type StatusOf, statusXml } from '../unit/statusXml';
import { PREFIX, cleanUp, newFolder } from './support/cleanUp';
import { type Collected, asNobody, collectModel, collectThrough, inPrivateMounts, machineOf, problemsBelow } from './support/collect';
import { type Qemu, startQemu } from './support/qemu';
import { SHELLS, awks, withTools } from './support/tools';

describe("libvirt's live state and KVM's debugfs", () => {
  let qemu: Qemu;
  let vcpus: Readonly<Record<string, number>>;
  let status: StatusOf;
  /** As /run/libvirt/qemu, and as /sys/kernel/debug, of the collections of this test. */
  let states: string;
  let debugfs: string;

  before(async () => {
    qemu = await startQemu({ name: 'serial', vcpus: 2 });
    vcpus = await qemu.qmp.vcpus();
    status = {
      ...{ pid: qemu.pid, name: 'serial', uuid: qemu.uuid, vcpus: { 0: vcpus['0']!, 1: vcpus['1']! } },
      ...{ pins: ["<vcpupin vcpu='0' cpuset='0'/>", "<emulatorpin cpuset='0-1'/>", "<iothreadpin iothread='1' cpuset='1'/>"], placement: " placement='static' cpuset='0-1'" },
    };
    states = newFolder('states');
    debugfs = newFolder('debugfs');
  });
  after(cleanUp);

  const state = (name: string, text: string): void => writeFileSync(join(states, name), text, { mode: 0o600 });
  const through = (): string[] => inPrivateMounts(`mount -t tmpfs -o mode=755 tmpfs /run; mkdir -p /run/libvirt/qemu; mount --bind ${states} /run/libvirt/qemu; mount --bind ${debugfs} /sys/kernel/debug`);
  const vcpusOf = ({ threads }: Machine): string[] => threads.filter(({ role }) => role.kind === 'vcpu').map(({ tid, role }) => `${role.id} ${tid} ${role.knownBy}`);
  const statesIn = ({ raw }: Collected): Record<string, string> => Object.fromEntries([...raw.files].filter(([path]) => path.startsWith('/run/')));

  describe('a state as libvirt writes it', () => {
    before(() => state('serial.xml', statusXml(status)));

    for (const shell of SHELLS) {
      for (const awk of awks()) {
        it(`is read by ${shell} and ${awk}: what is on the list, as a capture has it, and no secret`, async () => {
          const tools = awk === 'busybox' ? 'busybox' : 'GNU';
          const collected = await collectThrough([...through(), ...withTools(shell, awk, tools)]);
          assert.deepEqual(statesIn(collected), { '/run/libvirt/qemu/serial.xml': safeLibvirtStatus(statusXml(status)) });
          assert.ok(![...collected.raw.files.values()].some(text => text.includes(SECRET)));
          const machine = machineOf(collected.model, qemu.pid);
          assert.deepEqual(vcpusOf(machine), [`0 ${vcpus['0']} libvirt`, `1 ${vcpus['1']} libvirt`]);
          const { vcpuPins, emulatorPin, ioThreadPins } = machine.libvirt!;
          assert.deepEqual([...vcpuPins, ...ioThreadPins].map(([n, cpus]) => `${n} ${cpus}`).concat(String(emulatorPin)), ['0 0', '1 0-1', '1 1', '0-1']);
          assert.deepEqual(collected.raw.collection.remarks, []);
        });
      }
    }

    it('is nothing to a user without rights, who is told of no error', async () => {
      const collected = await collectThrough([...through(), ...asNobody()]);
      assert.deepEqual(statesIn(collected), {});
      assert.deepEqual(vcpusOf(machineOf(collected.model, qemu.pid)), [`0 ${vcpus['0']} thread name`, `1 ${vcpus['1']} thread name`]);
      assert.deepEqual([...collected.raw.errors.keys()].filter(path => path.startsWith('/run') || path.startsWith('/sys/kernel')), []);
      assert.deepEqual(collected.raw.collection.remarks, []);
    });
  });

  it("a user's own states in session mode are read", async () => {
    const run = `mount -t tmpfs -o mode=755 tmpfs /run; mkdir -p /run/user/65534/libvirt/qemu; cp -r ${states} /run/user/65534/libvirt/qemu/run; chown -R 65534 /run/user/65534; export XDG_RUNTIME_DIR=/run/user/65534`;
    state('serial.xml', statusXml(status));
    const collected = await collectThrough([...inPrivateMounts(run), ...asNobody()]);
    assert.deepEqual(Object.keys(statesIn(collected)), ['/run/user/65534/libvirt/qemu/run/serial.xml']);
    assert.deepEqual(vcpusOf(machineOf(collected.model, qemu.pid)), [`0 ${vcpus['0']} libvirt`, `1 ${vcpus['1']} libvirt`]);
  });

  it('hostile states: no secret, nothing that hangs or floods, and the others are read nevertheless', async () => {
    state('serial.xml', statusXml(status));
    for (const [i, change] of Object.values(HOSTILE_STATES).entries()) state(`hostile${i}.xml`, change(statusXml({ ...status, pid: 1 })));
    execFileSync('mkfifo', [join(states, 'fifo.xml')]);
    symlinkSync('/etc/shadow', join(states, 'link.xml'));
    symlinkSync('fifo.xml', join(states, '0.xml')); // the first that is looked at
    mkdirSync(join(states, 'folder.xml'));
    state('huge.xml', statusXml({ ...status, name: 'huge' }));
    truncateSync(join(states, 'huge.xml'), 8 << 30);
    state('new\nline.xml', statusXml({ ...status, name: 'newline' }));
    state('a b$(touch x)`é.xml', statusXml({ ...status, name: 'odd' }));
    for (const awk of awks()) {
      const collected = await collectThrough([...through(), ...withTools('dash', awk, 'GNU')]);
      const seen = statesIn(collected);
      assert.ok(!JSON.stringify([...collected.raw.files, ...collected.raw.errors]).includes(SECRET), awk);
      assert.equal(seen['/run/libvirt/qemu/serial.xml'], safeLibvirtStatus(statusXml(status)), awk);
      assert.ok(seen['/run/libvirt/qemu/a b$(touch x)`é.xml']?.includes('<name>odd</name>'), awk);
      for (const name of ['fifo', 'link', '0', 'folder', 'huge', 'new\nline']) assert.equal(seen[`/run/libvirt/qemu/${name}.xml`], undefined, `${awk}: ${name}`);
      assert.ok(Object.values(seen).every(text => text.length < 2000), `${awk}: ${Object.values(seen).map(text => text.length)}`);
      assert.deepEqual(vcpusOf(machineOf(collected.model, qemu.pid)), [`0 ${vcpus['0']} libvirt`, `1 ${vcpus['1']} libvirt`], awk);
    }
  });

  it('a state of a machine that is dead does not speak for another process', async () => {
    execFileSync('sh', ['-c', `rm -rf ${states}/*`]);
    const cases: Readonly<Record<string, Partial<StatusOf>>> = {
      'another UUID': { uuid: '99999999-0000-4000-8000-000000000000' },
      'another PID': { pid: process.pid },
      'vCPUs that are no threads of it': { vcpus: { 0: process.pid, 1: 1 } },
    };
    for (const [name, change] of Object.entries(cases)) {
      state('serial.xml', statusXml({ ...status, ...change }));
      const machine = machineOf((await collectThrough(through())).model, qemu.pid);
      assert.equal(machine.libvirt, undefined, name);
      assert.deepEqual(vcpusOf(machine), [`0 ${vcpus['0']} thread name`, `1 ${vcpus['1']} thread name`], name);
    }
    execFileSync('sh', ['-c', `rm -rf ${states}/*`]);
  });

  it('debugfs tells the vCPUs, where it is mounted and may be read', async () => {
    for (const [n, tid] of Object.entries(vcpus)) {
      mkdirSync(join(debugfs, `kvm/${qemu.pid}-13/vcpu${n}`), { recursive: true });
      writeFileSync(join(debugfs, `kvm/${qemu.pid}-13/vcpu${n}/pid`), `${tid}\n`);
      writeFileSync(join(debugfs, `kvm/${qemu.pid}-13/vcpu${n}/guest_mode`), '0\n');
    }
    for (const [shell, awk, tools] of [['dash', 'mawk', 'GNU'], ['bash', 'gawk', 'GNU'], ['busybox', 'busybox', 'busybox']] as const) {
      const collected = await collectThrough([...through(), ...withTools(shell, awk, tools)]);
      assert.deepEqual([...collected.raw.files.keys()].filter(path => path.startsWith('/sys/kernel')).sort(), [0, 1].map(n => `/sys/kernel/debug/kvm/${qemu.pid}-13/vcpu${n}/pid`), awk);
      assert.deepEqual(vcpusOf(machineOf(collected.model, qemu.pid)), [`0 ${vcpus['0']} debugfs`, `1 ${vcpus['1']} debugfs`], awk);
    }
    rmSync(join(debugfs, 'kvm'), { recursive: true });
  });

  it('where there is neither, nothing is asked and nothing is said', async () => {
    const collected = await collectModel();
    assert.equal(machineOf(collected.model, qemu.pid).libvirt, undefined);
    assert.deepEqual(problemsBelow(collected, [qemu.pid], PREFIX), []);
  });
});
