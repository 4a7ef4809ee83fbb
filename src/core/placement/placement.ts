import type { Layout } from '../layout/layout';

/**
 * What a placement document says, as data: `print` writes it, `parse` reads it back. Only what stays the same as long as
 * nobody moves or limits anything: a refresh changes the text only when placement changed.
 */
export interface Placement {
  readonly machine: {
    readonly name: string;
    readonly pid: number;
    readonly emulator: string;
    readonly uuid: string | undefined;
    /** Who placed it, and how far that has come; `undefined` where a text does not say it. */
    readonly layout: Pick<Layout, 'kind' | 'stage'> | undefined;
  };
  readonly host: { readonly label: string; readonly mode: string; readonly kernel: string };
  /** How many tasks the process has, and where all of them are. */
  readonly count: number;
  readonly shared: readonly Row[];
  readonly threads: readonly ThreadBlock[];
  /** Cgroups above those of the threads that limit them. */
  readonly above: readonly Row[];
}

export interface ThreadBlock {
  /** `vCPU 2`, `I/O thread iothread1`. */
  readonly role: string;
  readonly tid: number;
  readonly comm: string;
  /** `other 0`, `fifo 50`: policy and real-time priority. */
  readonly policy: string;
  readonly nice: number;
  /** `Cpus_allowed_list`; `?` where it could not be read. */
  readonly cpus: string;
  /** Where it is apart from the others: overrides `shared`. */
  readonly rows: readonly Row[];
}

/** One cgroup path in one or more hierarchies. */
export interface Row {
  readonly hierarchies: readonly string[];
  /** As /proc/PID/cgroup has it; `?` where it could not be read. */
  readonly path: string;
  readonly attributes: readonly Attribute[];
}

/** `quota 50000/100000`; a name alone, such as `frozen`, has the value ''. */
export interface Attribute {
  readonly name: string;
  readonly value: string;
}

export const UNKNOWN = '?';
