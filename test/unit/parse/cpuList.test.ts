import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CpuSet, parseCpuList } from '../../../src/core/parse/cpuList';
import { cases } from './table';

describe('a CPU list', () => {
  cases<string | undefined>(text => parseCpuList(text)?.toString(), {
    'one CPU': ['3\n', '3'],
    'ranges and single CPUs': ['0-3,8,10-11\n', '0-3,8,10-11'],
    'ranges that touch or overlap become one': ['0-1,2,2-5,4', '0-5'],
    'an order that the kernel never writes': ['8,0', '0,8'],
    'empty is the empty set, as cpuset.cpus reads where nothing is asked': ['\n', ''],
    'nothing at all': ['', ''],
    '"(null)", as nohz_full reads where it is off': ['(null)\n', ''],
    'the largest there can be': ['0-65535', '0-65535'],
    'a number that no CPU has': ['65536', undefined],
    'a number that would take for ever to count': ['0-999999999999', undefined],
    'a range the wrong way round': ['3-1', undefined],
    'a negative number': ['-1', undefined],
    'a mask': ['ffffffff', undefined],
    'a hexadecimal number': ['0x3', undefined],
    'a list that broke off behind the comma': ['0-3,', undefined],
    'a list that broke off in a range': ['0-', undefined],
    'a space inside': ['0 -3', undefined],
    'a stride, which only the kernel command line has': ['0-10:2/4', undefined],
    'two lists in one text': ['0-1\n2-3\n', undefined],
  });

  const cpus = fc.array(fc.nat({ max: 200 }), { maxLength: 30 });

  it('is written as the kernel writes it and read again', () => {
    fc.assert(
      fc.property(cpus, list => {
        const set = CpuSet.of(...list);
        assert.deepEqual([...set], [...new Set(list)].sort((a, b) => a - b));
        assert.equal(set.size, new Set(list).size);
        assert.ok(parseCpuList(set.toString())!.equals(set));
      }),
    );
  });

  it('is a set: union, intersection, subset and membership agree with those of JavaScript', () => {
    fc.assert(
      fc.property(cpus, cpus, (a, b) => {
        const [x, y] = [CpuSet.of(...a), CpuSet.of(...b)];
        const both = a.filter(cpu => b.includes(cpu));
        assert.ok(x.union(y).equals(CpuSet.of(...a, ...b)));
        assert.ok(x.intersect(y).equals(CpuSet.of(...both)));
        assert.equal(x.isSubsetOf(y), a.every(cpu => b.includes(cpu)));
        assert.equal(x.isEmpty, a.length === 0);
        for (const cpu of b) assert.equal(x.has(cpu), a.includes(cpu));
      }),
    );
  });
});
