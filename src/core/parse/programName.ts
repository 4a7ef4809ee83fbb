/** The last part of a program's path, also of one that was replaced on disk (`… (deleted)` in its exe link). */
export function baseName(path: string): string {
  return path.replace(/ \(deleted\)$/, '').replace(/^.*\//s, '');
}

/** Names of programs, `*` at the end for a prefix, against the last part of a path. */
export function fitsName(path: string | undefined, names: readonly string[]): boolean {
  if (path === undefined) return false;
  const name = baseName(path);
  return names.some(n => (n.endsWith('*') ? name.startsWith(n.slice(0, -1)) : name === n));
}
