import { readFileSync } from 'node:fs';

/** A cgroup hierarchy of this machine, found without the parsers that are under test. */
export interface Tree {
  readonly mountPoint: string;
  readonly version: 1 | 2;
  /** As the model and /proc/PID/cgroup call it. */
  readonly key: string;
}

/** All cgroup hierarchies that are mounted here, by the super options that mountinfo names. */
export function trees(): Tree[] {
  const found: Tree[] = [];
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const match = /^\S+ \S+ \S+ (\S+) (\S+) .* - (cgroup2?) \S+ (\S+)$/.exec(line);
    if (!match) continue;
    const [, root, mountPoint, type, options] = match as unknown as [string, string, string, string, string];
    if (root !== '/') throw new Error(`These tests need whole hierarchies, but ${root} is mounted at ${mountPoint}: run them outside a container.`);
    const key = type === 'cgroup2' ? '0::' : options.split(',').filter(option => !NOT_CONTROLLERS.test(option)).join(',');
    if (!found.some(tree => tree.key === key)) found.push({ mountPoint, version: type === 'cgroup2' ? 2 : 1, key });
  }
  return found;
}

const NOT_CONTROLLERS = /^(rw|ro|xattr|noprefix|clone_children|cpuset_v2_mode|release_agent=.*|nsdelegate|memory_.*|favordynmods)$/;

/** The hierarchy of a controller (`cpu`, `name=systemd`) or v2 (`0::`). These tests fail where it is not mounted: they are never skipped. */
export function tree(controller: string): Tree {
  if (process.getuid?.() !== 0) throw new Error('The tests on a real kernel make cgroups: run them as root.');
  const found = trees().find(t => t.key === controller || t.key.split(',').includes(controller));
  if (!found) throw new Error(`These tests need the hierarchy ${controller}, which /proc/self/mountinfo does not show (it has ${trees().map(t => t.key).join(' ')}).`);
  if (controller !== '0::' && found.version !== 1) throw new Error(`These tests need ${controller} in cgroup v1.`);
  return found;
}
