/** The last part of a program's path, also of one that was replaced on disk (`… (deleted)` in its exe link). */
export function baseName(path: string): string {
  return path.replace(/ \(deleted\)$/, '').replace(/^.*\//s, '');
}

/** Names of programs, `*` at the end for a prefix, against the last part of a path. */
export function fitsName(path: string | undefined, names: readonly string[]): boolean {
  if (path === undefined) return false;
  const name = baseName(path).replace(/^\./, ''); // Nix wraps a program as `.qemu-system-x86_64-wrapped`
  return names.some(n => (n.endsWith('*') ? name.startsWith(n.slice(0, -1)) : name === n));
}

/** Whether this can be the name of a program to look for: with at least one character that is no wildcard, and no path. */
export function isProgramName(name: string): boolean {
  return /^[\w.+-]+\*?$/.test(name);
}
