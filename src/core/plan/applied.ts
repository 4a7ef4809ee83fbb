import type { WriteErrno } from '../cgroup/outcome';
import type { Precondition } from './plan';

/** What became of a plan on its host. */
export interface Applied {
  /** In the order of `Plan.steps`; those after a refusal are `not done`, those after a cut `unknown`. */
  readonly steps: readonly StepResult[];
  /** False when the answer broke off. */
  readonly complete: boolean;
  /** What the host said besides. */
  readonly remarks: readonly string[];
}

export interface StepResult {
  readonly state: 'done' | 'refused' | 'changed meanwhile' | 'not done' | 'unknown';
  /** Of `refused`. */
  readonly errno: WriteErrno | undefined;
  /** Of `changed meanwhile`: what is found instead. Of `done`: what is read afterwards (path, CPU list, value). */
  readonly found: string | undefined;
  /** What the tool or shell said. */
  readonly said: string | undefined;
  /** Of `changed meanwhile`: what does not hold any more. */
  readonly precondition?: Precondition | undefined;
}
