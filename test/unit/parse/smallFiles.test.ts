import assert from 'node:assert/strict';
import { type CpuBandwidth, type Limit, parseCfs, parseCgroupType, parseCpuMax, parseInteger, parseLimit, parseWords } from '../../../src/core/parse/cgroupValues';
import { parseFlatKeyed } from '../../../src/core/parse/flatKeyed';
import { type ControllerState, parseProcCgroups } from '../../../src/core/parse/procCgroups';
import { type Schedstat, parseSchedstat } from '../../../src/core/parse/schedstat';
import { parseTaskStatus } from '../../../src/core/parse/taskStatus';
import { cases } from './table';

describe('/proc/PID/task/TID/status', () => {
  cases<readonly [string | undefined, string | undefined, number | undefined, number | undefined]>(
    text => {
      const { cpusAllowed, memsAllowed, uid, vmRss } = parseTaskStatus(text);
      return [cpusAllowed?.toString(), memsAllowed?.toString(), uid, vmRss];
    },
    {
      'the lines that the collector brings': ['Uid:\t1000\t64055\t1\t2\nVmRSS:\t   60404 kB\nMems_allowed_list:\t0-1\n', [undefined, '0-1', 64055, 60404]],
      'the affinity alone': ['Cpus_allowed_list:\t0-3,8\n', ['0-3,8', undefined, undefined, undefined]],
      'a whole file': ['Name:\tqemu\nUmask:\t0002\nUid:\t0\t0\t0\t0\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\nMems_allowed_list:\t0\n', ['0-1', '0', 0, undefined]],
      'a name that tries to be a line (the kernel writes its newline as \\n)': ['Name:\tx\\nUid:\t7\t7\nCpus_allowed_list:\t1\n', ['1', undefined, undefined, undefined]],
      'a name that is called like a line': ['Name:\tUid:\t7\t7\t7\t7\nUid:\t0\t5\t0\t0\n', [undefined, undefined, 5, undefined]],
      'a kernel thread, which has no memory': ['Uid:\t0\t0\t0\t0\nCpus_allowed_list:\t0\n', ['0', undefined, 0, undefined]],
      'a list that is none': ['Cpus_allowed_list:\tnonsense\n', [undefined, undefined, undefined, undefined]],
      'a text that broke off in the line': ['Uid:\t0', [undefined, undefined, undefined, undefined]],
      'an empty text': ['', [undefined, undefined, undefined, undefined]],
    },
  );
});

describe('/proc/PID/task/TID/schedstat', () => {
  cases<Schedstat | undefined>(parseSchedstat, {
    'three numbers': ['39956376543 7107257762 4863\n', { runTime: 39956376543, runDelay: 7107257762, timeslices: 4863 }],
    'a task that never ran': ['0 0 0\n', { runTime: 0, runDelay: 0, timeslices: 0 }],
    'two numbers': ['1 2\n', undefined],
    'dashes, where the collector could not read it': ['- - -\n', undefined],
    'nothing': ['', undefined],
  });
});

describe('/proc/cgroups', () => {
  cases<ControllerState[]>(parseProcCgroups, {
    'on v1 a hierarchy each': [
      '#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t12\t11\t1\nnet_cls\t6\t4\t1\n',
      [{ name: 'cpuset', hierarchyId: 12, enabled: true }, { name: 'net_cls', hierarchyId: 6, enabled: true }],
    ],
    'on v2 no number, and one that is switched off': ['cpu\t0\t71\t1\nmemory\t0\t71\t0\n', [{ name: 'cpu', hierarchyId: 0, enabled: true }, { name: 'memory', hierarchyId: 0, enabled: false }]],
    'a line that broke off': ['cpu\t0\t7', []],
  });
});

describe('flat keyed files', () => {
  cases<Record<string, number>>(text => Object.fromEntries(parseFlatKeyed(text)), {
    'cpu.stat of v2': ['usage_usec 10\nnr_periods 4863\nnr_throttled 77\nthrottled_usec 3990941\n', { usage_usec: 10, nr_periods: 4863, nr_throttled: 77, throttled_usec: 3990941 }],
    'a number below 0': ['core_sched.force_idle_usec -1\n', { 'core_sched.force_idle_usec': -1 }],
    'lines of another kind are left out': ['max 5 6\nfull avg10=0.00\nx\n', {}],
    'nothing': ['', {}],
  });
});

describe('values of a cgroup', () => {
  describe('cgroup.type', () => {
    cases<string | undefined>(parseCgroupType, {
      'domain': ['domain\n', 'domain'],
      'the root of a threaded subtree': ['domain threaded\n', 'domain threaded'],
      'one that cannot be used yet': ['domain invalid\n', 'domain invalid'],
      'threaded': ['threaded\n', 'threaded'],
      'a word that no kernel writes yet': ['domain new\n', undefined],
    });
  });

  describe('cpu.max', () => {
    cases<CpuBandwidth | undefined>(parseCpuMax, {
      'a quota': ['50000 100000\n', { quota: 50000, period: 100000 }],
      'no quota is a word, never a number': ['max 100000\n', { quota: 'max', period: 100000 }],
      'a quota alone, as one may write it': ['50000\n', undefined],
      'a negative one': ['-1 100000\n', undefined],
    });
  });

  describe('cpu.cfs_quota_us with cpu.cfs_period_us', () => {
    cases<CpuBandwidth | undefined>(text => parseCfs(...(text.split('|') as [string, string])), {
      'a quota': ['50000\n|100000\n', { quota: 50000, period: 100000 }],
      '-1 is no quota': ['-1\n|100000\n', { quota: 'max', period: 100000 }],
      'a broken period': ['50000\n|x\n', undefined],
      'an empty quota': ['|100000\n', undefined],
    });
  });

  describe('a limit', () => {
    cases<Limit | undefined>(parseLimit, { 'max': ['max\n', 'max'], 'a number': ['16384\n', 16384], 'neither': ['maximum\n', undefined], 'nothing': ['', undefined] });
  });

  describe('an integer', () => {
    cases<number | undefined>(parseInteger, { 'one': ['100\n', 100], 'a negative one': ['-1\n', -1], 'two': ['1 2\n', undefined], 'a fraction': ['1.5\n', undefined], 'an exponent': ['1e3\n', undefined], 'a blank before it': [' 1', undefined], 'nothing': ['', undefined] });
  });

  it('words are what stands between blanks, and none is none', () => {
    assert.deepEqual(parseWords('cpuset cpu io\n'), ['cpuset', 'cpu', 'io']);
    assert.deepEqual(parseWords('\n'), []);
  });
});
