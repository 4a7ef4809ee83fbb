import type { Because } from '../cgroup/outcome';

/** Why the kernel refuses, or does something else than what was asked. */
export const KERNEL_SENTENCES: Readonly<Record<string, (detail: (name: string) => string, details: Because['details']) => string>> = {};
