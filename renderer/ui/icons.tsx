// SPDX-License-Identifier: MIT
import type { LucideIcon } from 'lucide-react';
import type { ReactElement } from 'react';

interface IconProps {
  readonly of: LucideIcon;
  /** 16 px beside text, 12 in tables, 20 in the rail. */
  readonly size?: 12 | 16 | 20;
}

const strokes = { 12: 2.25, 16: 1.75, 20: 1.5 } as const;

/** A Lucide icon at the weight that belongs to its size; always beside a word or inside something with a label. */
export function Icon({ of: Shape, size = 16 }: IconProps): ReactElement {
  // It grows with the text it stands beside.
  const side = `calc(${String(size)}px * var(--room))`;
  return <Shape size={size} style={{ width: side, height: side }} strokeWidth={strokes[size]} aria-hidden="true" />;
}

/** The mark of the program. */
export function Mark(): ReactElement {
  return (
    <svg
      width="24"
      height="24"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      aria-hidden="true"
    >
      <path d="M5 4.5c0 8 1.6 13 7 15 5.4-2 7-7 7-15-3.6.6-5.7 2.4-7 5.5C10.7 6.9 8.600 5.1 5 4.500Z" />
      <circle cx="12" cy="14" r="1.6" fill="currentColor" stroke="none" />
    </svg>
  );
}
