import type { Thread } from '../model/hostModel';

/** Who placed a machine, and how it should look. Recognised by its shape, never by the version of who made it. */
export interface Layout {
  readonly kind: 'libvirt with systemd' | 'libvirt alone';
  /**
   * The cgroup in which who placed the machine puts this thread, whether or not it is there. `undefined` where the
   * layout says nothing: the hierarchy has no groups of threads, the thread may be anywhere, the machine is not ready.
   */
  expectedPath(thread: Thread, hierarchyKey: string): string | undefined;
}
