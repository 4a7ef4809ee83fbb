import { parser as xmlParser } from 'sax';
import { type CpuSet, parseCpuList } from './cpuList';

/** What libvirt says of a running machine in /run/libvirt/qemu/NAME.xml (src/conf/domain_conf.c virDomainObjFormat, src/qemu/qemu_domain.c qemuDomainObjPrivateXMLFormat). */
export interface LibvirtStatus {
  readonly pid: number;
  readonly name: string;
  readonly uuid: string;
  /** TIDs of vCPUs by number. Not of I/O threads: libvirt asks QEMU for those each time, and they are nowhere in the file. */
  readonly vcpus: ReadonlyMap<number, number>;
  /** `<vcpu cpuset>`: the CPUs of each vCPU and of the emulator that have no pin of their own (qemu_process.c qemuProcessSetupPid). */
  readonly cpuset: CpuSet | undefined;
  readonly vcpuPins: ReadonlyMap<number, CpuSet>;
  readonly ioThreadPins: ReadonlyMap<number, CpuSet>;
  readonly emulatorPin: CpuSet | undefined;
}

/** Characters: the collector leaves 80 of each vCPU, and a few hundred of the rest. */
export const LONGEST_STATUS = 1 << 18;

/** In XML's own terms: without `strictEntities`, which its types do not know, it takes HTML's names for letters besides. */
const OPTIONS = { position: false, strictEntities: true };

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * `undefined` when it is no such document: not well-formed, or without PID, name and UUID. What is not on the list of
 * elements below is passed over, as are all entities but XML's own five: no DTD is looked at.
 */
export function parseLibvirtStatus(text: string): LibvirtStatus | undefined {
  if (text.length > LONGEST_STATUS) return undefined;
  const found = new Found();
  const parser = xmlParser(true, OPTIONS);
  const within: string[] = [];
  parser.onopentag = ({ name, attributes }) => {
    within.push(name);
    if (within.length <= DEEPEST) found.element(within.join('/'), attributes as Readonly<Record<string, string>>);
  };
  parser.onclosetag = () => void within.pop();
  parser.ontext = said => void (within.length <= DEEPEST && found.text(within.join('/'), said));
  parser.onerror = error => {
    throw error; // what comes behind it is not looked at
  };
  try {
    parser.write(text).close();
  } catch {
    return undefined;
  }
  return found.status();
}

/** domstatus/domain/cputune/vcpupin */
const DEEPEST = 4;

class Found {
  private pid: number | undefined;
  private name = '';
  private uuid = '';
  private cpuset: CpuSet | undefined;
  private emulatorPin: CpuSet | undefined;
  private readonly vcpus = new Map<number, number>();
  private readonly vcpuPins = new Map<number, CpuSet>();
  private readonly ioThreadPins = new Map<number, CpuSet>();

  element(at: string, { pid, id, placement, vcpu, iothread, cpuset }: Readonly<Record<string, string>>): void {
    switch (at) {
      case 'domstatus':
        this.pid = number(pid);
        break;
      case 'domstatus/vcpus/vcpu':
        put(this.vcpus, id, number(pid) || undefined); // 0: there is none
        break;
      case 'domstatus/domain/vcpu': // with `auto` it is numad's choice that counts
        if (placement !== 'auto') this.cpuset = cpus(cpuset);
        break;
      case 'domstatus/domain/cputune/vcpupin':
        put(this.vcpuPins, vcpu, cpus(cpuset));
        break;
      case 'domstatus/domain/cputune/iothreadpin':
        put(this.ioThreadPins, iothread, cpus(cpuset));
        break;
      case 'domstatus/domain/cputune/emulatorpin':
        this.emulatorPin = cpus(cpuset);
        break;
    }
  }

  text(at: string, said: string): void {
    if (at === 'domstatus/domain/name') this.name += said;
    else if (at === 'domstatus/domain/uuid') this.uuid += said;
  }

  status(): LibvirtStatus | undefined {
    const { pid, name, uuid, vcpus, cpuset, vcpuPins, ioThreadPins, emulatorPin } = this;
    if (!pid || name === '' || name.length > 1000 || !UUID.test(uuid)) return undefined;
    return { pid, name, uuid: uuid.toLowerCase(), vcpus, cpuset, vcpuPins, ioThreadPins, emulatorPin };
  }
}

function put<T>(map: Map<number, T>, key: string | undefined, value: T | undefined): void {
  const n = number(key);
  if (n !== undefined && value !== undefined) map.set(n, value);
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function cpus(text: string | undefined): CpuSet | undefined {
  const set = text === undefined ? undefined : parseCpuList(text);
  return set?.isEmpty ? undefined : set;
}
