/** `finchat bot`: gives the bot its settings, its log, WebSocket and HTTP, and ends it in good order on a signal. */
import { WebSocket } from 'ws';
import { runBot } from '../../bot/main.ts';
import { createLog } from '../../src/log.ts';
import type { Define } from '../context.ts';
import { addExamples } from '../help.ts';
import { untilInterrupted } from '../signals.ts';

export const define: Define = (command, context) => {
  command.description('Run the bot that answers /stock commands. Its settings are the FINBOT_* variables.');
  addExamples(command, [
    ['FINBOT_USERNAME=botuser FINBOT_PASSWORD=… FINBOT_ROOMS=investments finchat bot', 'one room'],
    ['FINBOT_TOKEN=… FINBOT_QUOTES=fixture finchat bot', 'all rooms, quotes from a file'],
  ]);
  command.action(async () => {
    const config = await context.config();
    const log = createLog({ level: config.logLevel, format: config.logFormat });
    await untilInterrupted((signal) =>
      runBot(
        {
          host: config.finbotHost,
          username: config.finbotUsername,
          password: config.finbotPassword,
          token: config.finbotToken,
          rooms: config.finbotRooms,
          quotes: config.finbotQuotes,
          stooqUrl: config.finbotStooqUrl,
          yahooUrl: config.finbotYahooUrl,
          fixtureFile: config.finbotFixtureFile,
          stateFile: config.finbotStateFile,
        },
        { signal, log, WebSocket, fetch },
      ),
    );
  });
};
