import { parsePidCgroup } from '../parse/pidCgroup';
import type { HierarchyBuilder } from './hierarchies';
import type { Membership, Place } from './hostModel';

/** Turns the text of /proc/PID/cgroup into a membership, once for each distinct text. */
export class MembershipBuilder {
  private readonly byText = new Map<string, Membership>();

  constructor(private readonly hierarchies: HierarchyBuilder) {}

  of(text: string): Membership {
    let membership = this.byText.get(text);
    if (!membership) {
      const places = new Map<string, Place>();
      for (const line of parsePidCgroup(text)) {
        const { key, cgroup } = this.hierarchies.cgroup(line);
        places.set(key, { path: line.path, deleted: line.deleted, cgroup: line.deleted ? undefined : cgroup });
      }
      membership = { places };
      this.byText.set(text, membership);
    }
    return membership;
  }
}
