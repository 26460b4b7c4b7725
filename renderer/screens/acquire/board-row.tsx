// SPDX-License-Identifier: MIT
import { type ReactElement, useState } from 'react';
import type { AcquireDevice } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Select } from '../../ui/controls.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

interface BoardProps {
  readonly board: AcquireDevice;
  readonly types: readonly { readonly type: string; readonly label: string }[];
  /** The type that a rig gives it; null where the person says it. */
  readonly rigType: string | null;
  readonly connectLabel: string;
  /** Why it cannot be connected now. */
  readonly off: string | undefined;
  readonly onConnect: (scopeType: string) => void;
}

/** A board on a USB port: what hangs on it, which one it is, and the way to its picture; or what stands against using it. */
export function BoardRow({ board, types, rigType, connectLabel, off, onConnect }: BoardProps): ReactElement {
  const core = useCore();
  const [type, setType] = useState(board.scopeType);
  const [blinks, setBlinks] = useState(false);
  const { id, name, problem, loss } = board;
  const scopeType = rigType ?? type;
  const identify = async (): Promise<void> => {
    setBlinks(true);
    await atRig('Identify', core.acquire.identify({ deviceId: id, scopeType }));
    setBlinks(false);
  };
  return (
    <div className={c('board')}>
      <b>{name}</b>
      {loss === undefined ? null : (
        <p className={c('quiet')}>
          {loss.message} {loss.fix}
        </p>
      )}
      {problem === null ? (
        <div className={c('buttons')}>
          {rigType === null ? (
            <Select
              label={`Scope on ${name}`}
              value={type}
              options={types.map((one) => ({ value: one.type, label: one.label }))}
              onChange={setType}
            />
          ) : null}
          <Button
            off={blinks ? 'Its light blinks now.' : undefined}
            title="Its light blinks three times, so that you see which scope hangs on this board"
            onPress={() => void identify()}
          >
            Identify
          </Button>
          <Button off={off} onPress={() => onConnect(scopeType)}>
            {connectLabel}
          </Button>
        </div>
      ) : (
        <p>
          {problem.message} {problem.fix}
        </p>
      )}
    </div>
  );
}
