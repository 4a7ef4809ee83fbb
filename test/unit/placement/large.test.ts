import assert from 'node:assert/strict';
import { parsePlacement } from '../../../src/core/placement/parse';
import type { Placement, Row } from '../../../src/core/placement/placement';
import { print } from '../../../src/core/placement/print';

const placementOf = (shared: readonly Row[]): Placement => ({
  machine: { name: 'vm', pid: 1, emulator: 'kvm', uuid: undefined, layout: undefined },
  host: { label: 'host', mode: 'unified', kernel: '6.1' },
  count: 1,
  shared,
  threads: [],
  above: [],
});
const row = (hierarchy: string, path: string): Row => ({ hierarchies: [hierarchy], path, attributes: [] });

describe('a placement document larger than any host', () => {
  it('is printed with 150,000 rows', () => {
    const rows = Array.from({ length: 150_000 }, (_, i) => row(`name=h${i}`, '/machine.slice/some.scope'));
    const text = print(placementOf(rows));
    assert.match(text, /^S = \/machine\.slice\/some\.scope$/m);
    assert.match(text, /name=h149999 +S$/m);
  });

  it('has the directory that saves the most for its alias, however deep the paths are', () => {
    const deep = '/a'.repeat(2000);
    const placement = placementOf([row('x', deep), row('y', `${deep}/b`), row('z', '/machine.slice')]);
    const text = print(placement);
    assert.match(text, new RegExp(`^S = ${'/a'.repeat(64)}$`, 'm'));
    assert.deepEqual(parsePlacement(text).placement, placement);
  });
});
