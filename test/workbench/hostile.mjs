// Captures that no honest host would send: the sample with names that try to be markup, code, an icon or another line.
// A capture spells control characters and what is not UTF-8 as %XX, byte by byte.

/** What a name must never become, wherever it is shown. */
export const LINK = '[x](command:cgroupLens.showLog)';
export const ICON = '$(error)';
export const IMAGE = '<img src=x onerror=alert(1)>';
export const CONTROLS = 'a%1B[31mred%1B[0m%07b';
export const TURNED = 'a%E2%80%AEtxt.exe';
export const BROKEN = 'b%FFc';
export const QUOTED = `say "hi" \\ 'there'  twice`;
export const LINES = 'one%0Atwo%0Amachine evil   PID 1   x';

/** In the order of the sample's threads: vCPU 0 to 3, then I/O threads. The kernel allows 15 bytes; a capture anything. */
const comms = [
  ['CPU 0/TCG', LINK],
  ['CPU 1/TCG', `${ICON} ${IMAGE}`],
  ['CPU 2/TCG', `${CONTROLS} ${TURNED}`],
  ['CPU 3/TCG', `${QUOTED} ${BROKEN}`],
  ['IO iothread1', `IO ${LINK}${ICON}`],
  ['IO iothread2', 'IO ![i](https://example.invalid/i.png) **b** `c` | ~~d~~ &lt;b&gt; # h'],
];

/** No slash: a cgroup's name cannot hold one. No newline: the kernel does not write such a cgroup's line unbroken. */
const cgroups = [
  ['vcpu0', LINK],
  ['vcpu1', `${ICON} ${IMAGE}`],
  ['vcpu2', `${CONTROLS} ${TURNED}`],
  ['vcpu3', `${QUOTED} ${BROKEN}`],
];

export const GUEST = `${LINK} ${ICON} ${IMAGE} ${CONTROLS} ${TURNED} ${BROKEN}`;

/** The cgroup above all threads, and a hierarchy: both are names that somebody chose. */
export const ABOVE = `l ${LINK} ${ICON} <b>b</b> https://example.invalid/ *e*`;
export const HIERARCHY = 'name=<b>[s](https://example.invalid)`$(error)';

/** The sample's text with hostile names, as a capture holds them. */
export function hostile(sample) {
  let text = sample.replaceAll('guest=serial,', `guest=${GUEST},`).replaceAll('.scope/libvirt', `.scope/${ABOVE}`).replaceAll('name=systemd', HIERARCHY);
  for (const [name, evil] of comms) text = text.replaceAll(`(${name})`, `(${evil})`);
  for (const [name, evil] of cgroups) text = text.replaceAll(`/${ABOVE}/${name}`, `/${ABOVE}/${evil}`);
  return text;
}

/** A guest, and threads, whose names hold line feeds. */
export function hostileLines(sample) {
  return sample.replaceAll('guest=serial,', `guest=${LINES},`).replaceAll('(CPU 2/TCG)', `(${LINES})`);
}
