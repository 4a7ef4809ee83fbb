import { unescapeUnit } from '../parse/systemdName';
import type { Machine, Thread } from './hostModel';

/**
 * A filter as a person types it: every word must fit. A word fits a machine by its name, UUID or PID, and then all its
 * threads; a thread by its name, TID, or a cgroup's path or controllers. `cpu:4` fits threads that may run on CPU 4 or
 * last did.
 */
export class Filter {
  private readonly words: readonly string[];

  constructor(
    readonly text: string,
    private readonly roleText: (thread: Thread) => string,
  ) {
    this.words = text.toLowerCase().split(/\s+/).filter(word => word !== '');
  }

  get isEmpty(): boolean {
    return this.words.length === 0;
  }

  /** The machine's threads that fit. */
  threads(machine: Machine): readonly Thread[] {
    const own = [machine.name, machine.uuid ?? '', String(machine.pid)].map(text => text.toLowerCase());
    const rest = this.words.filter(word => !own.some((text, i) => (i === 2 ? text === word : text.includes(word))));
    return rest.length === 0 ? machine.threads : machine.threads.filter(thread => rest.every(word => this.fits(thread, word)));
  }

  private fits(thread: Thread, word: string): boolean {
    const cpu = /^cpu:(\d+)$/.exec(word);
    if (cpu) return thread.cpusAllowed?.has(Number(cpu[1])) === true || thread.lastCpu === Number(cpu[1]);
    if (String(thread.tid) === word || this.roleText(thread).toLowerCase().includes(word) || thread.comm.toLowerCase().includes(word)) return true;
    for (const [key, place] of thread.membership.places) {
      if (key.includes(word) || place.path.toLowerCase().includes(word) || unescapeUnit(place.path).toLowerCase().includes(word)) return true;
    }
    return false;
  }
}
