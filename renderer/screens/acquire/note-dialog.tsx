// SPDX-License-Identifier: MIT
import { type ReactElement, useState } from 'react';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { useAcquire } from '../../stores/acquire.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** A note for the recording under way, with the time at which it is written down. */
export function NoteDialog(): ReactElement {
  const core = useCore();
  const [text, setText] = useState('');
  const close = (): void => useAcquire.setState({ noteOpen: false });
  const write = (): void => {
    if (text.trim() === '') return;
    void atRig('Note', core.acquire.note({ text }));
    close();
  };
  return (
    <Dialog
      title="Note"
      width={480}
      top
      onClose={close}
      foot={
        <>
          <Button onPress={close}>Cancel</Button>
          <Button kind="primary" onPress={write} off={text.trim() === '' ? 'Write something first.' : undefined}>
            Write note
          </Button>
        </>
      }
    >
      <div className={c('noteForm')}>
        <Field
          label="Note"
          value={text}
          onChange={setText}
          onEnter={write}
          takesFocus
          maxLength={500}
          placeholder="What happens now"
        />
      </div>
    </Dialog>
  );
}
