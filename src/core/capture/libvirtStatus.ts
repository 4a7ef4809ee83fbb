import type { CpuSet } from '../parse/cpuList';
import { type LibvirtStatus, parseLibvirtStatus } from '../parse/libvirtStatus';

/** Where libvirt keeps the live state of its machines: the system's, and a user's own (session mode). */
export const LIBVIRT_STATUS = /^\/run\/(user\/\d+\/libvirt\/qemu\/run|libvirt\/qemu)\/[^/\n]+\.xml$/;

/**
 * Such a file, made anew from what was understood of it, in the form in which the collector prints it (script.ts): such
 * files hold passwords and keys, and whatever filtered this one is not to be trusted. Empty where nothing was understood.
 */
export function safeLibvirtStatus(text: string): string {
  const status = parseLibvirtStatus(text);
  return status ? print(status) : '';
}

function print({ pid, name, uuid, vcpus, cpuset, vcpuPins, ioThreadPins, emulatorPin }: LibvirtStatus): string {
  const pins = [
    ...[...vcpuPins].map(([vcpu, cpus]) => `<vcpupin vcpu='${vcpu}' cpuset='${cpus}'/>`),
    ...pin('emulatorpin', emulatorPin),
    ...[...ioThreadPins].map(([id, cpus]) => `<iothreadpin iothread='${id}' cpuset='${cpus}'/>`),
  ];
  return [
    `<domstatus pid='${pid}'>`,
    ...element(1, 'vcpus', [...vcpus].map(([id, tid]) => `<vcpu id='${id}' pid='${tid}'/>`)),
    '  <domain>',
    `    <name>${escape(name)}</name>`,
    `    <uuid>${uuid}</uuid>`,
    ...pin('vcpu', cpuset).map(line => `    ${line}`),
    ...element(2, 'cputune', pins),
    '  </domain>',
    '</domstatus>',
    '',
  ].join('\n');
}

function pin(name: string, cpus: CpuSet | undefined): string[] {
  return cpus ? [`<${name} cpuset='${cpus}'/>`] : [];
}

function element(depth: number, name: string, lines: readonly string[]): string[] {
  const indent = '  '.repeat(depth);
  return lines.length === 0 ? [] : [`${indent}<${name}>`, ...lines.map(line => `${indent}  ${line}`), `${indent}</${name}>`];
}

const ESCAPED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** As libvirt does it (virBufferEscapeString). */
function escape(text: string): string {
  return text.replace(/[&<>"']/g, char => ESCAPED[char]!);
}
