import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, Server as SshServer, utils } from 'ssh2';
import { CollectError, SshError } from '../../src/core/errors';
import { HostKeys } from '../../src/core/host/hostKeys';
import { Keyring } from '../../src/core/host/identities';
import { Turns } from '../../src/core/host/turns';
import { cleanUp, newFolder, required } from '../kernel/support/cleanUp';
import { Person, type Wanted, collect, disconnectAll, hostOf, targetOf } from './support/client';
import { PASSWORD, Sshd, makeKey } from './support/sshd';

/** What no honest sshd does. */
describe('a host that means no good', () => {
  const servers: { close(): unknown }[] = [];
  const sockets: Socket[] = [];
  afterEach(async () => {
    disconnectAll();
    for (const server of servers.splice(0)) server.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    await cleanUp();
  });

  /** Lets everybody in; what it does then is the test's. */
  async function hostileHost(then: (connection: Connection, socket: Socket) => void, lets: (connection: Connection) => void = c => c.on('authentication', way => way.accept())): Promise<number> {
    const server = new SshServer({ hostKeys: [utils.generateKeyPairSync('ed25519').private] });
    server.on('connection', connection => {
      const { _sock: socket } = connection as unknown as { _sock: Socket };
      sockets.push(socket);
      connection.on('error', () => undefined);
      lets(connection);
      then(connection, socket);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()));
    servers.push(server as unknown as Server);
    return (server.address() as { port: number }).port;
  }

  const wanted: Wanted = { unknownHostKeys: 'accept-new' };
  const why = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'done', (error: unknown) => error);
  const soon = (): AbortSignal => AbortSignal.timeout(1000);

  it('that ends the session and keeps the connection: the next refresh fails, and the window lives on', async () => {
    let isFirst = true;
    let end = (): void => undefined;
    const port = await hostileHost((connection, socket) => {
      connection.on('ready', () => connection.on('session', (accept, reject) => {
        if (!isFirst) return reject();
        isFirst = false;
        accept().on('exec', run => {
          const channel = run();
          channel.on('data', (data: Buffer) => {
            if (!String(data).includes('watched "$@"')) return;
            channel.write('\n=cgroup-lens 1\n=end\n');
            channel.exit(0);
            channel.end();
          });
        });
      }));
      end = () => {
        socket.allowHalfOpen = true;
        socket.end = () => socket;
        (connection as unknown as { _protocol: { disconnect(reason: number): void } })._protocol.disconnect(11);
      };
    });
    const host = hostOf({ port }, wanted);
    await collect(host);
    end();
    await sleep(100);
    const error = await why(collect(host, { signal: soon() }));
    assert.ok(SshError.is(error) || CollectError.is(error, 'cancelled'), String(error));
  });

  it('that is behind a jump host and hangs up as soon as it has let us in', async () => {
    const target = await hostileHost(() => undefined, connection => connection.on('authentication', way => {
      way.accept();
      (connection as unknown as { _sock: Socket })._sock.end();
    }));
    const jump = await hostileHost(connection => connection.on('ready', () => connection.on('tcpip', (accept, _reject, { destIP, destPort }) => {
      const there = connect(destPort, destIP, () => {
        const channel = accept();
        channel.on('error', () => undefined);
        there.pipe(channel).pipe(there);
      });
      there.on('error', () => undefined);
      sockets.push(there);
    })));
    const host = hostOf({ port: target }, { ...wanted, jumps: [targetOf({ port: jump }, wanted)] });
    for (let i = 0; i < 2; i++) assert.ok(SshError.is(await why(collect(host)), 'connection-lost')); // or the test's own time-out
  });

  it('that is a jump host and does not answer: cancelled, nothing stays, and a retry is one', async () => {
    let connections = 0;
    let wasAsked = (): void => undefined;
    const jump = await hostileHost(connection => {
      connections++;
      connection.on('ready', () => connection.on('tcpip', () => wasAsked()));
    });
    const host = hostOf({ port: 9 }, { ...wanted, jumps: [targetOf({ port: jump }, wanted)] });
    for (let i = 1; i <= 2; i++) {
      const abort = new AbortController();
      wasAsked = () => abort.abort();
      assert.ok(CollectError.is(await why(collect(host, { signal: abort.signal })), 'cancelled'));
      assert.equal(connections, i);
    }
    for (const socket of sockets) if (!socket.closed) await new Promise(resolve => socket.once('close', resolve).resume());
  });

  it('that resets the connection while we wait for our turn', async () => {
    const server = createServer(socket => {
      sockets.push(socket);
      setTimeout(() => socket.resetAndDestroy(), 50);
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await new Promise(resolve => server.once('listening', resolve));
    const turns = new Turns(1, 60_000);
    const endTurn = await turns.take(soon());
    const connecting = why(collect(hostOf(server.address() as { port: number }, { turns })));
    await sleep(200);
    endTurn();
    assert.ok(SshError.is(await connecting, 'connection-lost'));
  });

  it('that always wants one step more is given up', async function () {
    this.timeout(60_000); // a hundred steps
    const port = await hostileHost(() => undefined, connection => connection.on('authentication', way => way.reject(['password'], true)));
    const person = new Person({ passwords: Array.from({ length: 1000 }, () => PASSWORD) });
    const error = await why(collect(hostOf({ port }, { ...wanted, person })));
    assert.ok(SshError.is(error, 'authentication'), String(error));
    assert.ok(person.asked.length <= 100);
  });

  it('that shows another key when keys are exchanged again', async () => {
    const folder = newFolder('keys');
    const key = (name: string): Buffer => Buffer.from(readFileSync(`${makeKey(join(folder, name))}.pub`, 'utf8').split(' ')[1]!, 'base64');
    const keys = await HostKeys.read({ host: 'web1' }, targetOf({ port: 22 }, wanted), join(folder, 'known_hosts'));
    const [first, second] = [key('first'), key('second')];
    await keys.check(first, new Person(), soon());
    await keys.check(first, new Person(), soon());
    await assert.rejects(keys.check(second, new Person(), soon()), (error: unknown) => SshError.is(error, 'host-key-changed'));
  });
});

describe('files and agents that are something else', () => {
  afterEach(async () => {
    disconnectAll();
    await cleanUp();
  });

  it('a pipe among the key files is passed over, and holds nobody up', async () => {
    const folder = newFolder('keys');
    const pipe = join(folder, 'pipe');
    execFileSync(required('mkfifo'), [pipe]);
    const [key, sshd] = [makeKey(join(folder, 'id')), await Sshd.start()];
    sshd.authorize(`${key}.pub`);
    assert.ok((await collect(hostOf(sshd, { identityFiles: [pipe, pipe, pipe, pipe, key], knownHostsFiles: [sshd.known()] }))).collection.complete);
  });

  it('an agent that does not answer is passed over', async () => {
    const folder = newFolder('agent');
    const socket = join(folder, 'agent');
    const agent = createServer().listen(socket);
    const ended = new Promise<void>(resolve => agent.once('connection', (client: Socket) => client.resume().once('close', () => resolve())));
    try {
      const [key, sshd] = [makeKey(join(folder, 'id')), await Sshd.start()];
      sshd.authorize(`${key}.pub`);
      assert.ok((await collect(hostOf(sshd, { agent: socket, identityFiles: [key], knownHostsFiles: [sshd.known()] }))).collection.complete);
      await ended; // it is hung up on
    } finally {
      agent.close();
    }
  });

  it('our own file of accepted keys whose last line was left open: both lines count', async () => {
    const sshd = await Sshd.start();
    const acceptedKeys = join(newFolder('accepted'), 'known_hosts');
    writeFileSync(acceptedKeys, readFileSync(sshd.known(), 'utf8').replace(/^\S+/, 'other').trimEnd());
    const person = new Person({ hostKey: true, passwords: [PASSWORD] });
    await collect(hostOf(sshd, { acceptedKeys, person }));
    assert.deepEqual(readFileSync(acceptedKeys, 'utf8').split('\n').map(line => line.split(' ')[0]), ['other', `[127.0.0.1]:${sshd.port}`, '']);
  });

  it('our own file cannot be written: said by name', async () => {
    const sshd = await Sshd.start();
    const acceptedKeys = join(newFolder('accepted'), 'known_hosts');
    mkdirSync(acceptedKeys);
    const error = await collect(hostOf(sshd, { acceptedKeys, person: new Person({ hostKey: true }) })).catch((reason: unknown) => reason);
    assert.ok(SshError.is(error, 'bad-config'), String(error));
    assert.equal(error.details.file, acceptedKeys);
  });

  it('a passphrase that two hosts wait for, and the one that asked is cancelled: the other asks', async () => {
    const key = makeKey(join(newFolder('keys'), 'id'), 'ed25519', 'open sesame');
    const keyring = new Keyring();
    const abort = new AbortController();
    const silent = new Person();
    const asked = new Promise<void>(resolve => {
      silent.passphrase = (_question, signal?: AbortSignal) => new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
        resolve();
      });
    });
    const [first, second] = await Promise.all([Sshd.start(), Sshd.start()]);
    for (const sshd of [first, second]) sshd.authorize(`${key}.pub`);
    const cancelled = collect(hostOf(first, { keyring, identityFiles: [key], knownHostsFiles: [first.known()], person: silent }), { signal: abort.signal }).catch((reason: unknown) => reason);
    await asked;
    const read = collect(hostOf(second, { keyring, identityFiles: [key], knownHostsFiles: [second.known()], person: new Person({ passphrases: ['open sesame'] }) }));
    await sleep(500);
    abort.abort();
    assert.ok(CollectError.is(await cancelled, 'cancelled'));
    assert.ok((await read).collection.complete);
  });

  it('what waited to be run is not run after a person has disconnected', async () => {
    const sshd = await Sshd.start();
    const key = makeKey(join(newFolder('keys'), 'id'));
    sshd.authorize(`${key}.pub`);
    const host = hostOf(sshd, { identityFiles: [key], knownHostsFiles: [sshd.known()] });
    await collect(host);
    const both = [collect(host), collect(host)].map(work => work.then(() => 'read', (error: unknown) => error));
    host.disconnect();
    for (const end of await Promise.all(both)) assert.notEqual(end, 'read');
    await sshd.nothingLeft();
    assert.equal(sshd.log().match(/Accepted publickey/g)?.length, 1);
  });
});
