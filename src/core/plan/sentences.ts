import type { Because } from '../cgroup/outcome';

/** A reason as a sentence for people. */
export function because({ id, details }: Because): string {
  return `${id} ${JSON.stringify(details)}`;
}
