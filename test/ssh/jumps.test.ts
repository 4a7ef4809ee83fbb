import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SshError } from '../../src/core/errors';
import type { SshTarget } from '../../src/core/host/sshTarget';
import { cleanUp, newFolder } from '../kernel/support/cleanUp';
import { Person, type Wanted, collect, disconnectAll, hostOf, targetOf } from './support/client';
import { Sshd, makeKey } from './support/sshd';

describe('through jump hosts', () => {
  afterEach(async () => {
    disconnectAll();
    await cleanUp();
  });

  let key: string;
  let acceptedKeys: string;
  let outer: Sshd;
  let inner: Sshd;
  let last: Sshd;
  beforeEach(async () => {
    const folder = newFolder('client');
    key = makeKey(join(folder, 'id'));
    acceptedKeys = join(folder, 'known_hosts');
    [outer, inner, last] = await Promise.all([Sshd.start(), Sshd.start(), Sshd.start()]);
    for (const sshd of [outer, inner, last]) sshd.authorize(`${key}.pub`);
  });

  const hop = (sshd: Sshd, alias: string, more: Partial<SshTarget> = {}): SshTarget => targetOf(sshd, { alias, identityFiles: [key], hostKeyName: `[${alias}]:${sshd.port}`, user: 'op', ...more });
  const through = (person: Person, more: Wanted = {}): ReturnType<typeof hostOf> =>
    hostOf(last, { identityFiles: [key], hostKeyName: `[last]:${last.port}`, acceptedKeys, person, user: 'op', jumps: [hop(outer, 'outer', { user: 'second' }), hop(inner, 'inner')], ...more });

  it('two of them: each is verified by its own name and lets its own user in', async () => {
    const person = new Person({ hostKey: true });
    const model = await collect(through(person));
    assert.equal(model.collection.user?.name, 'op');
    assert.deepEqual(person.asked, [`host key [outer]:${outer.port}`, `host key [inner]:${inner.port}`, `host key [last]:${last.port}`]);
    assert.deepEqual(person.hostKeys.map(({ hop }) => hop), [`second@127.0.0.1:${outer.port}`, `op@127.0.0.1:${inner.port}`, undefined]);
    assert.match(outer.log(), /Accepted publickey for second/);
    assert.match(inner.log(), /Accepted publickey for op/);
  });

  it('one whose key changed is named, and what is behind it hears nothing', async () => {
    const person = new Person({ hostKey: true });
    const other = makeKey(join(newFolder('other'), 'host'));
    writeFileSync(acceptedKeys, `[inner]:${inner.port} ${readFileSync(`${other}.pub`, 'utf8')}`);
    const error = await collect(through(person)).catch((why: unknown) => why);
    assert.ok(SshError.is(error, 'host-key-changed'), String(error));
    assert.equal(error.details.hop, `op@127.0.0.1:${inner.port}`);
    assert.deepEqual([error.details.host, person.asked], ['web1', [`host key [outer]:${outer.port}`]]);
    assert.equal(last.log().match(/Connection from/g)?.length, 1, 'our own look whether it listens is the only one');
    await outer.nothingLeft();
  });

  it('one that cannot reach the next: named, and the connection before it ends', async () => {
    await last.stop();
    const error = await collect(through(new Person({ hostKey: true }))).catch((why: unknown) => why);
    assert.ok(SshError.is(error, 'unreachable'), String(error));
    await Promise.all([outer.nothingLeft(), inner.nothingLeft()]);
  });

  it('ends them all when it is ended, and when one of them is', async () => {
    const host = through(new Person({ hostKey: true }));
    await collect(host);
    host.disconnect();
    await Promise.all([outer, inner, last].map(sshd => sshd.nothingLeft()));
    await collect(host);
    outer.cut();
    await Promise.all([outer, inner, last].map(sshd => sshd.nothingLeft()));
    assert.ok((await collect(host)).collection.complete);
  });
});
