import type { Because } from '../core/cgroup/outcome';
import type { HostId } from '../core/host/source';
import type { HostModel, Machine } from '../core/model/hostModel';
import type { Change } from '../core/plan/plan';

/** What a person wants changed on a host: every surface asks for it in this form. */
export interface PlanRequest {
  readonly hostId: HostId;
  /** `Machine.key` of the machine whose placement it is about. */
  readonly machine: string | undefined;
  /**
   * Their threads may be of an older model: they are looked up again by their keys. A function is asked each time that
   * the plan is made, with the host as it was read for it.
   */
  readonly changes: readonly Change[] | Wish;
}

/** `undefined`: there is nothing to plan, and whoever asked has said so. */
export type Wish = (model: HostModel, machine: Machine | undefined) => { readonly changes: readonly Change[]; readonly warnings: readonly Because[] } | undefined;

/** How a plan ended. `failed`: some of it may have been done; it is in the host's history. */
export type PlanEnd = 'applied' | 'failed' | 'discarded';
