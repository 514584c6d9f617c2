/** The fields of what administrators send, each with all of its rules, so that all faults of all fields come at once. */
import { z } from 'zod';
import { lineFault } from '../core/fields.ts';
import { type AuditAct, auditActs } from '../protocol/admin.ts';
import { limits } from '../protocol/limits.ts';
import { roomNameFault } from '../protocol/names.ts';
import { text } from './guard.ts';

export const roomName: z.ZodType<string> = ruled(text, roomNameFault);
export const topic: z.ZodType<string> = ruled(text, (value) => lineFault(value, limits.topicLength));
export const banReason: z.ZodType<string> = ruled(text, (value) => lineFault(value, limits.banReasonLength));

export const auditAct: z.ZodType<AuditAct | undefined> = z
  .enum(auditActs, { error: 'There is no act of this name.' })
  .optional();

function ruled(schema: z.ZodString, faultOf: (value: string) => string | undefined): z.ZodType<string> {
  return schema.superRefine((value, check) => {
    const fault = faultOf(value);
    if (fault !== undefined) check.addIssue({ code: 'custom', message: fault });
  });
}
