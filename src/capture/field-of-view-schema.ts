import * as z from 'zod';

const offset = z.number().int().nonnegative();
const size = z.number().int().positive();

/** A field of view as it stands in files: journals, exemplars. */
export const fieldOfViewSchema = z.strictObject({
  x: offset,
  y: offset,
  width: size,
  height: size,
  sourceWidth: size,
  sourceHeight: size,
  outline: z
    .array(z.tuple([z.number(), z.number()]).readonly())
    .readonly()
    .optional(),
});
