// Mocha root hooks of the browser suites: a picture of what went wrong, and nothing left open.
import { closeAll, screenshotAll } from './page.mjs';

export const mochaHooks = {
  async afterEach() {
    if (this.currentTest.state !== 'failed') return;
    for (const file of await screenshotAll(`FAILED ${this.currentTest.fullTitle()}`)) console.log(`      picture: ${file}`);
  },
  afterAll: closeAll,
};
