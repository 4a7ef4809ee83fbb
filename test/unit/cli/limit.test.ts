import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Limit } from '../../../src/cli/limit';

describe('how long one look at a host may take', () => {
  const person = (): AbortController => new AbortController();

  it('so long, and each look anew', async () => {
    const limit = new Limit(person().signal, 0.1);
    const first = limit.start();
    await sleep(150);
    assert.deepEqual([first.aborted, limit.isOver], [true, true]);
    assert.equal(limit.start().aborted, false);
  });

  it('a person who is asked has all the time they want, and the host then has its own', async () => {
    const limit = new Limit(person().signal, 0.1);
    const look = limit.start();
    assert.equal(await limit.untimed(() => sleep(200, 'answer')), 'answer');
    assert.equal(look.aborted, false);
    await sleep(150);
    assert.equal(look.aborted, true);
  });

  it('a person who gives up ends it at once, and it was not the time', () => {
    const who = person();
    const limit = new Limit(who.signal, 60);
    const look = limit.start();
    who.abort();
    assert.deepEqual([look.aborted, limit.isOver], [true, false]);
  });
});
