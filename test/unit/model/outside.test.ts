import assert from 'node:assert/strict';
import type { Machine } from '../../../src/core/model/hostModel';
import { type Changeable, QEMU, machine, modelOf } from '../fixtures';
import { edit } from '../rules/checkRule';
import { statusXml } from '../statusXml';

const STATE = '/run/libvirt/qemu/serial.xml';
const UUID = '11111111-2222-4333-8444-555555555555';
const VCPUS = { 0: 528, 1: 529, 2: 530, 3: 531 };

async function serial(change: (copy: Changeable) => void): Promise<Machine> {
  return machine((await modelOf('guest-v2', change)).model, 'serial');
}

const vcpus = ({ threads }: Machine): string[] => threads.filter(({ role }) => role.kind === 'vcpu').map(({ tid, role }) => `${tid} ${role.id ?? '?'} ${role.knownBy}`);
const byName = Object.entries(VCPUS).map(([n, tid]) => `${tid} ${n} thread name`);

/** No thread has a name. */
function unnamed(copy: Changeable): void {
  for (const [path, text] of copy.files) if (path.startsWith(`/proc/${QEMU}/task/`) && path.endsWith('/stat')) copy.files.set(path, text.replace(/\(.*\)/, '(qemu-system-x86)'));
}

function kvm(copy: Changeable, numbers: Readonly<Record<number, number>>, fd = 13): void {
  for (const [n, tid] of Object.entries(numbers)) copy.files.set(`/sys/kernel/debug/kvm/${QEMU}-${fd}/vcpu${n}/pid`, `${tid}\n`);
}

describe('what libvirt says of a machine', () => {
  it('vCPUs are known by it, named or not, and each has its pin', async () => {
    for (const change of [() => undefined, unnamed]) {
      const found = await serial(change);
      assert.deepEqual(vcpus(found), Object.entries(VCPUS).map(([n, tid]) => `${tid} ${n} libvirt`));
      const { vcpuPins, emulatorPin, ioThreadPins } = found.libvirt!;
      assert.deepEqual([...vcpuPins].map(([n, cpus]) => `${n} ${cpus}`), ['0 0', '1 1', '2 0', '3 1']);
      assert.deepEqual([String(emulatorPin), [...ioThreadPins].map(([n, cpus]) => `${n} ${cpus}`)], ['0', ['1 1', '2 0']]);
    }
  });

  it('without pins, a vCPU and the emulator are to have the CPUs of all vCPUs', async () => {
    const { libvirt } = await serial(copy => copy.files.set(STATE, statusXml({ pid: QEMU, name: 'serial', uuid: UUID, vcpus: VCPUS, placement: " placement='static' cpuset='0-1'", pins: ["<vcpupin vcpu='1' cpuset='1'/>"] })));
    assert.deepEqual([...libvirt!.vcpuPins].sort(([a], [b]) => a - b).map(([n, cpus]) => `${n} ${cpus}`), ['0 0-1', '1 1', '2 0-1', '3 0-1']);
    assert.equal(String(libvirt!.emulatorPin), '0-1');
  });

  const believed: Readonly<Record<string, (copy: Changeable) => void>> = {
    'before its vCPUs are known': copy => edit(copy, STATE, text => text.replace(/ *<vcpu id.*\n/g, '')),
    'one of its vCPUs has just ended': copy => void copy.files.delete(`/proc/${QEMU}/task/530/stat`),
    'QEMU says its UUID in capitals': copy => {
      edit(copy, STATE, text => text.replace(UUID, UUID.replaceAll('5', 'a')));
      edit(copy, `/proc/${QEMU}/cmdline`, text => text.replace(UUID, UUID.replaceAll('5', 'A')));
    },
    'QEMU says no UUID, and the name is the same': copy => edit(copy, `/proc/${QEMU}/cmdline`, text => text.replace(`-uuid\0${UUID}\0`, '')),
    'in session mode': copy => {
      copy.files.set('/run/user/1000/libvirt/qemu/run/serial.xml', copy.files.get(STATE)!);
      copy.files.delete(STATE);
    },
  };
  for (const [name, change] of Object.entries(believed)) it(`is believed: ${name}`, async () => assert.ok((await serial(change)).libvirt));

  const stale: Readonly<Record<string, (copy: Changeable) => void>> = {
    'another UUID': copy => edit(copy, STATE, text => text.replace('1111', '2222')),
    'another PID': copy => edit(copy, STATE, text => text.replace(`pid='${QEMU}'`, "pid='520'")),
    'no UUID in QEMU\'s arguments, and another name': copy => {
      edit(copy, `/proc/${QEMU}/cmdline`, text => text.replace(`-uuid\0${UUID}\0`, ''));
      edit(copy, STATE, text => text.replace('<name>serial<', '<name>other<'));
    },
    'none of its vCPUs is a thread of the process': copy => edit(copy, STATE, text => text.replace(/pid='5[23]\d'\/>/g, "pid='99'/>")),
    'a file that is not where libvirt keeps them': copy => {
      copy.files.set('/run/libvirt/qemu/channel/serial.xml', copy.files.get(STATE)!);
      copy.files.delete(STATE);
    },
  };
  for (const [name, change] of Object.entries(stale)) {
    it(`is not believed: ${name}`, async () => {
      const found = await serial(change);
      assert.equal(found.libvirt, undefined);
      assert.deepEqual(vcpus(found), byName);
    });
  }

  it('a file that was not understood is a problem, and the machine is there', async () => {
    const { model, problems } = await modelOf('guest-v2', copy => void copy.files.set(STATE, '<domstatus>'));
    assert.deepEqual(problems, [{ path: STATE, errno: 'unexpected content' }]);
    assert.deepEqual(vcpus(machine(model, 'serial')), byName);
  });

  it('a TID that is no thread of the process changes nothing else', async () => {
    const found = await serial(copy => edit(copy, STATE, text => text.replace("id='2' pid='530'", "id='2' pid='7'")));
    assert.deepEqual(vcpus(found), ['528 0 libvirt', '529 1 libvirt', '530 2 thread name', '531 3 libvirt']);
  });
});

describe("what KVM's debugfs says of a machine", () => {
  const noState = (copy: Changeable): void => void copy.files.delete(STATE);

  it('which threads are vCPUs; their numbers where there is no gap', async () => {
    assert.deepEqual(vcpus(await serial(copy => (noState(copy), unnamed(copy), kvm(copy, VCPUS)))), Object.entries(VCPUS).map(([n, tid]) => `${tid} ${n} debugfs`));
  });

  it('with a gap the numbers are APIC ids: a name tells the number, and else nobody does', async () => {
    const gap = { 0: 528, 1: 529, 4: 530, 5: 531 };
    assert.deepEqual(vcpus(await serial(copy => (noState(copy), unnamed(copy), kvm(copy, gap)))), [528, 529, 530, 531].map(tid => `${tid} ? debugfs`));
    assert.deepEqual(vcpus(await serial(copy => (noState(copy), kvm(copy, gap)))), byName);
  });

  it('nothing of a vCPU that has never run, of another process, of two virtual machines in one process their numbers', async () => {
    assert.deepEqual(vcpus(await serial(copy => (noState(copy), unnamed(copy), kvm(copy, { 0: 528, 1: 0 })))), ['528 0 debugfs']);
    assert.deepEqual(vcpus(await serial(copy => (noState(copy), unnamed(copy), kvm(copy, { 0: 1, 1: 2 })))), []);
    assert.deepEqual(vcpus(await serial(copy => (noState(copy), unnamed(copy), kvm(copy, { 0: 528 }), kvm(copy, { 0: 529 }, 14)))), ['528 ? debugfs', '529 ? debugfs']);
  });
});

describe('pressure', () => {
  it('is what the line `some` says, of v2 alone', async () => {
    const { model } = await modelOf('guest-v2');
    const scope = [...model.hierarchies[0]!.cgroups.values()].find(({ path }) => path.endsWith('.scope'))!;
    assert.deepEqual(scope.cpuPressure, { avg10: 12.25, avg60: 4.37 });
    const broken = await modelOf('guest-v2', copy => void copy.files.set(`${scope.directory}/cpu.pressure`, 'full avg10=1.00 avg60=1.00\n'));
    assert.deepEqual(broken.problems, [{ path: `${scope.directory}/cpu.pressure`, errno: 'unexpected content' }]);
  });
});
