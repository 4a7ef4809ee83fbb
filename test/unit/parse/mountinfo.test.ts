import { type Mount, parseMountinfo } from '../../../src/core/parse/mountinfo';
import { cases } from './table';

const V2: Mount = { device: '0:26', root: '/', mountPoint: '/sys/fs/cgroup', options: ['rw', 'nosuid'], fsType: 'cgroup2', superOptions: ['rw', 'nsdelegate'] };

describe('/proc/PID/mountinfo', () => {
  cases<Mount[]>(parseMountinfo, {
    'a mount with an optional field': ['31 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n', [V2]],
    'one with none': ['31 22 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n', [V2]],
    'one with several': ['31 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 master:1 propagate_from:2 - cgroup2 cgroup2 rw,nsdelegate\n', [V2]],
    'the mount of a cgroup namespace': ['31 22 0:26 /.. /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n', [{ ...V2, root: '/..' }]],
    'a bind mount of a part': ['31 22 0:26 /a/b /sys/fs/cgroup rw,nosuid - cgroup2 none rw,nsdelegate\n', [{ ...V2, root: '/a/b' }]],
    'v1 controllers in the super options': [
      '36 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n33 31 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n',
      [
        { device: '0:31', root: '/', mountPoint: '/sys/fs/cgroup/cpu,cpuacct', options: ['rw'], fsType: 'cgroup', superOptions: ['rw', 'cpu', 'cpuacct'] },
        { device: '0:28', root: '/', mountPoint: '/sys/fs/cgroup/systemd', options: ['rw'], fsType: 'cgroup', superOptions: ['rw', 'xattr', 'name=systemd'] },
      ],
    ],
    'octal escapes of space, tab, newline, backslash and hash': [
      '31 22 0:26 /r\\040oot /m\\011n\\012t\\134\\043 rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n',
      [{ ...V2, root: '/r oot', mountPoint: '/m\tn\nt\\#' }],
    ],
    'an escaped backslash before digits is not unescaped twice': ['31 22 0:26 / /a\\134040b rw,nosuid - cgroup2 c rw,nsdelegate\n', [{ ...V2, mountPoint: '/a\\040b' }]],
    'a source that is missing': ['31 22 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2  rw,nsdelegate\n', [V2]],
    'a mount point with other characters, raw': ['31 22 0:26 / /mnt/é\udcff rw,nosuid - cgroup2 c rw,nsdelegate\n', [{ ...V2, mountPoint: '/mnt/é\udcff' }]],
    'lines that broke off are left out': ['31 22 0:26 / /sys/fs/cgr\n - cgroup2 x\n31 22\n\n', []],
    'an empty text': ['', []],
  });
});
