import type { HostModel, Machine } from '../model/hostModel';
import type { Change, PlanOptions, Planned } from './plan';

/**
 * Makes a plan of what is wanted, or says why there is none. `machine`: the one whose placement this is about; its own
 * subtree is where threads may move without expert mode.
 */
export function makePlan(model: HostModel, machine: Machine | undefined, changes: readonly Change[], options: PlanOptions): Planned {
  void model, machine, changes, options;
  return { refusal: { because: { id: 'not-yet', details: {} }, instead: [] } };
}
