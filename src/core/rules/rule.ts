import type { HostModel, Machine, Thread } from '../model/hostModel';
import type { Change } from '../plan/plan';

/** Looks for one kind of fault. Its file's comment is its page: cause, signature, cost, fix, sources. */
export interface Rule {
  /** Public: in documents, in reports, and in what people search for. */
  readonly id: string;
  check(model: HostModel, machine: Machine): Finding[];
}

/** One rule's verdict on one thread in one hierarchy. */
export interface Finding {
  readonly rule: string;
  readonly severity: 'error' | 'warning' | 'information';
  readonly machine: Machine;
  readonly thread: Thread;
  /** Key of the hierarchy. */
  readonly hierarchy: string;
  /** Where the thread is there: what a document says in the words that are at fault. */
  readonly path: string;
  /** Where it should be. */
  readonly expected: string;
  readonly evidence: readonly Evidence[];
  /** What is wrong, and what it costs, as one sentence without its end; hostile names in it are made visible. */
  readonly sentence: (shown: ShowPath) => string;
  /** The likeliest first. */
  readonly fixes: readonly Fix[];
}

/** A file as it was read. */
export interface Evidence {
  readonly file: string;
  readonly value: string;
}

export interface Fix {
  readonly title: (shown: ShowPath) => string;
  /** Asked only when somebody wants it. */
  readonly changes: () => readonly Change[];
}

/** How a surface writes a cgroup's path: `S/vcpu2`, `…/libvirt/vcpu2`. */
export type ShowPath = (path: string) => string;
