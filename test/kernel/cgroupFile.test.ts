import assert from 'node:assert/strict';
import { cgroupFileQuestion, cgroupFilesQuestion } from '../../src/core/collect/cgroupFile';
import { decodeBytes } from '../../src/core/parse/bytes';
import { cleanUp } from './support/cleanUp';
import { makeCgroup } from './support/cgroups';
import { asNobody, askThrough } from './support/collect';
import { CGROUP_NAMES } from './support/hostile';
import { SHELLS, withTools } from './support/tools';

describe('an interface file of a cgroup', () => {
  after(cleanUp);

  it('is read as it is now, whatever the cgroup is called', async () => {
    for (const [i, name] of CGROUP_NAMES.entries()) {
      const cgroup = makeCgroup('cpu', 'files', name).write('cpu.shares', 2 + i);
      const answer = await askThrough([], cgroupFileQuestion(decodeBytes(cgroup.directory), 'cpu.shares'));
      assert.deepEqual(answer, { text: `${2 + i}\n`, said: undefined }, name.toString('latin1'));
    }
  });

  for (const shell of SHELLS) {
    it(`is read by ${shell} with the tools of busybox`, async () => {
      const cgroup = makeCgroup('cpu', 'shell', 'two  words').write('cpu.shares', 99);
      assert.deepEqual(await askThrough(withTools(shell, 'busybox', 'busybox'), cgroupFileQuestion(decodeBytes(cgroup.directory), 'cpu.shares')), { text: '99\n', said: undefined });
    });
  }

  it('its neighbours are listed, and no cgroup below is among them', async () => {
    const cgroup = makeCgroup('cpu', 'list');
    makeCgroup('cpu', 'list', 'below.this');
    const { text, said } = await askThrough([], cgroupFilesQuestion(decodeBytes(cgroup.directory)));
    const names = text.split('\n');
    assert.equal(said, undefined);
    for (const file of ['cpu.shares', 'tasks', 'cgroup.procs']) assert.ok(names.includes(file), file);
    assert.ok(!names.includes('below.this'));
  });

  it('why it cannot be read is told in the host\'s words', async () => {
    const cgroup = makeCgroup('cpu', 'gone');
    const directory = decodeBytes(cgroup.directory);
    assert.equal((await askThrough([], cgroupFileQuestion(directory, 'cpu.nothing'))).said, 'No such file or directory');
    assert.match((await askThrough([], cgroupFileQuestion(`${directory}/not-there`, 'cpu.shares'))).said ?? '', /No such file|can't cd/);
    const threaded = makeCgroup('0::', 'threaded');
    threaded.write('cgroup.type', 'threaded');
    assert.match((await askThrough([], cgroupFileQuestion(decodeBytes(threaded.directory), 'cgroup.procs'))).said ?? '', /not supported/i);
  });

  it('a directory that is no cgroup is not read', async () => {
    assert.deepEqual(await askThrough([], cgroupFileQuestion('/etc', 'passwd')), { text: '', said: 'no such cgroup' });
    for (const file of ['../passwd', '/etc/passwd', '-n', '', 'a/b', '$(id)', '.x']) assert.throws(() => cgroupFileQuestion('/sys/fs/cgroup', file), RangeError);
  });

  it('everybody may read', async () => {
    const cgroup = makeCgroup('cpu', 'everybody').write('cpu.shares', 77);
    assert.equal((await askThrough(asNobody(), cgroupFileQuestion(decodeBytes(cgroup.directory), 'cpu.shares'))).text, '77\n');
  });
});
