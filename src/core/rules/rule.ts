import type { Machine, Thread } from '../model/hostModel';
import type { Change } from '../plan/plan';
import type { CheckedHost } from './checkedHost';

/** The worst first. A `hint` is no fault: something that is good to know when one looks for one. */
export const SEVERITIES = ['error', 'warning', 'information', 'hint'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Looks for one kind of fault. Its constant's comment is its page: cause, signature, cost, fix, sources. */
export interface Rule {
  /** Public: in documents, in reports, in settings, and in what people search for. */
  readonly id: string;
  /** A few words that name the fault: `A vCPU is in the emulator's cgroup`. */
  readonly title: () => string;
  /** Of one machine. What several machines do to each other is found at each of them. Where there may be thousands, one by one: others have their turn between. */
  check(host: CheckedHost, machine: Machine): Iterable<Finding>;
}

/** One rule's verdict on threads or cgroups of one machine. */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  readonly machine: Machine;
  /** Those that it is about; none where it is about the machine as a whole. */
  readonly threads: readonly Thread[];
  readonly at: At;
  readonly evidence: readonly Evidence[];
  /** What is wrong, as one sentence without its end; hostile names in it are made visible. */
  readonly sentence: (shown: ShowPath) => string;
  /** What it costs the guest, as a sentence without its end; hostile names in it are made visible. */
  readonly cost: () => string;
  /** What to do, in the words of who does it by hand, as a sentence without its end; hostile names in it are made visible. */
  readonly advice: (shown: ShowPath) => string;
  /** The likeliest first; none where there is no safe one. */
  readonly fixes: readonly Fix[];
}

/** The words of a document that are at fault: its head, a thread's role, its CPUs or its policy, a cgroup's path, or a value of a cgroup. */
export type At =
  | { readonly kind: 'machine' }
  | { readonly kind: 'thread' | 'cpus' | 'policy'; readonly thread: Thread }
  /** Where the thread is, and where it should be, if that is known. */
  | { readonly kind: 'place'; readonly thread: Thread; readonly hierarchy: string; readonly path: string; readonly expected: string | undefined }
  /** `name` as in `valuesOf`: `cpus`, `quota`, `type`; the path, where the document does not say the value. */
  | { readonly kind: 'value'; readonly hierarchy: string; readonly path: string; readonly name: string };

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
