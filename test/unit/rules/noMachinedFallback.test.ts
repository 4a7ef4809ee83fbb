import assert from 'node:assert/strict';
import { noMachinedFallback } from '../../../src/core/rules/noMachinedFallback';
import { ALL_HOSTS, type Changeable } from '../fixtures';
import { edit, findingsOfRule } from './checkRule';
import { read, said } from './said';

const HOST = 'guest-hybrid-no-machined';

function rename(copy: Changeable, to: string): void {
  for (const [file, text] of [...copy.files]) if (/\/task\/\d+\/cgroup$/.test(file)) copy.files.set(file, text.replaceAll(':/machine/', `:${to}`));
  for (const directory of [...copy.directories]) if (directory.includes('/machine/')) copy.directories.add(directory.replace('/machine/', to));
}

describe('no-machined-fallback', () => {
  it('a machine that libvirt has placed by itself, where PID 1 is systemd', async () => {
    const found = await findingsOfRule(noMachinedFallback, HOST);
    assert.deepEqual(said(found), ['information: libvirt has made /machine/qemu-1-serial.libvirt-qemu by itself, without systemd-machined']);
    assert.deepEqual(read(found[0]!), ['/proc/2527/task/2527/cgroup   perf_event:/machine/qemu-1-serial.libvirt-qemu', '/proc/2527/task/2527/cgroup   name=systemd:/system.slice/libvirtd.service']);
    assert.match(found[0]!.advice(path => path), /systemd-container/);
  });

  it('says nothing where PID 1 is another', async () => assert.deepEqual(await findingsOfRule(noMachinedFallback, HOST, copy => edit(copy, '/proc/1/comm', () => 'init\n')), []));
  it('says nothing of libvirt in a container, which has no machined', async () => assert.deepEqual(await findingsOfRule(noMachinedFallback, HOST, copy => rename(copy, '/system.slice/docker-0123.scope/machine/')), []));
  it('nor where another unit holds it', async () => assert.deepEqual(await findingsOfRule(noMachinedFallback, HOST, copy => rename(copy, '/system.slice/nova.service/machine/')), []));
  for (const host of ALL_HOSTS.filter(name => name !== HOST)) it(`says nothing of ${host}`, async () => assert.deepEqual(await findingsOfRule(noMachinedFallback, host), []));
});
