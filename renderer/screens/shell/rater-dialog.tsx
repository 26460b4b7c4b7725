// SPDX-License-Identifier: MIT
import { useMutation } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { takeWaiting } from '../../stores/waiting-decision.ts';
import { usePerson } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field, Note } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import styles from './shell.module.css';

const c = classes(styles);

/** Asks once who decides: every decision carries its rater's initials. */
export function RaterDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const core = useCore();
  const known = usePerson((state) => state.rater);
  const [initials, setInitials] = useState(known?.initials ?? '');
  const save = useMutation({
    mutationFn: (text: string) => core.review.addRater({ initials: text }),
    onSuccess: (rater) => {
      usePerson.setState({ rater });
      const waiting = takeWaiting();
      onClose();
      waiting?.();
    },
  });
  const close = (): void => {
    takeWaiting();
    onClose();
  };
  const submit = (): void => {
    if (initials.trim() !== '' && !save.isPending) save.mutate(initials.trim());
  };
  return (
    <Dialog
      title="Who decides?"
      onClose={close}
      width={400}
      top
      foot={
        <>
          <Button onPress={close}>Cancel</Button>
          <Button
            kind="primary"
            onPress={submit}
            off={initials.trim() === '' ? 'Type one to eight letters first.' : undefined}
          >
            Save initials
          </Button>
        </>
      }
    >
      <div className={c('form')}>
        <p>Each decision is kept with the initials of the person who made it. This browser remembers them.</p>
        <label htmlFor="rater-initials">
          Your initials
          <Field
            id="rater-initials"
            label="Your initials"
            value={initials}
            onChange={setInitials}
            onEnter={submit}
            maxLength={8}
            takesFocus
          />
        </label>
      </div>
      {save.error === null ? null : <Note kind="problem">{AppError.from(save.error).message}</Note>}
    </Dialog>
  );
}
