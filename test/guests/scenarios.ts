import { faults } from './faults';
import type { Guest, Mode } from './support/guest';
import { Scene, plain } from './support/scene';
import { scenariosOfHost } from './scenariosOfHost';
import { scenariosOfLife } from './scenariosOfLife';
import { scenariosOfThreads } from './scenariosOfThreads';

/** What happens on real hosts, made with the real tool, seen by the product, and undone. */
export function scenarios(guest: () => Guest, mode: Mode): void {
  describe('scenarios', () => {
    let healthy = '';
    before(async () => {
      healthy = plain((await new Scene(guest()).look()).text);
    });
    faults(guest, mode, () => healthy);
    scenariosOfThreads(guest, mode, () => healthy);
    scenariosOfHost(guest, mode, () => healthy);
    scenariosOfLife(guest, mode, () => healthy);
  });
}
