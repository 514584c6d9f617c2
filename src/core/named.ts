/**
 * Users and rooms by the names that people give. A name that nobody can have is not looked up: it may not even be
 * storable.
 */
import { roomNameFault, usernameFault } from '../protocol/names.ts';
import { normalForm } from '../protocol/text.ts';
import { NotFound } from './errors.ts';
import type { Room, RoomStore, User, UserStore } from './ports.ts';

/** Without regard to case and width. */
export async function userNamed(users: Pick<UserStore, 'findByName'>, username: string): Promise<User | undefined> {
  const name = normalForm(username);
  const found = usernameFault(name) === undefined ? await users.findByName(name) : undefined;
  if (found === undefined) return undefined;
  const { passwordHash: _, ...user } = found;
  return user;
}

/** Matched exactly. */
export async function roomNamed(rooms: Pick<RoomStore, 'findByName'>, name: string): Promise<Room | undefined> {
  return roomNameFault(name) === undefined ? rooms.findByName(name) : undefined;
}

/** As `userNamed`. Rejects with `NotFound`. */
export async function findUser(users: Pick<UserStore, 'findByName'>, username: string): Promise<User> {
  const user = await userNamed(users, username);
  if (user === undefined) throw new NotFound('user', username);
  return user;
}

/** As `roomNamed`. Rejects with `NotFound`. */
export async function findRoom(rooms: Pick<RoomStore, 'findByName'>, name: string): Promise<Room> {
  const room = await roomNamed(rooms, name);
  if (room === undefined) throw new NotFound('room', name);
  return room;
}
