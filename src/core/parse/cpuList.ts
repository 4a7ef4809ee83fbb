/**
 * A set of CPUs or of NUMA nodes, as the kernel's list format writes it: `0-3,8` (Documentation/admin-guide/cputopology.rst).
 * Immutable; kept as sorted ranges that neither overlap nor touch, so that a mask of 4096 CPUs costs one pair.
 */
export class CpuSet {
  static readonly empty = new CpuSet([]);

  private constructor(readonly ranges: readonly (readonly [first: number, last: number])[]) {}

  static of(...cpus: number[]): CpuSet {
    return CpuSet.fromRanges(cpus.map(cpu => [cpu, cpu] as const));
  }

  static fromRanges(ranges: readonly (readonly [number, number])[]): CpuSet {
    const merged: [number, number][] = [];
    for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
      const previous = merged.at(-1);
      if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
      else merged.push([first, last]);
    }
    return merged.length === 0 ? CpuSet.empty : new CpuSet(merged);
  }

  get size(): number {
    return this.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  }

  get isEmpty(): boolean {
    return this.ranges.length === 0;
  }

  has(cpu: number): boolean {
    return this.ranges.some(([first, last]) => first <= cpu && cpu <= last);
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (const [first, last] of this.ranges) for (let cpu = first; cpu <= last; cpu++) yield cpu;
  }

  equals(other: CpuSet): boolean {
    const { ranges } = other;
    return this === other || (this.ranges.length === ranges.length && this.ranges.every(([first, last], i) => ranges[i]![0] === first && ranges[i]![1] === last));
  }

  intersect(other: CpuSet): CpuSet {
    const common: [number, number][] = [];
    for (const [a, b] of this.ranges) {
      for (const [c, d] of other.ranges) {
        const first = Math.max(a, c);
        const last = Math.min(b, d);
        if (first <= last) common.push([first, last]);
      }
    }
    return CpuSet.fromRanges(common);
  }

  union(other: CpuSet): CpuSet {
    return CpuSet.fromRanges([...this.ranges, ...other.ranges]);
  }

  isSubsetOf(other: CpuSet): boolean {
    // Ranges never touch: one that is in the other set is in one of its ranges.
    return this === other || this.ranges.every(([first, last]) => other.ranges.some(([from, to]) => from <= first && last <= to));
  }

  /** The kernel's own spelling: `0-3,8`; the empty string for the empty set. */
  toString(): string {
    return this.ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
  }
}

/** Larger than any kernel's NR_CPUS (8192): a number beyond it is a damaged file, not a CPU. */
const HIGHEST_CPU = 65_535;

/** `0-3,8\n` → a set; an empty text is the empty set; `undefined` when it is not a CPU list. */
export function parseCpuList(text: string): CpuSet | undefined {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === '(null)') return CpuSet.empty; // "(null)": what `cpu/isolated` read before Linux 5.1
  const ranges: [number, number][] = [];
  for (const part of trimmed.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    if (!match) return undefined;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first || last > HIGHEST_CPU) return undefined;
    ranges.push([first, last]);
  }
  return CpuSet.fromRanges(ranges);
}
