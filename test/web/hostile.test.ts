/** What people write stays text, wherever it is shown: in messages, names, topics, commands, drafts, and what administrators read. */
import test from 'ava';
import type { Actor } from '../../src/core/ports.ts';
import { startApp } from '../support/app.ts';
import { createPeopleTest, holds, type Person } from '../support/people.ts';
import { says as adminSays, appoint, goTo, openRoomPage } from './admin.ts';
import { composer, logIn, messages, openRoom, roomLink, rooms, say, says, settled } from './chat.ts';
import { textsWithin } from './page/look.ts';

const peopleTest = createPeopleTest(test);
const room = 'friends';

/** Ways into pages that build markup of text: OWASP's, those of old parsers, of URLs, of templates, and of Unicode. */
const corpus: readonly string[] = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(2)>',
  '"><svg onload=alert(3)>',
  '<svg><animate onbegin=alert(4) attributeName=x dur=1s>',
  '<a href="javascript:alert(5)">x</a>',
  'javascript:alert(6)',
  '[x](javascript:alert(7))',
  '<iframe srcdoc="<script>alert(8)</script>"></iframe>',
  '<math><mtext><table><mglyph><style><img src onerror=alert(9)>',
  '<style>*{display:none}</style>',
  '<link rel=stylesheet href=//evil.example/x.css>',
  '<meta http-equiv=refresh content="0;url=//evil.example">',
  '<base href=//evil.example>',
  '<form action=//evil.example><button>x',
  '<body onload=alert(10)>',
  '<details open ontoggle=alert(11)>',
  '<template><script>alert(12)</script></template>',
  '&lt;script&gt;alert(13)&lt;/script&gt;',
  '&#60;img src=x onerror=alert(14)&#62;',
  '</textarea><script>alert(15)</script>',
  '</title><script>alert(16)</script>',
  '--><script>alert(17)</script><!--',
  ']]><script>alert(18)</script>',
  "'-alert(19)-'",
  '{{constructor.constructor("alert(20)")()}}',
  '${alert(21)}',
  'https://example.org/"onmouseover="alert(22)',
  "https://example.org/'><script>alert(23)</script>",
  'https://user:pass@example.org@evil.example/%0Aalert(24)',
  'data:text/html,<script>alert(25)</script>',
  'vbscript:msgbox(26)',
  'java\tscript:alert(27)',
  '\u202Etxt.exe\u202C <b>28</b>',
  '<ſcript>alert(29)</ſcript>',
  '\uFF1Cscript\uFF1Ealert(30)\uFF1C/script\uFF1E',
  '<img src="x`` onerror=alert(31)>',
  '<x onclick=alert(32) id=x>press</x>',
  '__proto__',
  '@ada <b>33</b>',
  '<input autofocus onfocus=alert(34)>',
];

/** Elements that no text may become. */
const foreign =
  'iframe, object, embed, base, meta[http-equiv], #x, marquee, math, animate, mglyph, template, form[action]';

async function isUnharmed({ page }: Person): Promise<string[]> {
  return page.evaluate(`
    [...document.querySelectorAll(${JSON.stringify(foreign)}),
     ...[...document.querySelectorAll('*')].filter((one) => [...one.attributes].some(({ name }) => /^on/i.test(name))),
     ...[...document.querySelectorAll('script, link[rel=stylesheet]')].filter((one) => !new URL(one.src || one.href).pathname.startsWith('/assets/')),
     ...[...document.querySelectorAll('a[href]')].filter((one) => !/^(https?|mailto):$/.test(one.protocol) || /javascript:|data:|vbscript:/i.test(one.getAttribute('href'))),
    ].map((one) => one.outerHTML.slice(0, 200))`);
}

peopleTest('what people write stays text in the room, for the writer and for the reader', async (t, open) => {
  const app = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  await app.login('ada');
  await app.login('bob');
  const ada = await open(app.url);
  await logIn(ada, 'ada');
  const bob = await open(app.url);
  await logIn(bob, 'bob');
  await openRoom(ada, room);
  await openRoom(bob, room);
  for (const text of corpus) await say(ada, room, text);
  await settled(ada, room);
  for (const person of [ada, bob]) {
    for (const text of corpus) {
      await holds(`${text} is shown as it is`, async () => (await shownTexts(person)).includes(text.trim()));
    }
    t.deepEqual(await isUnharmed(person), []);
  }
  // From the history, too, and as a draft.
  await bob.page.reload();
  await composer(bob, room).waitFor();
  await holds('the history is there', async () => (await shownTexts(bob)).includes('<body onload=alert(10)>'));
  await composer(bob, room).fill(corpus[0] ?? '');
  t.deepEqual(await isUnharmed(bob), []);
});

/** The texts of all elements among the messages: the body of each message is one of them. */
function shownTexts(person: Person): Promise<string[]> {
  return messages(person, room).evaluate(textsWithin);
}

peopleTest('commands stay text', async (t, open) => {
  const app = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  await app.login('ada');
  const ada = await open(app.url);
  await logIn(ada, 'ada');
  await openRoom(ada, room);
  const bob = await app.chat('bob');
  await bob.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
  for (const [index, payload] of corpus.entries()) {
    const command = index % 2 === 0 ? 'foo' : '<img src=x onerror=alert(1)>';
    await bob.ask({ type: 'message', room_name: room, command, payload }, { code: 'custom', payload });
  }
  await holds('the last one is there', async () =>
    (await shownTexts(ada)).some((text) => text.includes('<input autofocus onfocus=alert(34)>')),
  );
  await composer(ada, room).pressSequentially('/');
  await composer(ada, room).pressSequentially('<');
  t.deepEqual(await isUnharmed(ada), []);
});

peopleTest('topics and names stay text, in the chat and for administrators', async (t, open) => {
  const app = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  await appoint(app, 'ada');
  const storage = await app.elsewhere();
  const operator: Actor = { userId: null, name: '<img src=x onerror=alert(1)>', via: 'command' };
  for (const [index, topic] of corpus.entries()) {
    await storage.rooms.create({ name: `room-${index}`, topic, createdAt: Date.now() }, operator);
  }
  const names = ['@a+b.c-d_e', 'ünïcödé', '山田太郎', '١٢٣', 'a@b.example', '__proto__', 'constructor'];
  for (const name of names) await app.login(name);
  const ada = await open(app.url);
  await logIn(ada, 'ada');
  await rooms(ada).getByRole('button', { name: says.rooms.refresh }).click();
  await roomLink(ada, 'room-39').waitFor();
  t.deepEqual(await isUnharmed(ada), []);
  await openRoom(ada, 'room-1');
  await ada.page
    .getByText(corpus[1] ?? '', { exact: true })
    .first()
    .waitFor();
  for (const name of names) {
    const client = await app.chat(name);
    await client.ask({ type: 'join', room_name: 'room-1' }, { code: 'joined', you: true });
    await client.ask({ type: 'message', room_name: 'room-1', body: corpus[0] }, { code: 'message' });
  }
  await messages(ada, 'room-1').getByText(says.messages.joined('constructor')).waitFor();
  t.deepEqual(await isUnharmed(ada), []);

  await ada.page.goto(`${app.url}/admin`);
  await ada.page.getByRole('heading', { level: 1, name: adminSays.parts.now }).waitFor();
  for (const part of ['rooms', 'messages', 'users', 'audit'] as const) {
    await goTo(ada, part);
    await ada.page
      .getByRole('main')
      .getByText(/script|constructor|room-/)
      .first()
      .waitFor();
    t.deepEqual(await isUnharmed(ada), [], part);
  }
  await openRoomPage(ada, 'room-0');
  await ada.page
    .getByText(corpus[0] ?? '', { exact: true })
    .first()
    .waitFor();
  t.deepEqual(await isUnharmed(ada), []);
});
