/**
 * What the first message says unless an operator has set `MOTD`: where somebody who tries the protocol by hand finds
 * more. The pages show only what an operator says.
 */
export const defaultMotd: string = 'Welcome to finchat. Send {"type": "help"} to see what you can say.';
