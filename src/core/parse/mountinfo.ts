/** One line of `/proc/PID/mountinfo` (proc(5)). Paths are unescaped. */
export interface Mount {
  /** `major:minor` of the superblock: two mounts of one hierarchy share it. */
  readonly device: string;
  /** The part of the file system that is mounted: not `/` for a bind mount or in a cgroup namespace. */
  readonly root: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  readonly fsType: string;
  readonly superOptions: readonly string[];
}

/** The lines that can be understood, in the kernel's order (a later mount hides an earlier one at the same place). */
export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const separator = line.indexOf(' - ');
    if (separator < 0) continue;
    const fields = line.slice(0, separator).split(' ');
    const [fsType, , superOptions] = line.slice(separator + 3).split(' ');
    const [, , device, root, mountPoint, options] = fields;
    if (!device || !root || !mountPoint || !fsType) continue;
    mounts.push({
      device,
      root: unescape(root),
      mountPoint: unescape(mountPoint),
      options: (options ?? '').split(','),
      fsType,
      superOptions: (superOptions ?? '').split(','),
    });
  }
  return mounts;
}

/** The kernel writes space, tab, newline and backslash as `\040`, `\011`, `\012`, `\134` (fs/proc_namespace.c, mangle). */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
