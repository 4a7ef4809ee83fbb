import assert from 'node:assert/strict';
import { accidentalThreadRoot } from '../../../src/core/rules/accidentalThreadRoot';
import { domainInvalid } from '../../../src/core/rules/domainInvalid';
import { type HostChange, edit, findingsOfRule } from './checkRule';
import { read, said } from './said';

const HOST = 'guest-v2-threaded-under-unit';
const UNIT = '/sys/fs/cgroup/system.slice/by-service.service';

/** All threads of the machine right in the unit, which hands down cpu; the child has this type. */
const root = (type: string): HostChange => copy => {
  edit(copy, '/proc/811/task/819/cgroup', text => text.replace('/fast', ''));
  edit(copy, `${UNIT}/cgroup.subtree_control`, () => 'cpu\n');
  copy.files.set(`${UNIT}/fast/cgroup.type`, `${type}\n`);
};

describe('accidental-thread-root', () => {
  it('a unit with processes in it that hands down threaded controllers, and a child that can hold nothing', async () => {
    const found = await findingsOfRule(accidentalThreadRoot, HOST, root('domain invalid'));
    assert.deepEqual(said(found), ['information: /system.slice/by-service.service holds processes and hands down threaded controllers: it is a thread root, and /system.slice/by-service.service/fast can hold no process']);
    assert.deepEqual(found[0]!.threads.map(({ tid }) => tid), [811, 818, 819, 814]);
    assert.deepEqual(read(found[0]!), [`${UNIT}/cgroup.type   domain threaded`, `${UNIT}/cgroup.subtree_control   cpu`, `${UNIT}/fast/cgroup.type   domain invalid`]);
    assert.deepEqual(await findingsOfRule(domainInvalid, HOST, root('domain invalid')), [], 'one cause, one finding');
  });

  const silent: Record<string, HostChange> = {
    'a thread root that was meant: it has threaded children': root('threaded'),
    'one that has a threaded child besides: it was meant, and the other is domain-invalid': copy => {
      root('threaded')(copy);
      copy.directories.add(`${UNIT}/other`);
      copy.files.set(`${UNIT}/other/cgroup.type`, 'domain invalid\n');
    },
    'a domain': copy => {
      root('domain invalid')(copy);
      copy.files.set(`${UNIT}/cgroup.type`, 'domain\n');
    },
    'one that holds no thread of the machine': copy => {
      root('domain invalid')(copy);
      for (const tid of [811, 814, 818, 819]) edit(copy, `/proc/811/task/${tid}/cgroup`, () => '0::/system.slice/by-service.service/leaf\n');
    },
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findingsOfRule(accidentalThreadRoot, HOST, change), []));
  it('says nothing of libvirt\'s thread root', async () => assert.deepEqual(await findingsOfRule(accidentalThreadRoot, 'guest-v2'), []));
});
