import { cleanUp } from '../kernel/support/cleanUp';
import { disconnectAll } from '../ssh/support/client';
import { Guest, type Mode } from './support/guest';
import { startLab } from './support/lab';

/** One boot for each mode: what is asked of every mode, one after the other on the same guest. */
for (const mode of ['v2', 'hybrid', 'legacy'] satisfies Mode[]) {
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

    it('shows both machines', async () => {
      const { model, problems } = await guest.look();
      console.log(model.mode, model.machines.map(({ name }) => name), problems);
    });
  });
}
