import assert from 'node:assert/strict';
import { parseKernelList } from '../../../src/core/cgroup/kernelList';
import { parseSigned, parseUnsigned } from '../../../src/core/cgroup/kernelNumber';
import { kernelHabits } from '../../../src/core/cgroup/kernelVersion';
import { Layers } from '../../../src/core/cgroup/layers';

describe('a list of CPUs as the kernel reads it, of CPUs 0 to 7', () => {
  const LISTS: Readonly<Record<string, string>> = {
    '0-3,8': 'ERANGE', '0-3,5': '0-3,5', '': '', ' 1 , 2 ': '1-2', '1,,2': '1-2', all: '0-7', ALL: '0-7', N: '7', '2-N': '2-7', n: 'EINVAL', '0-7:1/2': '0,2,4,6', '0-7:2/4': '0-1,4-5', '0:1/2': 'EINVAL', 'all:1/4': '0,4', '0-7:0/2': '',
    '1-0': 'EINVAL', '0-': 'EINVAL', '-1': 'EINVAL', abc: 'EINVAL', '0x1': 'EINVAL', '0-9999': 'ERANGE', '9-8': 'EINVAL', '0-7:3/2': 'EINVAL', '0-7:1/0': 'EINVAL', '8,x': 'ERANGE', 'x,8': 'EINVAL', '99999999999': 'EUNKNOWN',
  };
  for (const [text, expected] of Object.entries(LISTS)) it(`${JSON.stringify(text)} → ${expected || 'nothing'}`, () => assert.equal(String(parseKernelList(text, 7)), expected));
});

describe('a number as the kernel reads it', () => {
  const NUMBERS: Readonly<Record<string, readonly [unsigned: string, signed: string]>> = {
    '5': ['5', '5'], '5\n': ['5', '5'], '+5': ['5', '5'], '0x10': ['16', '16'], '010': ['8', '8'], '08': ['EINVAL', 'EINVAL'], '0': ['0', '0'], '-1': ['EINVAL', '-1'], '-0x10': ['EINVAL', '-16'], '-+1': ['EINVAL', 'EINVAL'], '': ['EINVAL', 'EINVAL'], ' 5': ['EINVAL', 'EINVAL'], '5 ': ['EINVAL', 'EINVAL'], '5x': ['EINVAL', 'EINVAL'],
    '18446744073709551615': ['18446744073709551615', 'ERANGE'], '18446744073709551616': ['ERANGE', 'ERANGE'], '-9223372036854775808': ['EINVAL', '-9223372036854775808'], '-9223372036854775809': ['EINVAL', 'ERANGE'],
  };
  for (const [text, [unsigned, signed]] of Object.entries(NUMBERS)) {
    it(`${JSON.stringify(text)} → ${unsigned}, ${signed}`, () => assert.deepEqual([String(parseUnsigned(text)), String(parseSigned(text))], [unsigned, signed]));
  }
});

describe('whether a kernel keeps a pin through a change of the cpuset', () => {
  const KERNELS: Readonly<Record<string, boolean | undefined>> = {
    '6.1.0-50-cloud-amd64': false, '6.2.0': true, '6.18.44-fc-v669': true, '5.15.0-105-generic': false, '6.8.12-4-pve': true, '5.14.0-427.el9.x86_64': undefined, '4.18.0-553.el8_10.x86_64': undefined, '5.15.0-206.153.7.el8uek.x86_64': undefined,
    '6.12.0-55.el10.x86_64': true, '6.4.0-150600.23-default': true, '5.14.21-150500.55.19-default': undefined, '6.1.90-99.173.amzn2023.x86_64': undefined, '10.0.1': true, '': undefined, rubbish: undefined,
  };
  for (const [release, keeps] of Object.entries(KERNELS)) it(`${release || 'no name'}: ${keeps ?? 'not known'}`, () => assert.equal(kernelHabits(release).keepsAffinity, keeps));
});

describe('a map of layers', () => {
  it('gives what was put in last, and leaves the older one as it was', () => {
    const first = Layers.of(new Map([['a', 1]]));
    const second = first.with([['a', 2], ['b', 3]]);
    assert.deepEqual([first.get('a'), first.get('b'), second.get('a'), second.get('b'), second.has('c')], [1, undefined, 2, 3, false]);
  });

  it('holds `undefined` as a value', () => {
    const removed = Layers.of<string, number | undefined>(new Map([['a', 1]])).with([['a', undefined]]);
    assert.deepEqual([removed.get('a'), removed.has('a')], [undefined, true]);
  });

  // One that copied all it holds at each change would not be done before the test's time is up.
  it('takes a hundred thousand changes, one after the other', () => {
    let map = Layers.of<number, number>(new Map());
    for (let i = 0; i < 100_000; i++) map = map.with([[i % 50_000, i]]);
    assert.deepEqual([map.get(0), map.get(49_999), map.get(50_000)], [50_000, 99_999, undefined]);
  });
});

