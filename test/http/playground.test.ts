import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright-core';
import t from 'tap';
import { buildApp } from '../../src/app.js';
import { loadTestService } from '../support.js';

function chromiumPath(): string {
  for (const name of [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome']) {
    if (!name) continue;
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {
      // not this one
    }
  }
  throw new Error('no Chromium; test/setup.sh installs it');
}

const service = await loadTestService();
const app = await buildApp({ service });
const address = await app.listen({ host: '127.0.0.1', port: 0 });
const browser = await chromium.launch({
  executablePath: chromiumPath(),
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
  ],
});
t.teardown(async () => {
  await browser.close();
  await app.close();
  await service.dispose();
});

t.test('a person describes a business and reads five names', async (t) => {
  const page = await browser.newPage();
  const failures: string[] = [];
  page.on('pageerror', (error) => failures.push(error.message));
  await page.goto(address);
  await page.getByLabel('What is the business?').fill('dog groomer in Lyon');
  await page.getByRole('button', { name: 'Suggest' }).click();
  await page.locator('li').nth(4).waitFor();
  t.equal(await page.locator('li').count(), 5);
  t.match(await page.locator('li').first().textContent(), /^[a-z0-9-]+\d+ %$/);
  t.match(await page.getByRole('status').textContent(), /^\d+ ms, model /);
  t.same(failures, []);
});

t.test('a refusal and a mistake are told, not swallowed', async (t) => {
  const page = await browser.newPage();
  await page.goto(address);
  await page.getByLabel('What is the business?').fill('cocaine delivery service');
  await page.getByRole('button', { name: 'Suggest' }).click();
  await page.getByText('We do not name').waitFor();
  t.equal(await page.locator('li').count(), 0);
  await page.getByLabel('What is the business?').fill('   a   ');
  await page.getByRole('button', { name: 'Suggest' }).click();
  await page.getByText('description:').waitFor();
  t.pass();
});

t.test('the API page shows the routes', async (t) => {
  const page = await browser.newPage();
  await page.goto(`${address}/docs`);
  await page.getByText('Suggest domain names for a business').first().waitFor();
  t.pass();
});
