import assert from 'node:assert/strict';
import { LONGEST_STATUS, parseLibvirtStatus } from '../../../src/core/parse/libvirtStatus';
import { HOSTILE_STATES, SECRET, statusXml } from '../statusXml';

const UUID = '11111111-2222-4333-8444-555555555555';
const OF = {
  ...{ pid: 519, name: 'serial', uuid: UUID, vcpus: { 0: 528, 1: 529 } },
  pins: ["<vcpupin vcpu='0' cpuset='0,2-3'/>", "<emulatorpin cpuset='0'/>", "<iothreadpin iothread='2' cpuset='1'/>", "<vcpusched vcpus='0' scheduler='fifo' priority='1'/>"],
};

function parsed(text: string): unknown {
  const status = parseLibvirtStatus(text);
  const set = (pins: ReadonlyMap<number, unknown>): string => [...pins].map(([n, cpus]) => `${n}=${String(cpus)}`).join(' ');
  return status && [status.pid, status.name, status.uuid, set(status.vcpus), status.cpuset?.toString(), set(status.vcpuPins), status.emulatorPin?.toString(), set(status.ioThreadPins)];
}

describe("libvirt's live state", () => {
  const whole = [519, 'serial', UUID, '0=528 1=529', undefined, '0=0,2-3', '0', '2=1'];

  it('is read: PID, name, UUID, vCPUs, pins', () => assert.deepEqual(parsed(statusXml(OF)), whole));

  const named: Readonly<Record<string, readonly [text: string, expected: unknown]>> = {
    'without pins, the CPUs of all vCPUs': [statusXml({ ...OF, pins: [], placement: " placement='static' cpuset='4-7' current='2'" }), [519, 'serial', UUID, '0=528 1=529', '4-7', '', undefined, '']],
    'placed by numad: what <vcpu> says is not what holds': [statusXml({ ...OF, pins: [], placement: " placement='auto' cpuset='4-7'" }), [519, 'serial', UUID, '0=528 1=529', undefined, '', undefined, '']],
    'before its vCPUs are known': [statusXml({ ...OF, vcpus: {}, pins: [] }), [519, 'serial', UUID, '', undefined, '', undefined, '']],
    'a vCPU of which it knows no thread': [statusXml({ ...OF, vcpus: { 0: 0, 1: 529 }, pins: [] }), [519, 'serial', UUID, '1=529', undefined, '', undefined, '']],
    'a name with all that XML escapes': [statusXml({ ...OF, name: `a&b<c>"d'é`, pins: [] }), [519, `a&b<c>"d'é`, UUID, '0=528 1=529', undefined, '', undefined, '']],
    'a UUID in capitals': [statusXml({ ...OF, uuid: UUID.replaceAll('5', 'A'), pins: [] }), [519, 'serial', UUID.replaceAll('5', 'a'), '0=528 1=529', undefined, '', undefined, '']],
    'pins that are no list of CPUs, or none': [statusXml({ ...OF, pins: ["<vcpupin vcpu='0' cpuset='x'/>", "<vcpupin vcpu='1' cpuset=''/>", "<vcpupin vcpu='-1' cpuset='1'/>", '<emulatorpin/>'] }), [519, 'serial', UUID, '0=528 1=529', undefined, '', undefined, '']],
    'the same words in another place': [statusXml(OF).replace('<taint', "<x><vcpus><vcpu id='7' pid='7'/></vcpus></x><taint"), whole],
    'no PID': [statusXml(OF).replace(" pid='519'", ''), undefined],
    'PID 0': [statusXml({ ...OF, pid: 0 }), undefined],
    'a UUID that is none': [statusXml({ ...OF, uuid: 'serial' }), undefined],
    'two names': [statusXml(OF).replace('<title>', '<name>other</name><title>'), [519, 'serialother', ...whole.slice(2)]],
    'another document': ['<domain><name>serial</name></domain>', undefined],
    'nothing': ['', undefined],
    'one that is longer than any': [statusXml(OF).replace('<title>', `<title>${' '.repeat(LONGEST_STATUS)}`), undefined],
  };
  for (const [name, [text, expected]] of Object.entries(named)) it(name, () => assert.deepEqual(parsed(text), expected));

  for (const [name, make] of Object.entries(HOSTILE_STATES)) {
    it(`holds no secret: ${name}`, () => assert.ok(!JSON.stringify(parsed(make(statusXml(OF))) ?? '').includes(SECRET)));
  }

  it('no entity but the five of XML is known, and nothing grows', () => {
    for (const name of ['in entities of a DTD', 'a billion laughs']) assert.equal(parsed(HOSTILE_STATES[name]!(statusXml(OF))), undefined, name);
    assert.equal(parsed(statusXml(OF).replace('<name>', '<name>&eacute;')), undefined);
  });
});
