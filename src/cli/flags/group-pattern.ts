import { messageOf, UsageError } from '../../common/errors.js';

/**
 * The value of `--group-pattern`, whose first group names what a picture belongs to: patient, examination or source.
 * @throws UsageError `option` for a pattern that is none, or has no group.
 */
export function groupPattern(text: string): RegExp {
  try {
    const pattern = new RegExp(text, 'u');
    if (!text.includes('(')) throw new Error('it has no group in parentheses');
    return pattern;
  } catch (error) {
    throw new UsageError('option', `--group-pattern ${text}: ${messageOf(error)}`, {
      remedy: 'For files named patient-12-01.png write --group-pattern "patient-([0-9]+)".',
      cause: error,
    });
  }
}
