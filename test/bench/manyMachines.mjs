// A host with many machines as libvirt places them, made of the one that a capture has: its files, written again for each
// machine with other PIDs, another name and another number in the scope's name.

/** Files that list CPUs. */
const CPUS = /\/cpuset\.(cpus|cpus\.effective|effective_cpus)$/;
const SCOPE = String.raw`machine-qemu\x2d1\x2dserial.scope`;

/**
 * @param snapshot a capture of guest-v2 or guest-hybrid
 * @param about `pid` of its machine; how many `machines`, with how many `vcpus` and `workers` each; `cpus` of the host;
 *   `pinned`: each vCPU to one CPU; `misplaced`: all vCPUs are in `emulator`
 */
export function manyMachines(snapshot, { pid, machines, vcpus, workers, cpus, pinned, misplaced }) {
  const template = new Template(snapshot, pid);
  const files = new Map(template.hostFiles);
  const links = new Map(template.hostLinks);
  const directories = new Set(template.hostDirectories);
  const all = `0-${cpus - 1}`;
  for (const file of ['online', 'possible']) files.set(`/sys/devices/system/cpu/${file}`, `${all}\n`);
  files.set('/sys/devices/system/node/node0/cpulist', `${all}\n`);
  for (let n = 0; n < cpus; n++) {
    files.set(`/sys/devices/system/cpu/cpu${n}/topology/physical_package_id`, '0\n');
    files.set(`/sys/devices/system/cpu/cpu${n}/topology/core_id`, `${n % (cpus / 2)}\n`);
    files.set(`/sys/devices/system/cpu/cpu${n}/topology/thread_siblings_list`, `${n % (cpus / 2)},${(n % (cpus / 2)) + cpus / 2}\n`);
  }
  for (const [path, text] of files) if (CPUS.test(path) && text.trim() !== '') files.set(path, `${all}\n`);
  const into = { files, links, directories };
  let vcpu = 0;
  for (let n = 0; n < machines; n++) {
    const machine = template.machine(into, { number: n + 1, pid: 100_000 + n * 1000, cpus: all });
    for (let i = 0; i < vcpus; i++) {
      const list = pinned ? String(vcpu++ % cpus) : all;
      machine.thread({ like: 'CPU 0/', comm: `CPU ${i}/KVM`, group: misplaced ? 'emulator' : `vcpu${i}`, cpus: list });
      machine.group('vcpu0', `vcpu${i}`, list);
    }
    for (const id of ['iothread1', 'iothread2']) {
      machine.thread({ like: `IO ${id}`, comm: `IO ${id}`, group: id, cpus: all });
      machine.group(id, id, all);
    }
    for (let i = 0; i < workers; i++) machine.thread({ like: 'qemu-system-x86', comm: 'worker', group: 'emulator', cpus: all });
    machine.group('emulator', 'emulator', all);
  }
  return { ...snapshot, files, links, directories, errors: new Map() };
}

class Template {
  hostFiles = new Map();
  hostLinks = new Map();
  hostDirectories = new Set();
  ownFiles = [];
  groups = new Map();
  tasks = new Map();
  process = [];

  constructor(snapshot, pid) {
    this.pid = pid;
    this.exe = snapshot.links.get(`/proc/${pid}/exe`);
    this.ownDirectories = [...snapshot.directories].filter(path => path.includes(SCOPE) && !/libvirt\/./.test(path));
    this.groupDirectories = [...snapshot.directories].filter(path => path.endsWith('/libvirt/vcpu0')).map(path => path.slice(0, -'/vcpu0'.length));
    for (const path of snapshot.directories) if (!path.includes(SCOPE)) this.hostDirectories.add(path);
    for (const [path, target] of snapshot.links) if (!path.startsWith(`/proc/${pid}/`)) this.hostLinks.set(path, target);
    for (const [path, text] of snapshot.files) this.sort(path, text);
  }

  sort(path, text) {
    const task = new RegExp(`^/proc/${this.pid}/task/(\\d+)/(\\w+)$`).exec(path);
    const group = /\/libvirt\/([^/]+)\/([^/]+)$/.exec(path);
    if (task) this.tasks.set(task[1], { ...this.tasks.get(task[1]), [task[2]]: text });
    else if (path.startsWith(`/proc/${this.pid}/`)) this.process.push([path, text]);
    else if (!path.includes(SCOPE)) this.hostFiles.set(path, text);
    else if (group) this.groups.set(group[1], [...(this.groups.get(group[1]) ?? []), [path, text]]);
    else this.ownFiles.push([path, text]);
  }

  /** Files of the task with a name like that. */
  like(comm) {
    for (const [tid, files] of this.tasks) if (files.stat.slice(files.stat.indexOf('(') + 1).startsWith(comm) && tid !== String(this.pid)) return files;
    throw new Error(`no task like ${comm}`);
  }

  machine(into, { number, pid, cpus: all }) {
    const scope = text => text.replaceAll(SCOPE, SCOPE.replace('x2d1', `x2d${number}`).replace('serial', `vm${number}`));
    for (const directory of this.ownDirectories) into.directories.add(scope(directory));
    for (const [path, text] of this.ownFiles) into.files.set(scope(path), CPUS.test(path) && text.trim() !== '' ? `${all}\n` : text);
    for (const [path, text] of this.process) into.files.set(path.replace(`/proc/${this.pid}/`, `/proc/${pid}/`), text.replaceAll('serial', `vm${number}`).replace(/11111111(?=-)/, String(10_000_000 + number)));
    if (this.exe !== undefined) into.links.set(`/proc/${pid}/exe`, this.exe);
    let tid = pid;
    const addTask = (files, comm, group, cpus) => {
      const task = `/proc/${pid}/task/${tid}`;
      for (const [name, text] of Object.entries(files)) into.files.set(`${task}/${name}`, text);
      into.files.set(`${task}/stat`, files.stat.replace(/^\d+ \([^]*\)/, `${tid} (${comm})`));
      into.files.set(`${task}/cgroup`, scope(files.cgroup).replaceAll(/libvirt\/[^/\n]+$/gm, `libvirt/${group}`));
      into.files.set(`${task}/status`, files.status.replace(/(Cpus_allowed_list:\t).*/, `$1${cpus}`));
      tid++;
    };
    addTask(this.tasks.get(String(this.pid)), 'qemu-system-x86', 'emulator', all);
    return {
      thread: ({ like, comm, group, cpus }) => addTask(this.like(like), comm, group, cpus),
      group: (like, name, cpus) => {
        for (const directory of this.groupDirectories) into.directories.add(`${scope(directory)}/${name}`);
        for (const [path, text] of this.groups.get(like)) {
          const file = scope(path).replace(`/libvirt/${like}/`, `/libvirt/${name}/`);
          into.files.set(file, CPUS.test(file) ? `${cpus}\n` : text);
        }
      },
    };
  }
}
