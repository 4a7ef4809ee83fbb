import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LAYOUTS, STAGED, STAGES } from '../../../src/core/layout/layout';
import { parsePlacement } from '../../../src/core/placement/parse';
import type { Attribute, Placement, Row, ThreadBlock } from '../../../src/core/placement/placement';
import { print } from '../../../src/core/placement/print';

/** Records as the parser makes them: fast-check's have no prototype now and then. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

/** Names as an attacker picks them, and as they are. */
const name = fc.oneof(
  fc.constantFrom('serial', 'a  b', ' lead', 'trail ', '"quoted"', 'tab\there', 'new\nline', '[x](command:y)', '$(error)', '<img src=x>', '\u001b[31mred', '\u202eabc', '\udc80\udcff', 'größe 1', 'S', 'all 3 threads', 'above', '\\x2d', 'ends \\', '#', '?', 'S = /x', '\u2028'),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const path = fc.oneof(
  fc.constantFrom('/', '?', '/machine.slice/machine-qemu\\x2d1\\x2dserial.scope/libvirt', '/machine.slice/machine-qemu\\x2d1\\x2dserial.scope/libvirt/vcpu0', '/machine.slice/machine-qemu\\x2d1\\x2dserial.scope', '/../x', '/a:b c'),
  fc.array(name.filter(n => !n.includes('/') && n !== '..' && n !== ''), { minLength: 1, maxLength: 5 }).map(parts => `/${parts.join('/')}`),
);
const attribute: fc.Arbitrary<Attribute> = record({ name: fc.constantFrom('cpus', 'quota', 'type', 'partition', 'frozen', 'deleted'), value: name });
const row: fc.Arbitrary<Row> = record({
  hierarchies: fc.array(fc.constantFrom('cpuset', 'cpu,cpuacct', 'name=systemd', '0::', 'name=x y', 'name="'), { minLength: 1, maxLength: 4 }),
  path,
  attributes: fc.array(attribute, { maxLength: 3 }),
});
const thread: fc.Arbitrary<ThreadBlock> = record({
  role: fc.oneof(fc.constantFrom('emulator', 'vCPU 2', 'I/O thread iothread1'), name.map(n => `helper ${n}`)),
  tid: fc.nat(),
  comm: name,
  policy: fc.constantFrom('other 0', 'fifo 50'),
  nice: fc.integer({ min: -20, max: 19 }),
  cpus: fc.constantFrom('0-3,8', '', '?'),
  rows: fc.array(row, { maxLength: 3 }),
});
const layout = fc.oneof(record({ kind: fc.constantFrom(...STAGED), stage: fc.constantFrom(...STAGES) }), record({ kind: fc.constantFrom(...LAYOUTS), stage: fc.constant('complete' as const) }));
const placement: fc.Arbitrary<Placement> = record({
  machine: record<Placement['machine']>({ name, pid: fc.nat(), emulator: name, uuid: fc.option(name, { nil: undefined }), layout: fc.option(layout, { nil: undefined }) }),
  host: record({ label: name, mode: fc.constantFrom('legacy', 'unified', 'hybrid', 'mixed', 'none'), kernel: name }),
  count: fc.nat(),
  shared: fc.array(row, { maxLength: 4 }),
  threads: fc.array(thread, { maxLength: 5 }),
  above: fc.array(row, { maxLength: 3 }),
});

describe('the placement text', () => {
  it('gives back what was printed, whatever the names are', () => {
    fc.assert(
      fc.property(placement, p => {
        const parsed = parsePlacement(print(p));
        assert.deepEqual(parsed.problems, []);
        assert.deepEqual(parsed.placement, p);
      }),
      { numRuns: 2000, seed: 20161 },
    );
  });

  it('never throws on any text, and names the line it cannot read', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(name, fc.constantFrom('machine x   PID 1   q', 'host h   unified   kernel 6', 'all 2 threads', '  cpuset  /x', 'vCPU 0  1  c  other 0  cpus 0')), { maxLength: 8 }), lines => {
        const { problems } = parsePlacement(lines.join('\n'));
        for (const problem of problems) assert.ok(problem.start < problem.end && problem.expected !== '');
      }),
      { numRuns: 2000, seed: 20162 },
    );
  });

  it('shows no control character, bidirectional mark or broken byte', () => {
    fc.assert(
      fc.property(placement, p => {
        assert.doesNotMatch(print(p).replaceAll('\n', ''), /[\p{C}\u2028\u2029]/u);
      }),
      { numRuns: 500, seed: 20163 },
    );
  });
});
