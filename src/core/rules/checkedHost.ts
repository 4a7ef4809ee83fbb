import type { Layout } from '../layout/layout';
import { layoutOf } from '../layout/layouts';
import { type Misplaced, misplacedIn } from '../layout/misplaced';
import type { HostModel, Machine } from '../model/hostModel';
import type { Rates } from '../model/rates';

/** What rules look at: a model, what happened since the one before, and what several of them need, found once. */
export class CheckedHost {
  private readonly layouts = new Map<Machine, Layout>();
  private readonly misplaced = new Map<Machine, readonly Misplaced[]>();

  /** @param rates `undefined` where there is one reading only: a capture, the first look */
  constructor(
    readonly model: HostModel,
    readonly rates: Rates | undefined,
  ) {}

  layoutOf(machine: Machine): Layout {
    let layout = this.layouts.get(machine);
    if (!layout) this.layouts.set(machine, (layout = layoutOf(this.model, machine)));
    return layout;
  }

  /** Threads that are not where the machine's layout has them. */
  misplacedIn(machine: Machine): readonly Misplaced[] {
    let misplaced = this.misplaced.get(machine);
    if (!misplaced) this.misplaced.set(machine, (misplaced = misplacedIn(this.model, machine, this.layoutOf(machine))));
    return misplaced;
  }
}
