/** A "flat keyed" cgroup file such as `cpu.stat` or `pids.events` (cgroup-v2.rst): `name number` a line. */
export function parseFlatKeyed(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^(\S+) (-?\d+)$/.exec(line);
    if (match) values.set(match[1]!, Number(match[2]));
  }
  return values;
}
