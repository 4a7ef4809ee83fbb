import assert from 'node:assert/strict';
import { modelToJson } from '../../../src/cli/json';
import { type Changeable, modelOf } from '../fixtures';
import { edit } from '../rules/checkRule';

interface Report {
  readonly machines: readonly { readonly libvirt?: object; readonly threads: readonly { readonly tid: number; readonly role: object; readonly disagreement?: readonly object[] }[] }[];
}

const STATE = '/run/libvirt/qemu/serial.xml';

async function reportOf(change: (copy: Changeable) => void = () => undefined): Promise<Report> {
  const { model, problems } = await modelOf('guest-v2', change);
  return JSON.parse(JSON.stringify(modelToJson(model, problems))) as Report;
}

describe('the report as JSON', () => {
  it('has what libvirt says of a machine, where that could be read', async () => {
    const pins = { vcpuPins: { 0: '0', 1: '1', 2: '0', 3: '1' }, ioThreadPins: { 1: '1', 2: '0' }, emulatorPin: '0' };
    assert.deepEqual((await reportOf()).machines[0]!.libvirt, { vcpus: { 0: 528, 1: 529, 2: 530, 3: 531 }, ...pins });
    assert.equal((await reportOf(copy => void copy.files.delete(STATE))).machines[0]!.libvirt, undefined);
  });

  it('has what each source says of a thread where they do not agree, and nothing of it elsewhere', async () => {
    const { threads } = (await reportOf(copy => edit(copy, STATE, text => text.replace("id='3' pid='531'", "id='7' pid='531'")))).machines[0]!;
    assert.deepEqual(threads.filter(({ disagreement }) => disagreement).map(({ tid, disagreement }) => [tid, disagreement]), [[531, [
      { role: { kind: 'vcpu', id: '7', knownBy: 'libvirt' }, file: STATE, value: "<vcpu id='7' pid='531'/>" },
      { role: { kind: 'vcpu', id: '3', knownBy: 'thread name' }, file: '/proc/519/task/531/stat', value: '(CPU 3/TCG)' },
    ]]]);
    assert.deepEqual(threads[1]!.role, { kind: 'vcpu', id: '0', knownBy: 'libvirt', text: 'vCPU 0' });
  });
});
