import type { Because } from '../core/cgroup/outcome';
import type { HostId } from '../core/host/source';
import type { Change } from '../core/plan/plan';

/** What a person wants changed on a host: every surface asks for it in this form. */
export interface PlanRequest {
  readonly hostId: HostId;
  /** `Machine.key` of the machine whose placement it is about. */
  readonly machine: string | undefined;
  /** Their threads may be of an older model: they are looked up again by their keys. */
  readonly changes: readonly Change[];
  /** What the surface itself has to say of it: conflicts of an edit with the host. */
  readonly warnings?: readonly Because[];
}

/** How a plan ended. `failed`: some of it may have been done; it is in the host's history. */
export type PlanEnd = 'applied' | 'failed' | 'discarded';
