/** That the tests of the pages would notice: what must not happen is made to happen on the real pages. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { createPeopleTest, holds, violations } from '../support/people.ts';

const peopleTest = createPeopleTest(test);

for (const [what, script, fault] of [
  ['an exception', "setTimeout(() => { throw new Error('thrown') })", /^exception: Error: thrown/],
  ['an error in the console', "console.error('noted')", /^console: noted/],
  ['a dialog', "setTimeout(() => alert('seen'))", /^dialog: seen/],
  ['a request to another origin', "fetch('http://127.0.0.1:9/x').catch(() => {})", /^policy: connect-src/],
  ['a picture of another origin', "new Image().src = 'http://127.0.0.1:9/x.png'", /^policy: img-src/],
  ['markup out of text', "try { document.body.innerHTML = '<b>x</b>' } catch {}", /^policy: require-trusted-types-for/],
  [
    'an inline script',
    "document.body.append(Object.assign(document.createElement('script'), { src: 'data:text/javascript,1' }))",
    /^(policy: (script-src|require-trusted-types-for)|exception)/,
  ],
] as const) {
  peopleTest(`${what} on a page is noted`, async (t, open) => {
    const { url } = await startApp(t);
    const person = await open(url);
    t.deepEqual(person.faults, []);
    await person.page.evaluate(script).catch(() => {});
    await holds('it is noted', () => person.faults.some((one) => fault.test(one)));
    person.expects(/./);
  });
}

peopleTest('what axe-core would find is found, though the page’s policy lets no script in', async (t, open) => {
  const { url } = await startApp(t);
  const { page } = await open(url);
  await page.evaluate("document.body.append(document.createElement('button'), document.createElement('img'))");
  const found = await violations(page);
  t.true(found.some((one) => one.startsWith('button-name')));
  t.true(found.some((one) => one.startsWith('image-alt')));
});
