import { CpuSet } from '../parse/cpuList';
import type { WriteErrno } from './outcome';

/**
 * What the kernel makes of a list of CPUs or nodes that is written (lib/bitmap-str.c, bitmap_parselist): more than it
 * ever prints, `0-7:1/2`, `all`, `N` for the last, blanks and empty parts among them. The first bad part decides.
 */
export function parseKernelList(text: string, highest: number): CpuSet | WriteErrno {
  const ranges: [number, number][] = [];
  for (const part of text.split(/[\s,]+/)) {
    if (part === '') continue;
    const match = /^(?:(all)|(\d+|N)(?:-(\d+|N))?)(?::(\d+)\/(\d+))?$/i.exec(part);
    if (!match || part.includes('n')) return 'EINVAL'; // `N` is no word: capitals only
    const [, all, from, to, used, group] = match;
    const number = (word: string): number => (word === 'N' ? highest : Number(word));
    const first = all === undefined ? number(from!) : 0;
    const last = all === undefined ? (to === undefined ? first : number(to)) : highest;
    if (match.slice(2).some(word => word !== undefined && Number(word) > 0x7fffffff)) return 'EUNKNOWN'; // EOVERFLOW
    if (used !== undefined && all === undefined && to === undefined) return 'EINVAL';
    const off = used === undefined ? last + 1 : Number(used);
    const size = group === undefined ? last + 1 : Number(group);
    if (first > last || size === 0 || off > size) return 'EINVAL';
    if (last > highest) return 'ERANGE';
    for (let at = first; at <= last; at += size) if (off > 0) ranges.push([at, Math.min(at + off - 1, last)]);
  }
  return CpuSet.fromRanges(ranges);
}
