import assert from 'node:assert/strict';
import { ALL_RULES } from '../../../src/core/rules/allRules';
import { NOT_RULES } from '../../../src/core/rules/notRules';

/** All that is known to go wrong, in the order in which it was written down; `thread-create-eagain` is known as thread-create-EAGAIN. */
const FAILURE_MODES = [
  ...['scope-values-reset', 'subtree-control-stripped', 'delegate-incomplete', 'threaded-directly-under-unit', 'moved-out-reverts', 'no-machined-fallback', 'stale-tools-on-threaded', 'hybrid-no-controllers'],
  ...['session-or-rootless', 'domain-invalid', 'accidental-thread-root', 'no-internal-process', 'thread-across-domains', 'ns-hidden', 'deleted-cgroup', 'affinity-outside-cpuset', 'mask-narrower-than-cpuset'],
  ...['affinity-lost', 'live-emulatorpin-mismatch', 'silent-inherit', 'parent-narrower', 'v1-shrink-order', 'v1-empty-cpuset', 'v1-hotplug-shrink', 'cpu-out-of-range', 'old-libvirt-on-v2', 'partition-invalid'],
  ...['isolcpus-no-balance', 'no-load-balance-knob-v2', 'pin-clobbered-by-kubelet', 'emulator-over-vcpus', 'vhost-elsewhere', 'helper-kthread-outside', 'io-uring-workers', 'stranger-in-vcpu-cgroup'],
  ...['nameless-threads', 'hotplugged-vcpu-unpinned', 'shares-too-big', 'rt-refused', 'thread-create-eagain', 'quota-rejected', 'v2-detect-broken'],
];

describe('every failure mode that is known', () => {
  const rules = new Set(ALL_RULES.map(({ id }) => id));

  it('is listed once', () => assert.deepEqual([FAILURE_MODES.length, new Set(FAILURE_MODES).size], [42, 42]));

  for (const id of FAILURE_MODES) {
    it(`${id} is a rule, or it is said why not`, () => assert.equal(Number(rules.has(id)) + Number(NOT_RULES.has(id)), 1));
  }

  it('and no reason is given for anything else', () => assert.deepEqual([...NOT_RULES.keys()].filter(id => !FAILURE_MODES.includes(id)), []));

  for (const [id, why] of NOT_RULES) it(`the reason of ${id} is a sentence`, () => assert.match(why(), /^[\p{L}].{40,}\.$/su));
});
