import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type Server, type Socket, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CollectError, SshError } from '../../src/core/errors';
import { Turns } from '../../src/core/host/turns';
import { cleanUp, newFolder, start } from '../kernel/support/cleanUp';
import { type Wanted, collect, disconnectAll, fails, hostOf } from './support/client';
import { Link, roundTrips } from './support/proxy';
import { Sshd, type SshdOptions, type User, freePort, makeKey } from './support/sshd';

describe('the life of a connection', () => {
  const links: Link[] = [];
  const servers: Server[] = [];
  let key: string;
  beforeEach(() => (key = makeKey(join(newFolder('client'), 'id'))));
  afterEach(async () => {
    disconnectAll();
    for (const link of links.splice(0)) link.close();
    for (const server of servers.splice(0)) server.close();
    await cleanUp();
  });

  const startSshd = (options: SshdOptions = {}): Promise<Sshd> => Sshd.startFor(key, options);
  const wanted = (sshd: Sshd, more: Wanted = {}): Wanted => ({ identityFiles: [key], knownHostsFiles: [sshd.known()], ...more });

  /** A host that answers only after an hour: its `ls` stands for whatever may be slow. */
  async function slowSshd(): Promise<Sshd> {
    const bin = newFolder('bin');
    writeFileSync(join(bin, 'ls'), '#!/bin/sh\nsleep 3600\n');
    chmodSync(join(bin, 'ls'), 0o755);
    return startSshd({ config: [`SetEnv PATH=${bin}:/usr/bin:/bin`] });
  }

  const isCollecting = async (sshd: Sshd): Promise<void> => {
    while (!sshd.processes().some(({ command }) => command.startsWith('sleep'))) await sleep(10);
  };

  /** The shell of the last refresh may still be ending; the one that waits is there to stay. */
  const oneShellWaits = (sshd: Sshd): boolean => sshd.processes().map(({ command }) => command.split(' ')[0]).sort().join(' ') === 'sh sshd: sshd:';

  it('one connection serves every refresh, and one shell waits for the next', async () => {
    const sshd = await startSshd();
    const host = hostOf(sshd, wanted(sshd));
    for (let i = 0; i < 3; i++) await collect(host);
    assert.equal(sshd.log().match(/Accepted publickey/g)?.length, 1);
    while (!oneShellWaits(sshd)) await sleep(10);
    host.disconnect();
    await sshd.nothingLeft();
  });

  it('a host that has a name, of which not every address answers', async () => {
    const sshd = await startSshd();
    assert.ok((await collect(hostOf(sshd, wanted(sshd, { hostName: 'localhost' })))).collection.complete);
  });

  it('a refresh costs one round trip of a slow link', async () => {
    const sshd = await startSshd();
    const link = await Link.to(sshd.port, 25);
    links.push(link);
    const host = hostOf(link, wanted(sshd, { unknownHostKeys: 'accept-new' }));
    /** The next shell is opened while nobody waits for it, and all that is said about it has arrived. */
    const atRest = async (): Promise<void> => {
      for (let before = -1; before !== link.passed.length || !oneShellWaits(sshd); await sleep(300)) before = link.passed.length;
    };
    await collect(host);
    await atRest();
    for (let i = 0; i < 3; i++) {
      link.passed.length = 0;
      const before = link.passed;
      await collect(host);
      assert.equal(roundTrips([...before]), 1, JSON.stringify(before));
      await atRest();
    }
  });

  for (const [user, what] of [['fisher', 'fish as login shell'], ['seashell', 'csh as login shell'], ['banner', 'a login shell that prints a banner, without a newline at its end']] as const) {
    it(`${what}: read, as the user and as root, and nothing is left`, async () => {
      const sshd = await startSshd();
      for (const asRoot of [false, true]) {
        const host = hostOf(sshd, wanted(sshd, { user: user satisfies User }));
        for (let i = 0; i < 2; i++) {
          const model = await collect(host, { asRoot });
          assert.equal(model.collection.user?.name, user);
          assert.ok(model.collection.complete);
        }
        host.disconnect();
      }
      await sshd.nothingLeft();
    });
  }

  it('MaxSessions 1: a host that allows a single channel is read again and again', async () => {
    const sshd = await startSshd({ config: ['MaxSessions 1'] });
    const host = hostOf(sshd, wanted(sshd));
    for (let i = 0; i < 3; i++) assert.ok((await collect(host)).collection.complete);
    assert.ok((await collect(host, { asRoot: true })).collection.complete); // another command than the one that waits
    assert.equal(sshd.log().match(/Accepted publickey/g)?.length, 1);
  });

  it('MaxSessions 0: no channel at all is said by name', async () => {
    const sshd = await startSshd({ config: ['MaxSessions 0'] });
    assert.ok(SshError.is(await fails(collect(hostOf(sshd, wanted(sshd)))), 'no-channel'));
  });

  it('cut in the middle of a collection: an error that says so, nothing left, and the next refresh connects anew', async () => {
    const sshd = await slowSshd();
    const host = hostOf(sshd, wanted(sshd));
    const reading = fails(collect(host));
    await isCollecting(sshd);
    sshd.cut();
    assert.ok(SshError.is(await reading, 'connection-lost'));
    await sshd.nothingLeft();
  });

  it('lost while nobody used it: the next refresh connects anew and says nothing', async () => {
    const sshd = await startSshd();
    const host = hostOf(sshd, wanted(sshd));
    await collect(host);
    sshd.cut();
    await sshd.nothingLeft();
    assert.ok((await collect(host)).collection.complete);
    assert.equal(sshd.log().match(/Accepted publickey/g)?.length, 2);
  });

  it('a daemon that was killed: refused by name; when it is back, connected', async () => {
    const sshd = await startSshd();
    const host = hostOf(sshd, wanted(sshd, { unknownHostKeys: 'accept-new', knownHostsFiles: [] }));
    await collect(host);
    await sshd.stop();
    const error = await fails(collect(host));
    assert.ok(SshError.is(error, 'unreachable'), String(error));
    assert.match(error.details.said ?? '', /ECONNREFUSED/);
  });

  it('cancelled while it collects: at once; everything on the host ends, the connection stays', async () => {
    const sshd = await slowSshd();
    const host = hostOf(sshd, wanted(sshd));
    const abort = new AbortController();
    const reading = fails(collect(host, { signal: abort.signal }));
    await isCollecting(sshd);
    abort.abort();
    assert.ok(CollectError.is(await reading, 'cancelled'));
    while (sshd.processes().some(({ command }) => !command.startsWith('sshd:'))) await sleep(10);
    const again = new AbortController();
    const second = fails(collect(host, { signal: again.signal }));
    await isCollecting(sshd);
    again.abort();
    await second;
    assert.equal(sshd.log().match(/Accepted publickey/g)?.length, 1);
  });

  for (const [where, turns] of [['it is connected', new Turns(1, 60_000)], ['it waits for its turn', new Turns(0, 60_000)]] as const) {
    it(`cancelled while ${where}, to a host that says nothing: the connection ends`, async () => {
      const server = createServer(socket => socket.resume()).listen(0, '127.0.0.1');
      servers.push(server);
      await once(server, 'listening');
      const abort = new AbortController();
      const connecting = fails(collect(hostOf(server.address() as { port: number }, { turns }), { signal: abort.signal }));
      const [socket] = (await once(server, 'connection')) as [Socket];
      await sleep(50);
      const closed = once(socket, 'close');
      abort.abort();
      assert.ok(CollectError.is(await connecting, 'cancelled'));
      await closed;
    });
  }

  for (const [when, pause] of [['while a shell waits', 500], ['while the next shell is being opened', 0]] as const) {
    it(`a link that goes silent ${when}: the refresh is cancelled, the next one has a connection of its own`, async () => {
      const sshd = await startSshd();
      const link = await Link.to(sshd.port, 25);
      links.push(link);
      const host = hostOf(link, wanted(sshd, { unknownHostKeys: 'accept-new' }));
      await collect(host);
      await sleep(pause);
      link.goSilent();
      const abort = new AbortController();
      const reading = fails(collect(host, { signal: abort.signal }));
      await sleep(50);
      abort.abort();
      assert.ok(CollectError.is(await reading, 'cancelled'));
      assert.ok((await collect(host)).collection.complete);
      assert.equal(sshd.log().match(/Accepted publickey/g)?.length, 2);
    });
  }

  it('an extension host that is killed leaves nothing on the host', async () => {
    const sshd = await slowSshd();
    const program = `
      const { hostOf, collect } = require(${JSON.stringify(join(__dirname, 'support/client.js'))});
      const host = hostOf({ port: ${sshd.port} }, ${JSON.stringify({ identityFiles: [key], knownHostsFiles: [sshd.known()] })});
      collect(host).catch(() => undefined);`;
    const client = start(process.execPath, ['-e', program], { stdio: 'inherit' });
    await isCollecting(sshd);
    client.kill('SIGKILL');
    await sshd.nothingLeft();
  });

  describe('a host that is something else', () => {
    const answering = (command: string): Promise<Sshd> => startSshd({ config: [`ForceCommand ${command}`] });

    it('says so: the message has its words', async () => {
      const sshd = await answering('echo "This is FreeBSD, no shell for you"');
      const error = await fails(collect(hostOf(sshd, wanted(sshd))));
      assert.ok(CollectError.is(error, 'not-an-answer'), String(error));
      assert.equal(error.details.said, 'This is FreeBSD, no shell for you');
    });

    it('has no /proc as Linux has it', async () => {
      const sshd = await startSshd({ config: ['ForceCommand sh'], setUp: ['mount -t tmpfs none /proc'] });
      const error = await fails(collect(hostOf(sshd, wanted(sshd))));
      assert.ok(CollectError.is(error, 'not-linux'), String(error));
    });

    it('answers garbage without an end', async () => {
      const sshd = await answering('cat /dev/urandom');
      const error = await fails(collect(hostOf(sshd, wanted(sshd))));
      assert.ok(CollectError.is(error, 'not-an-answer'), String(error));
      disconnectAll();
      await sshd.nothingLeft();
    });

    it('answers one line without an end', async () => {
      const sshd = await answering("tr '\\0' x </dev/zero");
      const error = await fails(collect(hostOf(sshd, wanted(sshd))));
      assert.ok(CollectError.is(error, 'not-an-answer'), String(error));
      assert.ok((error.details.said ?? '').length <= 200);
    });

    it('begins as we do and goes on with garbage', async () => {
      const sshd = await answering("sh -c 'echo; echo =cgroup-lens 1; exec cat /dev/urandom'");
      const error = await collect(hostOf(sshd, wanted(sshd)), {}).then(model => assert.equal(model.collection.complete, false), (reason: unknown) => reason);
      assert.equal(error, undefined);
    });

    it('speaks no SSH', async () => {
      const server = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
      servers.push(server);
      await once(server, 'listening');
      const error = await fails(collect(hostOf(server.address() as { port: number })));
      assert.ok(SshError.is(error) && (error.reason === 'protocol' || error.reason === 'connection-lost'), String(error));
    });

    it('is not there', async () => {
      const error = await fails(collect(hostOf({ port: await freePort() })));
      assert.ok(SshError.is(error, 'unreachable'), String(error));
    });
  });

  describe('reading as root', () => {
    const hidden = { setUp: ['mount -t proc -o hidepid=2 proc /proc'] };

    it('where /proc hides others and sudo asks for nothing: as root', async () => {
      const sshd = await startSshd(hidden);
      const host = hostOf(sshd, wanted(sshd));
      for (let i = 0; i < 2; i++) assert.equal((await collect(host, { asRoot: true })).collection.user?.uid, 0);
      assert.equal((await collect(host)).collection.user?.name, 'op');
      host.disconnect();
      await sshd.nothingLeft();
    });

    it('where sudo would ask: as the user, and it is told', async () => {
      const sshd = await startSshd(hidden);
      const model = await collect(hostOf(sshd, wanted(sshd, { user: 'second' })), { asRoot: true });
      assert.equal(model.collection.user?.name, 'second');
      assert.match(model.collection.remarks.join(), /sudo: a password is required/);
    });

    it('where every user sees all: never as root', async () => {
      const sshd = await startSshd();
      assert.equal((await collect(hostOf(sshd, wanted(sshd)), { asRoot: true })).collection.user?.name, 'op');
    });

    it('cancelled: what root began ends too', async () => {
      const bin = newFolder('bin');
      writeFileSync(join(bin, 'id'), '#!/bin/sh\nsleep 3600\n');
      chmodSync(join(bin, 'id'), 0o755);
      const sshd = await startSshd({ setUp: [...hidden.setUp, `mount --bind ${bin}/id /usr/bin/id`] });
      const abort = new AbortController();
      const reading = fails(collect(hostOf(sshd, wanted(sshd)), { asRoot: true, signal: abort.signal }));
      await isCollecting(sshd);
      abort.abort();
      await reading;
      disconnectAll();
      await sshd.nothingLeft();
    });
  });
});
