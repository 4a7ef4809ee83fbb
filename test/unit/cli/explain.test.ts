import assert from 'node:assert/strict';
import { cli } from './support';

describe('cgroup-lens explain', () => {
  it('lists the findings that there are', async () => {
    const { code, stdout } = await cli('explain');
    assert.equal(code, 0);
    assert.match(stdout, /^frozen +The machine is frozen$/m);
  });

  it('says why something that is known to go wrong is no finding', async () => {
    const { code, stdout } = await cli('explain', 'quota-rejected');
    assert.equal(code, 0);
    assert.match(stdout, /^quota-rejected is not among the findings\. It is the kernel's answer \(EINVAL\) to a quota/);
  });

  it('knows nothing of anything else', async () => {
    const { code, stderr } = await cli('explain', 'quota');
    assert.deepEqual([code, /there is no finding "quota"/.test(stderr)], [2, true]);
  });
});
