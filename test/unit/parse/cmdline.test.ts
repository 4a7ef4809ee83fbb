import assert from 'node:assert/strict';
import { type QemuArguments, parseCmdline, parseQemuArguments } from '../../../src/core/parse/cmdline';
import { cases } from './table';

describe('/proc/PID/cmdline', () => {
  cases<string[]>(parseCmdline, {
    'arguments end with NUL': ['qemu-kvm\0-S\0', ['qemu-kvm', '-S']],
    'empty arguments are arguments': ['qemu-kvm\0\0-S\0', ['qemu-kvm', '', '-S']],
    'an argument with newlines and spaces': ['sh\0-c\0a b\nc\0', ['sh', '-c', 'a b\nc']],
    'a title that a process has set, without NUL': ['postgres: writer', ['postgres: writer']],
    'a kernel thread has none': ['', []],
  });
});

function parsed(about: Partial<QemuArguments>): QemuArguments {
  return { name: undefined, uuid: undefined, ioThreads: [], incoming: false, ...about };
}

describe("QEMU's arguments", () => {
  cases<QemuArguments>(text => parseQemuArguments(['qemu-kvm', ...(text === '' ? [] : text.split(' '))]), {
    'a name alone': ['-name serial', parsed({ name: 'serial' })],
    "libvirt's form": ['-name guest=serial,debug-threads=on', parsed({ name: 'serial' })],
    'guest= behind the others': ['-name debug-threads=on,guest=serial', parsed({ name: 'serial' })],
    'a name with a process name': ['-name serial,process=vm-1', parsed({ name: 'serial' })],
    'two dashes': ['--name guest=serial --uuid 1-2', parsed({ name: 'serial', uuid: '1-2' })],
    'a doubled comma is a comma': ['-name guest=a,,b,debug-threads=on', parsed({ name: 'a,b' })],
    'three commas are one comma and an end': ['-name guest=a,,,debug-threads=on', parsed({ name: 'a,' })],
    'only debug-threads: no name': ['-name debug-threads=on', parsed({})],
    'the last name counts, but one without a name takes none away': ['-name a -name b -name process=x', parsed({ name: 'b' })],
    'an I/O thread': ['-object iothread,id=io1', parsed({ ioThreads: ['io1'] })],
    'an I/O thread with more options': ['-object iothread,poll-max-ns=0,id=io1', parsed({ ioThreads: ['io1'] })],
    'an I/O thread by its type': ['-object qom-type=iothread,id=io1', parsed({ ioThreads: ['io1'] })],
    'JSON, as libvirt writes it since 7': ['-object {"qom-type":"iothread","id":"io1"}', parsed({ ioThreads: ['io1'] })],
    'JSON in another order': ['-object {"id":"io1","poll-max-ns":1,"qom-type":"iothread"}', parsed({ ioThreads: ['io1'] })],
    'JSON of another object': ['-object {"qom-type":"secret","id":"masterKey0","file":"/k"}', parsed({})],
    'JSON that is none': ['-object {"qom-type":"iothread","id":', parsed({})],
    'JSON with an id that is no text': ['-object {"qom-type":"iothread","id":7}', parsed({})],
    'another object': ['-object memory-backend-ram,id=iothread', parsed({})],
    'an I/O thread without id': ['-object iothread', parsed({})],
    'a migration that comes in': ['-incoming defer', parsed({ incoming: true })],
    'an option that lacks its value': ['-S -name', parsed({})],
    'nothing': ['', parsed({})],
    'a value that looks like an option is a value': ['-name -uuid x', parsed({ name: '-uuid' })],
  });

  it('takes a name with blanks, newlines and broken bytes as it is', () => {
    assert.equal(parseQemuArguments(['qemu-kvm', '-name', 'guest=a b\nc\udcff,debug-threads=on']).name, 'a b\nc\udcff');
  });

  it('does not take the first argument, its own name, for an option', () => {
    assert.deepEqual(parseQemuArguments(['-name', 'x']), parsed({}));
  });
});
