import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostModel } from '../../src/core/model/hostModel';
import { ALL_RULES } from '../../src/core/rules/allRules';
import { CheckedHost } from '../../src/core/rules/checkedHost';
import { statusXml } from '../unit/statusXml';
import { cleanUp, tempFolder } from './support/cleanUp';
import { collectModel, collectThrough, inPrivateMounts, machineOf, threadOf } from './support/collect';
import { type Qemu, startQemu } from './support/qemu';

/** What these two rules say of one machine. */
function found(model: HostModel, pid: number): string[] {
  const rules = ALL_RULES.filter(({ id }) => id === 'roles-disagree' || id === 'nameless-threads');
  return rules.flatMap(rule => [...rule.check(new CheckedHost(model, undefined), machineOf(model, pid))]).map(({ rule, severity, sentence }) => `${rule} ${severity}: ${sentence(path => path)}`);
}

describe('who is who in a real QEMU', () => {
  afterEach(cleanUp);

  it('vCPUs that libvirt takes for one another are told, and no longer when it knows better', async () => {
    const qemu = await startQemu({ name: 'serial', vcpus: 2 });
    const vcpus = await qemu.qmp.vcpus();
    const [first, second] = [vcpus['0']!, vcpus['1']!];
    assert.deepEqual(found(await withState(qemu, vcpus), qemu.pid), []);
    const model = await withState(qemu, { 0: second, 1: first });
    const told = (tid: number, libvirt: number, name: number): string => `roles-disagree warning: of thread ${tid}, libvirt says vCPU ${libvirt}, its name says vCPU ${name}`;
    assert.deepEqual(found(model, qemu.pid).sort(), [told(first, 1, 0), told(second, 0, 1)].sort());
    assert.equal(threadOf(machineOf(model, qemu.pid), second).role.id, '0', 'libvirt is believed: it acts on that thread');
    assert.deepEqual(found(await withState(qemu, vcpus), qemu.pid), []);
  });

  it('nobody outside a process can name its threads: a name that QEMU did not write comes from inside', async () => {
    const qemu = await startQemu({ name: 'serial', vcpus: 1 });
    assert.throws(() => writeFileSync(`/proc/${qemu.pid}/task/${qemu.pid}/comm`, 'CPU 7/KVM'), { code: 'EINVAL' });
  });

  it('threads without names are told, and known by libvirt where it knows them', async () => {
    const qemu = await startQemu({ name: 'serial', vcpus: 3, debugThreads: 'off' });
    const vcpus = await qemu.qmp.vcpus();
    const sentence = 'no thread is called CPU N: QEMU was started without debug-threads=on';
    assert.deepEqual(found((await collectModel()).model, qemu.pid), [`nameless-threads information: ${sentence}`]);
    const model = await withState(qemu, vcpus);
    assert.deepEqual(found(model, qemu.pid), [`nameless-threads hint: ${sentence}`]);
    assert.deepEqual(roles(model, qemu.pid, 'libvirt'), Object.entries(vcpus));
  });

  it('KVM knows its vCPUs, where it runs the machine and debugfs is mounted', async () => {
    const qemu = await startQemu({ name: 'serial', vcpus: 2, debugThreads: 'off' });
    const vcpus = await qemu.qmp.vcpus();
    const { enabled } = (await qemu.qmp.execute('query-kvm')) as { enabled: boolean };
    await qemu.qmp.execute('cont'); // KVM learns a vCPU's thread when it first runs it
    let known: [string, number][];
    const until = Date.now() + 10_000;
    do known = roles((await collectThrough(inPrivateMounts('mount -t debugfs debugfs /sys/kernel/debug'))).model, qemu.pid, 'debugfs');
    while (enabled && known.length < 2 && Date.now() < until);
    assert.deepEqual(known, enabled ? Object.entries(vcpus) : []);
  });

  function roles(model: HostModel, pid: number, by: string): [string, number][] {
    return machineOf(model, pid).threads.filter(({ role }) => role.kind === 'vcpu' && role.knownBy === by).map(({ role, tid }): [string, number] => [role.id!, tid]);
  }
});

/** A look at this machine with a state of libvirt's for this QEMU, in a mount namespace of its own. */
async function withState({ pid, name, uuid }: Qemu, vcpus: Readonly<Record<string, number>>): Promise<HostModel> {
  const folder = mkdtempSync(join(tempFolder(), 'states-'));
  writeFileSync(join(folder, `${name}.xml`), statusXml({ pid, name, uuid, vcpus }));
  return (await collectThrough(inPrivateMounts(`mount -t tmpfs tmpfs /run; mkdir -p /run/libvirt/qemu; mount --bind ${folder} /run/libvirt/qemu`))).model;
}
