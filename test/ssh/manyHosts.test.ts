import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { SshError } from '../../src/core/errors';
import { Turns } from '../../src/core/host/turns';
import { cleanUp, newFolder } from '../kernel/support/cleanUp';
import { collect, disconnectAll, hostOf } from './support/client';
import { Sshd, freePort, makeKey } from './support/sshd';

/** Sees how many have their turn at a time. */
class WatchedTurns extends Turns {
  most = 0;
  private now = 0;

  override async take(signal: AbortSignal): Promise<() => void> {
    const end = await super.take(signal);
    this.most = Math.max(this.most, ++this.now);
    let ended = false;
    return () => {
      if (!ended) this.now--;
      ended = true;
      end();
    };
  }
}

describe('forty hosts', function () {
  this.timeout(120_000);
  afterEach(async () => {
    disconnectAll();
    await cleanUp();
  });

  it('connect and are read at once, four at a time; two that are dead hold nobody up', async () => {
    const key = makeKey(join(newFolder('client'), 'id'));
    const sshds = await Promise.all(Array.from({ length: 38 }, () => Sshd.start()));
    for (const sshd of sshds) sshd.authorize(`${key}.pub`);
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise(resolve => silent.once('listening', resolve));
    try {
      const turns = new WatchedTurns(4, 60_000); // nobody is passed over for being slow: the dead ones must not matter
      const patient = new WatchedTurns(4, 500);
      for (const [name, each] of [['in order', turns], ['the silent one first', patient]] as const) {
        const abort = new AbortController();
        const dead = [hostOf({ port: await freePort() }, { turns: each }), hostOf(silent.address() as { port: number }, { turns: each })] as const;
        const refused = collect(dead[0]).catch((error: unknown) => error);
        let isWaiting = true;
        const unanswered = collect(dead[1], { signal: abort.signal })
          .catch((error: unknown) => error)
          .finally(() => (isWaiting = false));
        const hosts = sshds.map(sshd => hostOf(sshd, { turns: each, identityFiles: [key], knownHostsFiles: [sshd.known()] }));
        for (let round = 0; round < 2; round++) {
          const models = await Promise.all(hosts.map(host => collect(host)));
          assert.ok(models.every(model => model.collection.complete), name);
        }
        assert.ok(SshError.is(await refused, 'unreachable'));
        assert.ok(isWaiting, 'the silent host was not waited for');
        abort.abort();
        await unanswered;
        disconnectAll();
      }
      assert.ok(turns.most <= 4, `${turns.most} at a time`);
      await Promise.all(sshds.map(sshd => sshd.nothingLeft()));
    } finally {
      silent.close();
    }
  });
});
