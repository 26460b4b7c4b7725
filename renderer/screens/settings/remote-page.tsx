// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Choice, Note } from '../../ui/controls.tsx';
import { Failed, Loading } from '../../ui/panel.tsx';
import { Part, Row } from './parts.tsx';
import styles from './settings.module.css';

const c = classes(styles);

/** A client in ten lines, for Node 22 and newer: starts, notes, stops. The same as in the documentation. */
const client = `const [address, token] = process.argv.slice(2);
const socket = new WebSocket(address);
const send = (message) => socket.send(JSON.stringify(message));
const calls = [['acquire.start', {}], ['acquire.note', { text: 'from outside' }], ['acquire.stop', {}]];
const next = (id) => (calls[id] ? send({ t: 'call', id, name: calls[id][0], input: calls[id][1] }) : socket.close());
socket.onopen = () => send({ t: 'hello', version: 1, token });
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  console.log(message.t, message.value ?? message.error?.message ?? '');
  next(message.t === 'welcome' ? 0 : message.id + 1);
};`;

/** Lets other programs of this machine start, note and stop a recording, once somebody allows it. */
export function RemotePage(): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const [shown, setShown] = useState(false);
  const state = useQuery({ queryKey: ['remote'], queryFn: () => core.acquire.remote({}), staleTime: 0 });
  const set = useMutation({
    mutationFn: (on: boolean) => core.acquire.remote({ on }),
    onSuccess: (next) => {
      setShown(false);
      queries.setQueryData(['remote'], next);
    },
  });
  if (state.isPending) return <Loading title="Opening" step={1} steps={1} detail="asking whether it is on" />;
  if (state.isError)
    return <Failed title="It could not be asked" error={state.error} onRetry={() => void state.refetch()} />;
  const { on, address, token } = state.data;
  return (
    <div className={c('page')}>
      <Part title="Remote control">
        <p>
          Behaviour software on this machine may start and stop a recording, write notes and follow its state: nothing
          else. Nobody from outside this machine reaches it.
        </p>
        <Row label="Other programs" help={on ? 'Off ends their connections' : 'Each time with a new token'}>
          <Choice
            label="Remote control"
            value={on ? 'on' : 'off'}
            onChange={(value) => set.mutate(value === 'on')}
            options={[
              { value: 'on', label: 'On' },
              { value: 'off', label: 'Off' },
            ]}
          />
        </Row>
        {on ? (
          <>
            <Row label="Address">
              <span className={c('mono')}>{address ?? 'not served here'}</span>
              <Copy text={address} />
            </Row>
            <Row label="Token" help="Good until it is switched off">
              <span className={c('mono')}>{shown ? token : '•'.repeat(24)}</span>
              <Button size="small" kind="bare" pressed={shown} onPress={() => setShown(!shown)}>
                {shown ? 'Hide' : 'Show'}
              </Button>
              <Copy text={token} />
            </Row>
          </>
        ) : null}
        {set.error === null ? null : <Note kind="problem">{AppError.from(set.error).message}</Note>}
      </Part>
      <Part title="A client in ten lines">
        <p>
          Save it as <span className={c('mono')}>client.mjs</span> and run{' '}
          <span className={c('mono')}>node client.mjs {'<address> <token>'}</span>.
        </p>
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by keyboard */}
        <pre className={c('code')} tabIndex={0} aria-label="Client">
          {client}
        </pre>
        <div className={c('acts')}>
          <Copy text={client} />
        </div>
      </Part>
    </div>
  );
}

function Copy({ text }: { readonly text: string | null }): ReactElement {
  return (
    <Button
      size="small"
      off={text === null ? 'There is nothing to copy.' : undefined}
      onPress={() => void navigator.clipboard.writeText(text ?? '')}
    >
      Copy
    </Button>
  );
}
