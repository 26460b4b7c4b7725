// SPDX-License-Identifier: MIT
import { CircleX } from 'lucide-react';
import { Component, type ErrorInfo, type ReactElement, type ReactNode, useContext, useEffect } from 'react';
import { createPortal } from 'react-dom';
import { AppError } from '../../main/contract/index.ts';
import { report } from '../stores/messages.ts';
import { classes } from './classes.ts';
import { Bar, Button } from './controls.tsx';
import { DockedContext } from './dock/slots.ts';
import { Icon } from './icons.tsx';
import styles from './panel.module.css';

const c = classes(styles);

interface PanelProps {
  readonly title: string;
  /** One grey line of facts; of a list, those at the end are left out whole where there is no room. */
  readonly meta?: ReactNode | readonly string[];
  /** Controls at the right of the header. */
  readonly end?: ReactNode;
  readonly children: ReactNode;
  /** The ground of pictures and plots. */
  readonly well?: boolean;
  readonly scroll?: boolean;
  /** Name for keys that work only while the panel holds the focus. */
  readonly scope?: string;
  /** Grid area in the screen. */
  readonly area?: string;
}

/** A panel: frame and header stay the same whatever its body shows; a fault inside it leaves the other panels alone. */
export function Panel(props: PanelProps): ReactElement {
  const { title, meta, end, children, well = false, scroll = false, scope, area } = props;
  const docked = useContext(DockedContext);
  const facts = <Facts of={meta} />;
  useEffect(() => docked?.setTitle(title), [docked, title]);
  // What scrolls is scrolled by keys, too, where nothing inside it can be reached.
  const reached = scroll ? { tabIndex: 0 } : {};
  if (docked !== null) {
    return (
      <section
        className={c('panel docked')}
        aria-label={title}
        {...(scope === undefined ? {} : { 'data-scope': scope })}
      >
        <h2 className={c('unseen')}>{title}</h2>
        {docked.slots === undefined ? null : createPortal(facts, docked.slots.meta)}
        {docked.slots === undefined ? null : createPortal(end, docked.slots.end)}
        <div className={`${c('body', well && 'well', scroll && 'scroll')}${well ? ' on-well' : ''}`} {...reached}>
          <Boundary name={title}>{children}</Boundary>
        </div>
      </section>
    );
  }
  return (
    <section
      className={c('panel')}
      aria-label={title}
      {...(scope === undefined ? {} : { 'data-scope': scope })}
      {...(area === undefined ? {} : { style: { gridArea: area } })}
    >
      <div className={c('head')}>
        <h2>{title}</h2>
        {meta === undefined ? null : <span className={c('meta')}>{facts}</span>}
        {end === undefined ? null : <div className={c('end')}>{end}</div>}
      </div>
      <div className={`${c('body', well && 'well', scroll && 'scroll')}${well ? ' on-well' : ''}`} {...reached}>
        <Boundary name={title}>{children}</Boundary>
      </div>
    </section>
  );
}

function Facts({ of: facts }: { readonly of: PanelProps['meta'] }): ReactNode {
  if (facts === undefined || facts === null || facts === '') return null;
  if (!isList(facts)) return <span className={c('fact')}>{facts}</span>;
  return facts.map((fact) => <span key={fact}>{fact}</span>);
}

const isList = (facts: PanelProps['meta']): facts is readonly string[] => Array.isArray(facts);

interface EmptyProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
}

/** Nothing here yet: what is seen, and the way on. */
export function Empty({ title, children, actions }: EmptyProps): ReactElement {
  return (
    <div className={c('state')}>
      <b>{title}</b>
      {children}
      {actions === undefined ? null : <div className={c('acts')}>{actions}</div>}
    </div>
  );
}

interface LoadingProps {
  readonly title: string;
  /** Step `done + 1` of `steps`. */
  readonly step: number;
  readonly steps: number;
  readonly detail: string;
  /** Share of this step that is done, 0 to 1, where it is known. */
  readonly share?: number | undefined;
  readonly onCancel?: (() => void) | undefined;
}

/** Something is on its way: which step of how many, and how to stop it. */
export function Loading({ title, step, steps, detail, share = 0, onCancel }: LoadingProps): ReactElement {
  return (
    <div className={c('state')} role="status">
      <b>{title}</b>
      <p>
        {step} of {steps}: {detail}
      </p>
      <div className={c('progress')}>
        <Bar label={title} value={(step - 1 + share) / steps} />
      </div>
      {onCancel === undefined ? null : (
        <div className={c('acts')}>
          <Button onPress={onCancel}>Cancel</Button>
        </div>
      )}
    </div>
  );
}

interface FailedProps {
  readonly title: string;
  readonly error: unknown;
  readonly onRetry?: (() => void) | undefined;
  readonly retryLabel?: string;
  readonly actions?: ReactNode;
}

/** It did not work: the cause, then what to do. */
export function Failed({ title, error, onRetry, retryLabel = 'Try again', actions }: FailedProps): ReactElement {
  const known = AppError.from(error);
  return (
    <div className={c('state')} role="alert">
      <b className={c('cause')}>
        <Icon of={CircleX} />
        {title}
      </b>
      <p>{known.message}</p>
      {known.hint === undefined ? null : <p>{known.hint}</p>}
      <p className={c('dim')}>{known.code}</p>
      <div className={c('acts')}>
        {onRetry === undefined ? null : <Button onPress={onRetry}>{retryLabel}</Button>}
        {actions}
      </div>
    </div>
  );
}

interface BoundaryProps {
  readonly name: string;
  readonly children: ReactNode;
}

/** Keeps a fault of one panel inside that panel, says so, and offers to draw it anew. */
export class Boundary extends Component<BoundaryProps, { readonly fault: unknown }> {
  override state: { readonly fault: unknown } = { fault: undefined };

  static getDerivedStateFromError(fault: unknown): { readonly fault: unknown } {
    return { fault };
  }

  override componentDidCatch(fault: unknown, _info: ErrorInfo): void {
    report('error', this.props.name, `This panel stopped: ${fault instanceof Error ? fault.message : String(fault)}`);
  }

  override render(): ReactNode {
    if (this.state.fault === undefined) return this.props.children;
    return (
      <Failed
        title="This panel stopped"
        error={this.state.fault}
        retryLabel="Draw it again"
        onRetry={() => this.setState({ fault: undefined })}
      />
    );
  }
}
