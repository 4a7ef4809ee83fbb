import type { Layout } from '../layout/layout';
import { layoutOf } from '../layout/layouts';
import type { HostModel, Machine } from '../model/hostModel';
import type { Rates } from '../model/rates';
import { CpuFacts } from './cpuFacts';

/** What rules look at: a model, what happened since the one before, and what several of them need, found once. */
export class CheckedHost {
  private cpuFacts: CpuFacts | undefined;
  private readonly layouts = new Map<Machine, Layout | undefined>();

  /** @param rates `undefined` where there is one reading only: a capture, the first look */
  constructor(
    readonly model: HostModel,
    readonly rates: Rates | undefined,
  ) {}

  /** Where threads may run. */
  get cpus(): CpuFacts {
    return (this.cpuFacts ??= new CpuFacts(this.model));
  }

  layoutOf(machine: Machine): Layout | undefined {
    if (!this.layouts.has(machine)) this.layouts.set(machine, layoutOf(this.model, machine));
    return this.layouts.get(machine);
  }
}
