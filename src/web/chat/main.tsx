import { startPage } from '../shared/start-page.ts';
import { texts } from '../shared/texts.ts';

startPage(texts.chat.title, () => <h1>{texts.chat.title}</h1>);
