// SPDX-License-Identifier: MIT
/** The page's policy forbids making code from text, which zod would otherwise probe for. Import this before any schema. */
import { z } from 'zod';

z.config({ jitless: true });
