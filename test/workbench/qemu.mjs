// Real machines for the browser suites: QEMU processes that do nothing, and a cgroup of our own to move their threads to.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureDebian } from '../debian.mjs';
import { begin, endOnSignals, stop } from '../processes.mjs';

/** Tries until it does not throw, and resolves to what it gave: there is no event for what another process does. */
export async function eventually(check, milliseconds = 15_000) {
  for (const until = Date.now() + milliseconds; ; await sleep(50)) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}

/**
 * Starts a QEMU process with four vCPUs and an I/O thread; resolves when all its threads have their names.
 * `proc` reads /proc of a thread as it is now: what the extension shows is compared with that.
 */
export async function startQemu(name) {
  endOnSignals();
  await ensureDebian({ 'qemu-system-x86_64': 'qemu-system-x86' });
  const uuid = randomUUID();
  const child = begin('qemu-system-x86_64', [
    '-accel', 'tcg,thread=multi', '-smp', '4', '-m', '64', '-name', `guest=${name},debug-threads=on`, '-uuid', uuid,
    '-object', 'iothread,id=iothread1', '-display', 'none', '-nodefaults', '-S',
  ], { stdio: 'ignore' });
  const pid = child.pid;
  const tids = await eventually(() => {
    const byName = new Map(readdirSync(`/proc/${pid}/task`).map(tid => [readFileSync(`/proc/${pid}/task/${tid}/comm`, 'utf8').trim(), Number(tid)]));
    const found = { vcpus: [0, 1, 2, 3].map(n => byName.get(`CPU ${n}/TCG`)), ioThread: byName.get('IO iothread1') };
    assert.ok(found.vcpus.every(Boolean) && found.ioThread);
    return found;
  });
  return { name, uuid, pid, ...tids, proc: tid => procOf(pid, tid), tids: () => readdirSync(`/proc/${pid}/task`).map(Number), stop: () => stop(child) };
}

function procOf(pid, tid) {
  const read = file => readFileSync(`/proc/${pid}/task/${tid}/${file}`, 'utf8');
  const lines = read('cgroup').trimEnd().split('\n');
  return {
    lines,
    /** Path by hierarchy, as the extension names hierarchies. */
    paths: new Map(lines.map(line => /^(\d+):([^:]*):(.*)$/.exec(line)).map(([, id, key, at]) => [id === '0' ? '0::' : key, at])),
    cpusAllowed: /^Cpus_allowed_list:\s*(.*)$/m.exec(read('status'))[1],
    lastCpu: Number(read('stat').replace(/^.*\) /s, '').split(' ')[36]),
    threads: readdirSync(`/proc/${pid}/task`).length,
  };
}

/** A cgroup of our own in the v1 hierarchy of `controller`; undefined where this host has none that we may write to. */
export function makeCgroup(controller, name = `cgroup-lens-test-${process.pid}`) {
  const mount = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map(line => line.split(' '))
    .find(fields => fields.at(-3) === 'cgroup' && fields.at(-1).split(',').includes(controller));
  if (!mount) return undefined;
  const [root, mountPoint] = [mount[3], mount[4]];
  const directory = path.join(mountPoint, name);
  mkdirSync(directory);
  return {
    path: path.join(root, name),
    directory,
    /** Moves one thread here, as `echo TID > tasks` does. */
    take: tid => writeFileSync(path.join(directory, 'tasks'), String(tid)),
    /** Moves back to the root, and removes. */
    remove() {
      for (const tid of readFileSync(path.join(directory, 'tasks'), 'utf8').split('\n').filter(Boolean)) {
        try { writeFileSync(path.join(mountPoint, 'tasks'), tid); } catch { /* it has ended */ }
      }
      rmdirSync(directory);
    },
  };
}

/** A machine's own directory in each v1 hierarchy that has one of these controllers, with thread groups in it, as libvirt makes them. */
export function makeTree(controllers, name, groups) {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map(line => line.split(' ')).filter(fields => fields.at(-3) === 'cgroup');
  const made = new Map(); // what stands below one mount
  for (const controller of controllers) {
    const mount = mounts.find(fields => fields.at(-1).split(',').includes(controller));
    if (!mount) continue;
    const key = readFileSync('/proc/self/cgroup', 'utf8').split('\n').map(line => line.split(':')[1]).find(names => names?.split(',').includes(controller));
    made.set(key, { root: mount[3], mountPoint: mount[4], directory: path.join(mount[4], name) });
  }
  const fill = (directory, from) => {
    for (const file of ['cpuset.cpus', 'cpuset.mems']) try { writeFileSync(path.join(directory, file), readFileSync(path.join(from, file))); } catch { /* another controller */ }
  };
  for (const { directory, mountPoint } of made.values()) {
    mkdirSync(directory);
    fill(directory, mountPoint);
    for (const group of groups) { mkdirSync(path.join(directory, group)); fill(path.join(directory, group), mountPoint); }
  }
  const each = work => { for (const at of made.values()) work(at); };
  return {
    keys: [...made.keys()],
    pathOf: (key, group = '') => path.join(made.get(key).root, name, group),
    directoryOf: (key, group = '') => path.join(made.get(key).directory, group),
    takeProcess: pid => each(({ directory }) => writeFileSync(path.join(directory, 'cgroup.procs'), String(pid))),
    take: (group, tid) => each(({ directory }) => writeFileSync(path.join(directory, group, 'tasks'), String(tid))),
    /** Moves what is left back to the root, and removes: whatever was made below meanwhile, too. */
    remove() {
      each(({ directory, mountPoint }) => {
        const inside = readdirSync(directory, { withFileTypes: true, recursive: true }).filter(it => it.isDirectory()).map(it => path.join(it.parentPath, it.name));
        for (const one of [...inside.sort().reverse(), directory]) {
          for (const tid of readFileSync(path.join(one, 'tasks'), 'utf8').split('\n').filter(Boolean)) {
            try { writeFileSync(path.join(mountPoint, 'tasks'), tid); } catch { /* it has ended */ }
          }
          rmdirSync(one);
        }
      });
    },
  };
}
