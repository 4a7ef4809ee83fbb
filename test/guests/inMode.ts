import assert from 'node:assert/strict';
import { cleanUp } from '../kernel/support/cleanUp';
import { disconnectAll } from '../ssh/support/client';
import { actions } from './actions';
import { commandLine } from './commandLine';
import { scenarios } from './scenarios';
import { Guest, type Mode } from './support/guest';
import { BY_HAND, DOMAIN, startLab } from './support/lab';
import { truth } from './truth';

/** What is asked of every mode, one after the other on one guest: each leaves it as it found it. */
export function inMode(mode: Mode): void {
  describe(`a guest in ${mode} mode`, () => {
    let guest: Guest;
    before(async () => {
      guest = await Guest.boot(mode);
      await startLab(guest);
    });
    after(async () => {
      disconnectAll();
      await guest.end();
      await cleanUp();
    });

    it('both machines are there, and all was understood', async () => {
      const { model, problems } = await guest.look();
      assert.deepEqual({ machines: model.machines.map(({ name }) => name).sort(), problems }, { machines: [BY_HAND, DOMAIN], problems: [] });
      assert.equal(model.mode, { v2: 'unified', hybrid: 'hybrid', legacy: 'legacy' }[mode]);
    });

    truth(() => guest);
    scenarios(() => guest, mode);
    actions(() => guest);
    commandLine(() => guest);
  });
}
