import assert from 'node:assert/strict';
import type { HostName } from '../fixtures';
import { captureFile, cli } from './support';

describe('cgroup-lens plan --restore-layout', () => {
  const cases: Readonly<Record<string, readonly [host: HostName, code: number, said: RegExp]>> = {
    'a machine that is as it should be: that is done': ['guest-v2', 0, /nothing is to be done: serial is as its layout has it/],
    'one whose vCPUs libvirt has still to place: that is not how it should be': ['guest-v2-starting', 1, /serial is starting: libvirt moves and pins its threads itself/],
  };
  for (const [name, [host, code, said]] of Object.entries(cases)) {
    it(name, async () => {
      const ran = await cli('plan', 'serial', '--capture', captureFile(host), '--restore-layout');
      assert.deepEqual([ran.code, ran.stdout], [code, '']);
      assert.match(ran.stderr, said);
    });
  }
});
