/** Stands in every place of a state where a secret could: no surface, snapshot or capture may hold it. */
export const SECRET = 's3cret';

export interface StatusOf {
  readonly pid: number;
  readonly name: string;
  readonly uuid: string;
  /** TIDs by number. */
  readonly vcpus: Readonly<Record<number, number>>;
  /** The lines within `<cputune>` that say where a thread may run; none: without the element. */
  readonly pins?: readonly string[];
  /** Attributes of `<vcpu>`. */
  readonly placement?: string;
}

/** A live state as libvirt 9 writes it, indentation and order as in the recorded hosts, with all kinds of secrets that one can hold. */
export function statusXml({ pid, name, uuid, vcpus, pins = [], placement = " placement='static'" }: StatusOf): string {
  return `<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE
OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:
  virsh edit ${name.replaceAll('--', '')}
or other application using the libvirt API.
-->

<domstatus state='running' reason='post-copy' pid='${pid}'>
  <taint flag='high-privileges'/>
  <monitor path='/home/${SECRET}/monitor.sock' type='unix'/>
  <vcpus>
${Object.entries(vcpus).map(([n, tid]) => `    <vcpu id='${n}' pid='${tid}'/>\n`).join('')}  </vcpus>
  <qemuCaps>
    <flag name='kvm'/>
    <flag name='${SECRET}'/>
  </qemuCaps>
  <job type='none' async='none' phase='${SECRET}'/>
  <devices>
    <device alias='serial0'/>
  </devices>
  <libDir path='/var/lib/libvirt/qemu/domain-1-${SECRET}'/>
  <blockjobs active='no'>
    <blockjob name='x' src='https://user:${SECRET}@host/'>
      <secret type='passphrase' value='${SECRET}'/>
    </blockjob>
  </blockjobs>
  <domain type='qemu' id='1' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
    <name>${name.replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`)}</name>
    <uuid>${uuid}</uuid>
    <title>${SECRET}</title>
    <description>a line
    &lt;name&gt;${SECRET}&lt;/name&gt;
${SECRET}
    </description>
    <metadata>
      <app:x xmlns:app='http://${SECRET}'><![CDATA[
    <name>${SECRET}</name>
    <cputune>
      <vcpupin vcpu='0' cpuset='99'/>]]></app:x>
    </metadata>
    <memory unit='KiB'>65536</memory>
    <vcpu${placement}>${Object.keys(vcpus).length}</vcpu>
    <iothreads>2</iothreads>
${pins.length === 0 ? '' : `    <cputune>\n      <shares>2048</shares>\n${pins.map(pin => `      ${pin}\n`).join('')}    </cputune>\n`}    <os>
      <type arch='x86_64' machine='pc'>hvm</type>
      <loader secure='yes'>/home/${SECRET}/code.fd</loader>
    </os>
    <sysinfo type='smbios'><system><entry name='serial'>${SECRET}</entry></system></sysinfo>
    <devices>
      <emulator>/usr/bin/qemu-system-x86_64</emulator>
      <disk type='network' device='disk'>
        <source protocol='rbd' name='pool/${SECRET}'>
          <auth username='${SECRET}'><secret type='ceph' uuid='${uuid}'/></auth>
        </source>
      </disk>
      <graphics type='vnc' port='5900' passwd='${SECRET}'/>
    </devices>
    <launchSecurity type='sev'><dhCert>${SECRET}</dhCert></launchSecurity>
    <qemu:commandline>
      <qemu:arg value='${SECRET}'/>
    </qemu:commandline>
  </domain>
</domstatus>
`;
}

/** What somebody may have made of such a state: by its name, how the text is changed. */
export const HOSTILE_STATES: Readonly<Record<string, (xml: string) => string>> = {
  'as it is': xml => xml,
  'all on one line': xml => xml.replaceAll('\n', ''),
  'secrets on the lines that are kept': xml => xml.replace(/^( *<(?:vcpus|vcpu id|vcpupin|cputune|emulatorpin|iothreadpin|domain|uuid|name)\b.*)$/gm, `$1<secret>${SECRET}</secret>`),
  'secrets before them': xml => xml.replace(/^( *)(<(?:vcpu id|vcpupin|emulatorpin|uuid|name)\b)/gm, `$1<secret>${SECRET}</secret>$2`),
  'more attributes': xml => xml.replace(/(<(?:domstatus|vcpu|vcpupin|emulatorpin|cputune|uuid))\b/g, `$1 passwd='${SECRET}'`),
  'secrets instead of numbers': xml => xml.replace(/(pid|id|vcpu|cpuset)='[\d,-]+'/g, `$1='${SECRET}'`),
  'in CDATA': xml => xml.replace(/(<uuid>)(.*)(<\/uuid>)/, `$1<![CDATA[${SECRET}]]>$2$3`),
  'in comments': xml => xml.replaceAll(/<(vcpus|cputune)>/g, `<!-- ${SECRET} --><$1><!-- ${SECRET}\n${SECRET} -->`),
  'in a processing instruction': xml => xml.replace('<domstatus', `<?x ${SECRET}?>\n<domstatus`),
  'in entities of a DTD': xml => xml.replace('<domstatus', `<!DOCTYPE domstatus [<!ENTITY a "${SECRET}"><!ENTITY b SYSTEM "file:///etc/${SECRET}">]>\n<domstatus`).replace('<uuid>', '<uuid>&a;&b;'),
  'a billion laughs': xml => xml.replace('<domstatus', `<!DOCTYPE x [<!ENTITY a "${SECRET}">${[...'bcdefghij'].map((name, i) => `<!ENTITY ${name} "${`&${'abcdefghij'[i]};`.repeat(10)}">`).join('')}]>\n<domstatus`).replace('<uuid>', '<uuid>&j;'),
  'cut off': xml => xml.slice(0, xml.indexOf('<title>') + 20),
  'no XML at all': () => `${SECRET}\n`.repeat(1000),
  'an element within an element, ten thousand deep': xml => xml.replace('<title>', `${'<a>'.repeat(10_000)}${SECRET}`),
  'a line of a million characters': xml => xml.replace('<title>', `<title>${SECRET.repeat(150_000)}`),
};
