/** The text that answers `help`: every client message with an example. */
export const helpText = `Send one JSON object in each text frame. Any of them may carry "ref" (1 to 64 characters), which comes back on its answer.

{"type": "help"}
  Shows this text.
{"type": "list"}
  Lists all rooms, and whether you are in them.
{"type": "join", "room_name": "friends"}
  Joins a room. You get its users and its last 50 messages. With "since": 41 (and "epoch", as "status" gave it)
  you get the messages after number 41 instead.
{"type": "part", "room_name": "friends"}
  Leaves a room.
{"type": "message", "room_name": "friends", "body": "Hello everyone!"}
  Says something in a room that you are in. With a "ref" you may send it again: it is stored once.
{"type": "custom", "room_name": "investments", "command": "stock", "payload": "aapl.us"}
  Sends the command /stock=aapl.us to a room that you are in, for bots to answer. The same with "type": "message".
{"type": "history", "room_name": "friends", "before": 42, "limit": 50}
  Fetches older messages of a room that you are in: those before number 42, up to 200 at once.`;
