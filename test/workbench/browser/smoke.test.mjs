import assert from 'node:assert/strict';
import { openPalette, openWorkbench } from '../page.mjs';

describe('the workbench', () => {
  let workbench;
  before(async () => { workbench = await openWorkbench(); });
  after(() => workbench?.close());

  it('has the extension installed: its command is in the palette', async () => {
    await openPalette(workbench.page, 'Cgroup Lens: Show Log');
    await workbench.page.keyboard.press('Escape');
  });

  it('asks nothing of another machine', () => {
    assert.deepEqual(workbench.outside, []);
  });
});
