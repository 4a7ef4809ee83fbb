/** One line of `/proc/PID/cgroup`: where the task is in one hierarchy (cgroups(7)). */
export interface CgroupLine {
  /** `0::` is v2; a v1 hierarchy has controllers, or a name and none (`name=systemd`). */
  readonly controllers: readonly string[];
  /** Of a named v1 hierarchy, without `name=`. */
  readonly name: string | undefined;
  readonly isV2: boolean;
  /** As the kernel wrote it for the reader's cgroup namespace: may begin with `/..`. */
  readonly path: string;
  /** The cgroup was removed while the task (a zombie) was in it. */
  readonly deleted: boolean;
}

const DELETED = ' (deleted)';

/** A path may hold colons, but no newline: the kernel refuses one in a cgroup's name. Lines it cannot read are left out. */
export function parsePidCgroup(text: string): CgroupLine[] {
  const lines: CgroupLine[] = [];
  for (const line of text.split('\n')) {
    const match = /^(\d+):([^:]*):(\/.*)$/s.exec(line);
    if (!match) continue;
    const tokens = match[2]!.split(',').filter(token => token !== '');
    const named = tokens.find(token => token.startsWith('name='));
    const isV2 = match[1] === '0' && tokens.length === 0;
    const deleted = isV2 && match[3]!.endsWith(DELETED); // v1 has no such mark: there it is part of a name
    lines.push({
      controllers: tokens.filter(token => token !== named),
      name: named?.slice('name='.length),
      isV2,
      path: deleted ? match[3]!.slice(0, -DELETED.length) : match[3]!,
      deleted,
    });
  }
  return lines;
}
