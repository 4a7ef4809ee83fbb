import { worldOf } from '../../../src/core/cgroup/world';
import { play } from './script';
import { type SmallHost, smallHost } from './smallHost';

const FREEZER_AND_ALL = ['cpu', 'cpuset', 'freezer'];
const FILLED = { 'cpuset.cpus': '0-1', 'cpuset.effective_cpus': '0-1', 'cpuset.mems': '0', 'cpuset.effective_mems': '0', 'cpuset.cpu_exclusive': '0', 'cpuset.mem_exclusive': '0' };
const DOMAIN = { 'cgroup.type': 'domain', 'cgroup.controllers': 'cpuset cpu memory', 'cgroup.subtree_control': '', 'cgroup.freeze': '0', 'cgroup.events': 'populated 0\nfrozen 0' };

/** What real kernels answered, one step after the other: 6.18 and 6.1 with v1, 6.1 with v2 and all controllers. */
const RECORDS: Readonly<Record<string, { readonly host: SmallHost; readonly record: string }>> = {
  'a fresh v1 cpuset takes no task before both are filled (6.18)': {
    host: { kernel: '6.18.44', hierarchies: FREEZER_AND_ALL },
    record: `
      mkdir cpuset /d
      cpuset /d/cpuset.cpus reads
      cpuset /d/tasks <- 11 = ENOSPC
      cpuset /d/cpuset.cpus <- 0
      cpuset /d/tasks <- 11 = ENOSPC
      cpuset /d/cpuset.mems <- 0
      allowed 11 0-1
      cpuset /d/tasks <- 11
      allowed 11 0
      pin 11 1 = EINVAL
      pin 11 0
      pin 11 0-1
      allowed 11 0
      cpuset /d/cpuset.cpus <- 0-1
      allowed 11 0-1
      pin 11 1
      cpuset /tasks <- 11
      allowed 11 1
      pin 11 1
      cpuset /d/tasks <- 11
      allowed 11 1
      cpuset /d/cpuset.cpus <- 0
      allowed 11 0
      cpuset /d/cpuset.cpus <- 0-1
      allowed 11 1                       # it was kept, and comes back
      cpuset /d/cpuset.cpus <- = ENOSPC
      cpuset /d/cpuset.cpus <- 7 = ERANGE
      cpuset /d/cpuset.cpus <- abc = EINVAL
      cpuset /d/cpuset.cpus <- 0-9999 = ERANGE
      cpuset /d/tasks <- 999999 = ESRCH|OK
      cpuset /d/tasks <- 2 = EINVAL
      cpuset /d/cgroup.procs <- 11
      allowed 10 0-1
      rmdir cpuset /d = EBUSY
      mkdir cpuset /d/child
      cpuset /d/child/cpuset.cpus reads
      cpuset /d/child/cpuset.cpus <- 0-1
      cpuset /d/cpuset.cpus <- 0 = EBUSY
      cpuset /d/child/cpuset.cpus <- 1
      rmdir cpuset /d/child
      cpuset /cgroup.procs <- 10
      rmdir cpuset /d`,
  },
  'a v1 cpuset forgets each pin (6.1)': {
    host: { kernel: '6.1.0-50-cloud-amd64', hierarchies: FREEZER_AND_ALL },
    record: `
      mkdir cpuset /d
      cpuset /d/cpuset.cpus <- 0-1
      cpuset /d/cpuset.mems <- 0
      cpuset /d/tasks <- 11
      pin 11 1
      cpuset /tasks <- 11
      allowed 11 0-1
      pin 11 1
      cpuset /d/tasks <- 11
      allowed 11 0-1
      cpuset /d/cpuset.cpus <- 0
      allowed 11 0
      cpuset /d/cpuset.cpus <- 0-1
      allowed 11 0-1`,
  },
  'the v1 cpu controller (6.18, which has groups of real-time tasks)': {
    host: { kernel: '6.18.44', hierarchies: FREEZER_AND_ALL },
    record: `
      mkdir cpu /d
      cpu /d/tasks <- 11
      cpu /d/cpu.shares <- 1
      cpu /d/cpu.shares reads 2
      cpu /d/cpu.shares <- 0
      cpu /d/cpu.shares reads 2
      cpu /d/cpu.shares <- 9999999
      cpu /d/cpu.shares reads 262144
      cpu /d/cpu.cfs_quota_us <- 500 = EINVAL
      cpu /d/cpu.cfs_quota_us reads -1
      cpu /d/cpu.cfs_quota_us <- 50000
      cpu /d/cpu.cfs_quota_us reads 50000
      cpu /d/cpu.cfs_period_us <- 500 = EINVAL
      cpu /d/cpu.cfs_period_us reads 100000
      cpu /d/cpu.cfs_quota_us <- -1
      cpu /d/cpu.cfs_quota_us reads -1
      cpu /d/cpu.cfs_quota_us <- 999999999999999999 = EINVAL
      policy 12 fifo 5
      cpu /d/tasks <- 12 = EINVAL          # rt_runtime is 0
      cpu /d/cpu.rt_runtime_us <- 1
      cpu /d/tasks <- 12
      mkdir cpu /d/c1
      cpu /d/c1/cpu.cfs_quota_us <- 200000
      cpu /d/cpu.cfs_quota_us <- 50000 = EINVAL
      cpu /d/c1/cpu.cfs_quota_us <- 300000
      rmdir cpu /d/c1
      cpu /cgroup.procs <- 10
      rmdir cpu /d`,
  },
  'v1 freezer (6.18)': {
    host: { kernel: '6.18.44', hierarchies: FREEZER_AND_ALL },
    record: `
      mkdir freezer /d
      freezer /d/tasks <- 11
      freezer /d/freezer.state <- FROZEN
      freezer /d/freezer.state reads FROZEN
      freezer /tasks <- 11
      freezer /d/freezer.state <- THAWED
      freezer /d/freezer.state <- thawed = EINVAL
      freezer /freezer.state <- FROZEN = ENOENT
      rmdir freezer /d`,
  },
  'v2, from domain to threads (6.1 with all controllers)': {
    host: { kernel: '6.1.0-50-cloud-amd64', hierarchies: ['0::cpuset,cpu,memory,pids'], cgroups: { '0:: /user': { ...DOMAIN, 'cgroup.events': 'populated 1\nfrozen 0' } }, places: { '0::': '/user' } },
    record: `
      mkdir 0:: /d
      mkdir 0:: /d/dom
      mkdir 0:: /d/x
      0:: /d/cgroup.type reads domain
      0:: /d/dom/cgroup.threads <- 11 = EOPNOTSUPP
      0:: /d/dom/cgroup.procs <- 11
      0:: /d/dom/cgroup.procs <- 2 = EINVAL
      mkdir 0:: /d/dom/k
      0:: /d/cgroup.subtree_control <- +memory +cpu +cpuset
      0:: /d/dom/cgroup.subtree_control <- +memory = EBUSY
      0:: /d/dom/cgroup.subtree_control <- +cpu
      0:: /d/dom/cgroup.type reads domain threaded
      0:: /d/dom/cgroup.subtree_control <- -cpu
      0:: /d/dom/cgroup.type reads domain
      0:: /d/cgroup.procs <- 10 = EBUSY
      0:: /d/dom/cgroup.subtree_control <- +bogus = EINVAL
      0:: /d/dom/k/cgroup.subtree_control <- +cpu = ENOENT
      0:: /d/dom/cgroup.subtree_control <- +io = ENOENT
      0:: /d/dom/k/cgroup.type <- threaded
      0:: /d/dom/k/cgroup.type reads threaded
      0:: /d/dom/cgroup.type reads domain threaded
      mkdir 0:: /d/dom/k2
      0:: /d/dom/k2/cgroup.type reads domain invalid
      0:: /d/dom/k2/cgroup.threads <- 11 = EOPNOTSUPP
      0:: /d/dom/k2/cgroup.procs <- 10 = EOPNOTSUPP
      0:: /d/dom/k2/cgroup.type <- domain = EINVAL
      0:: /d/dom/k2/cgroup.type <- threaded
      0:: /d/dom/k2/cgroup.type <- domain = EINVAL
      0:: /d/dom/k/cgroup.threads <- 11
      0:: /d/dom/k2/cgroup.threads <- 12
      0:: /d/x/cgroup.threads <- 11 = EOPNOTSUPP
      0:: /cgroup.threads <- 11 = EOPNOTSUPP
      0:: /d/dom/k/cgroup.procs <- 10
      0:: /d/dom/cgroup.threads <- 10
      0:: /d/dom/k2/cgroup.threads <- 12
      mkdir 0:: /d/dom/k/sub
      0:: /d/dom/k/sub/cgroup.type reads domain invalid
      rmdir 0:: /d/dom/k/sub
      rmdir 0:: /d/dom/k = EBUSY
      0:: /d/dom/cgroup.subtree_control <- +memory = EOPNOTSUPP
      0:: /d/dom/cgroup.subtree_control <- +cpu +cpuset
      0:: /d/dom/k/cgroup.controllers reads cpuset cpu
      0:: /d/dom/k/cgroup.subtree_control <- +cpu
      0:: /d/dom/k/cgroup.subtree_control <- -cpu
      0:: /d/dom/k/cpuset.cpus reads
      0:: /d/dom/k/cpuset.cpus.effective reads 0-1
      0:: /d/dom/k/cgroup.threads <- 11
      allowed 11 0-1
      0:: /d/dom/k/cpuset.cpus <- 0
      allowed 11 0
      pin 11 1 = EINVAL
      pin 11 0-1
      allowed 11 0
      0:: /d/dom/k/cpuset.cpus <- 0-1
      allowed 11 0-1
      pin 11 1
      0:: /d/dom/k/cpuset.cpus <- 0
      allowed 11 0
      0:: /d/dom/k/cpuset.cpus <- 0-1
      allowed 11 0-1
      pin 11 1
      0:: /d/dom/cgroup.threads <- 11
      allowed 11 0-1
      0:: /d/dom/k/cpuset.cpus <- 0
      pin 11 1
      0:: /d/dom/k/cgroup.threads <- 11
      allowed 11 0
      0:: /d/dom/cgroup.threads <- 11
      allowed 11 0-1
      0:: /d/dom/k/cpuset.cpus <- 7 = ERANGE
      0:: /d/dom/k/cpuset.cpus reads 0
      0:: /d/dom/k/cpuset.cpus <- abc = EINVAL
      0:: /d/dom/k/cgroup.threads <- 11
      0:: /d/dom/k/cpuset.cpus <- = ENOSPC
      0:: /d/dom/k/cpuset.cpus.partition <- Root = EINVAL
      0:: /d/dom/k/cpu.weight <- 0 = ERANGE
      0:: /d/dom/k/cpu.weight <- 10001 = ERANGE
      0:: /d/dom/k/cpu.weight <- 200
      0:: /d/dom/k/cpu.max <- 500 100000 = EINVAL
      0:: /d/dom/k/cpu.max reads max 100000
      0:: /d/dom/k/cpu.max <- 50000 100000
      0:: /d/dom/k/cpu.max <- max
      0:: /d/dom/k/cpu.max reads max 100000
      0:: /d/dom/k/cpu.max <- abc = EINVAL
      0:: /d/dom/k/cpu.weight.nice <- 5
      0:: /d/dom/k/cpu.weight reads 33
      0:: /d/x/cgroup.procs <- 10
      0:: /d/x/cgroup.freeze <- 1
      0:: /d/dom/k/cgroup.threads <- 11 = EOPNOTSUPP
      0:: /d/dom/cgroup.procs <- 10
      0:: /user/cgroup.procs <- 10
      rmdir 0:: /d/dom/k
      rmdir 0:: /d/dom/k2
      rmdir 0:: /d/dom
      rmdir 0:: /d/x
      rmdir 0:: /d`,
  },
  'a child that may not have more than its parent, nor less than its child (v1)': {
    host: { kernel: '6.18.44', hierarchies: ['cpuset'], cgroups: { 'cpuset /a': { ...FILLED, 'cpuset.cpus': '0', 'cpuset.effective_cpus': '0' }, 'cpuset /a/b': { ...FILLED, 'cpuset.cpus': '0', 'cpuset.effective_cpus': '0' } } },
    record: `
      cpuset /a/b/cpuset.cpus <- 0-1 = EACCES
      cpuset /a/cpuset.cpus <- 1 = EBUSY
      cpuset /cpuset.cpus <- 0 = EACCES
      cpuset /a/cpuset.cpus <- 0-1
      cpuset /a/b/cpuset.cpus <- 0-1
      cpuset /a/cpuset.mems <- 1 = EINVAL
      cpuset /a/cpuset.mems <- = EBUSY`,
  },
};

describe('recorded answers of real kernels', () => {
  for (const [name, { host, record }] of Object.entries(RECORDS)) {
    it(name, async () => void play(worldOf(await smallHost(host)), record));
  }
});
