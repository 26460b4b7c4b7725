// SPDX-License-Identifier: MIT
import {
  type CSSProperties,
  type KeyboardEvent,
  type ReactElement,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { goTo, usePerson, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button } from '../../ui/controls.tsx';
import styles from './tour.module.css';
import { tourSteps } from './tour-steps.ts';

const c = classes(styles);

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const cardWidth = 340;
const cardHeight = 190;
const gap = 12;

/** Beside what is pointed at, where there is room; inside its corner where it fills the window. */
function cardPlace(box: Box | undefined, window: { readonly width: number; readonly height: number }): CSSProperties {
  if (box === undefined) return { left: (window.width - cardWidth) / 2, top: window.height / 3 };
  const top = Math.max(gap, Math.min(box.top, window.height - cardHeight - gap));
  if (box.left + box.width + gap + cardWidth < window.width) return { left: box.left + box.width + gap, top };
  if (box.left - gap - cardWidth > 0) return { left: box.left - gap - cardWidth, top };
  if (box.top + box.height + gap + cardHeight < window.height)
    return { left: Math.max(gap, Math.min(box.left, window.width - cardWidth - gap)), top: box.top + box.height + gap };
  return { left: box.left + box.width - cardWidth - 24, top: box.top + box.height - cardHeight - 24 };
}

/** The guided tour. The page behind it stays alive; Esc, Leave and anything that goes elsewhere end it. */
export function Tour({ step }: { readonly step: number }): ReactElement | null {
  const now = tourSteps[step];
  const [box, setBox] = useState<Box>();
  const card = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (now === undefined) return;
    goTo(now.place, { tour: step, ...(now.section === undefined ? {} : { librarySection: now.section }) });
  }, [now, step]);
  useLayoutEffect(() => {
    if (now === undefined) return undefined;
    const find = (): void => {
      const rect = document.querySelector(now.target)?.getBoundingClientRect();
      setBox((before) => {
        if (rect === undefined || rect.width === 0) return undefined;
        const { left, top, width, height } = rect;
        return before !== undefined &&
          before.left === left &&
          before.top === top &&
          before.width === width &&
          before.height === height
          ? before
          : { left, top, width, height };
      });
    };
    // A place may be fetched first, and panels settle: looked for again whenever the page changes.
    const watch = new MutationObserver(find);
    watch.observe(document.body, { childList: true, subtree: true });
    window.addEventListener('resize', find);
    find();
    card.current?.querySelector<HTMLElement>('[data-autofocus]')?.focus();
    return () => {
      watch.disconnect();
      window.removeEventListener('resize', find);
    };
  }, [now]);
  if (now === undefined) return null;
  const leave = (): void => {
    usePerson.setState({ toured: true });
    useUi.setState({ tour: null });
  };
  const go = (next: number): void => {
    if (next >= tourSteps.length) leave();
    else useUi.setState({ tour: Math.max(0, next) });
  };
  const keyed = (event: KeyboardEvent): void => {
    const acts: Readonly<Record<string, () => void>> = {
      Escape: leave,
      ArrowRight: () => go(step + 1),
      ArrowLeft: () => go(step - 1),
    };
    const act = acts[event.key];
    if (act === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  const last = step === tourSteps.length - 1;
  const room = { width: window.innerWidth, height: window.innerHeight };
  return (
    <div className={c('tour')}>
      {box === undefined ? null : <div className={c('frame')} style={{ ...box }} aria-hidden="true" />}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Esc and arrows, beside the buttons that do the same */}
      <section ref={card} className={c('card')} aria-label="Guided tour" style={cardPlace(box, room)} onKeyDown={keyed}>
        <p className={c('count')}>
          Tour, {step + 1} of {tourSteps.length}
        </p>
        <div aria-live="polite">
          <h2>{now.title}</h2>
          <p>{now.text}</p>
        </div>
        <div className={c('acts')}>
          <Button kind="bare" size="small" onPress={leave}>
            Leave the tour
          </Button>
          <span className={c('grow')} />
          {step === 0 ? null : (
            <Button size="small" onPress={() => go(step - 1)}>
              Back
            </Button>
          )}
          <Button kind="primary" size="small" takesFocus onPress={() => go(step + 1)}>
            {last ? 'Done' : 'Next'}
          </Button>
        </div>
      </section>
    </div>
  );
}
