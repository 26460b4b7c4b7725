// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { forgetLayout, keepLayout, keptLayout, type LayoutStorage } from '../../../renderer/ui/dock/layout.ts';

function storage(): LayoutStorage & { readonly values: Map<string, string> } {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

const known = new Set(['map', 'movie']);
const layout = { grid: { root: {} }, panels: { map: { id: 'map' } } };

describe('the layout of a place', () => {
  it('comes back as it was kept, for its own place only, until it is forgotten', () => {
    const kept = storage();
    keepLayout(kept, 'review', layout);
    expect(keptLayout(kept, 'review', known)).toEqual(layout);
    expect(keptLayout(kept, 'explore', known)).toBeUndefined();
    forgetLayout(kept, 'review');
    expect(keptLayout(kept, 'review', known)).toBeUndefined();
  });

  it('is none when it is damaged, empty or names a panel that is no longer there', () => {
    const kept = storage();
    for (const text of ['{', '[]', 'null', '{"grid":{},"panels":{}}', '{"panels":{"map":{}}}']) {
      kept.values.set('calyx.layout.review', text);
      expect(keptLayout(kept, 'review', known)).toBeUndefined();
    }
    keepLayout(kept, 'review', { ...layout, panels: { map: {}, sonar: {} } });
    expect(keptLayout(kept, 'review', known)).toBeUndefined();
  });

  it('does not stop the window when the browser keeps nothing', () => {
    const full: LayoutStorage = {
      getItem: () => {
        throw new Error('forbidden');
      },
      setItem: () => {
        throw new Error('full');
      },
      removeItem: () => undefined,
    };
    keepLayout(full, 'review', layout);
    expect(keptLayout(full, 'review', known)).toBeUndefined();
  });
});
