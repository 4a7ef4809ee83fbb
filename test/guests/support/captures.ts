import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { printCapture } from '../../../src/core/capture/format';
import { redact } from '../../../src/core/capture/redact';
import { encodeBytes } from '../../../src/core/parse/bytes';
import type { RawSnapshot } from '../../../src/core/rawSnapshot';
import type { Guest } from './guest';

/** Where the captures of this run go; without it none are written. */
const FOLDER = process.env['CGROUP_LENS_CAPTURES'];

/**
 * With `CGROUP_LENS_CAPTURES=FOLDER`, writes `FOLDER/NAME.capture`: what is to be seen now, redacted as the product redacts.
 * @param what what was done to the guest, as a sentence for its head
 * @param raw what was seen, if the test has looked already
 */
export async function saveCapture(guest: Guest, name: string, what: string, raw?: RawSnapshot): Promise<void> {
  if (FOLDER === undefined) return;
  const { snapshot } = redact(raw ?? (await guest.look()).raw);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${name}.capture`), encodeBytes(printCapture(snapshot, await comments(guest, name, what))));
}

/** Beside it, what the host's tools say of the same threads of a libvirt domain, in the form that test/unit/model/truth.test.ts compares. */
export async function saveTruth(guest: Guest, name: string, domain: string): Promise<void> {
  if (FOLDER === undefined) return;
  const said = await guest.run(`
    export LC_ALL=C
    say() { echo "==== $1"; }
    pid=$(cat /run/libvirt/qemu/${domain}.pid)
    say ps-eLo-wide.txt; ps -ww -eLo pid=,tid=,psr=,cls=,rtprio=,ni=,comm:32=,cgroup:1024=
    say taskset.txt; taskset -apc $pid
    say chrt.txt; chrt -ap $pid
    say virsh-schedinfo.txt; virsh -q schedinfo ${domain}
    say virsh-dumpxml.txt; virsh -q dumpxml ${domain}
    for question in query-cpus-fast query-iothreads query-name; do say qmp-$question.json; virsh -q qemu-monitor-command ${domain} '{"execute":"'$question'"}'; done`);
  const files = new Map(said.split(/^==== /m).slice(1).map(section => [`/cmd/${section.slice(0, section.indexOf('\n'))}`, section.slice(section.indexOf('\n') + 1)]));
  const { truthOf } = (await import(pathToFileURL(join(__dirname, '../../../../test/fixtures/truth.mjs')).href)) as { truthOf(read: (file: string) => string | undefined): unknown };
  writeFileSync(join(FOLDER, `${name}.truth.json`), `${JSON.stringify(truthOf(file => files.get(file)), undefined, 2)}\n`);
}

async function comments(guest: Guest, name: string, what: string): Promise<string[]> {
  const said = await guest.run('cat /etc/os-release; uname -sr; systemctl --version; libvirtd --version; qemu-system-x86_64 --version');
  const of = (pattern: RegExp): string => {
    const found = pattern.exec(said)?.[1];
    if (found === undefined) throw new Error(`The guest does not tell its versions: ${said}`);
    return found;
  };
  return [
    `${name}: a real host, seen by the collector as root in a guest of test/guests, redacted.`,
    `${of(/^PRETTY_NAME="(.*)"$/m)}, kernel ${of(/^Linux (\S+)$/m)}, systemd ${of(/^systemd (\d+)/m)}, libvirt ${of(/^\S+ \(libvirt\) (\S+)$/m)}, QEMU ${of(/^QEMU emulator version (\S+)/m)}, cgroups in ${guest.mode} mode.`,
    what,
  ];
}
