import { shorten } from '../parse/bytes';
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
      const places: [string, Place][] = parsePidCgroup(text).map(line => {
        const { key, cgroup } = this.hierarchies.cgroup(line);
        // Whole for every path that a kernel can have; only one that `cgroup` refused can be longer.
        return [key, { path: shorten(line.path), deleted: line.deleted, cgroup }];
      });
      membership = { places: new Map(places.sort(([a], [b]) => this.hierarchies.compare(a, b))) };
      this.byText.set(text, membership);
    }
    return membership;
  }
}
