package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sourdine/journalist-ui/unseal"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/seal"
)

// Renewed says what [Desk.Renew] did.
type Renewed struct {
	Made   int               // new envelopes, in the outbox
	Failed map[string]string // by submission: why it stays as it is
}

// Renew makes new envelopes for a channel's old submissions: it opens each one's
// envelope with the reviewer's key and seals the same session key to the roster
// that a person was shown. They go with the next return parcel. The payloads stay
// what they are (promise 10), and no session key touches the disk.
//
// Interrupted, it keeps what it made; again, it makes the rest. When the roster is
// another one by now the error is [ErrRosterChanged].
func (d *Desk) Renew(ctx context.Context, confirmed Renewal) (Renewed, error) {
	done := Renewed{Failed: map[string]string{}}
	release, err := d.lockImport()
	if err != nil {
		return done, err
	}
	defer release()
	if err := d.settleFindings(ctx); err != nil {
		return done, err
	}
	h, err := d.history()
	if err != nil {
		return done, err
	}
	if err := errors.Join(makeFolders(d.home, d.envelopesFolder()), d.sweepEnvelopes(h)); err != nil {
		return done, err
	}
	err = d.withLog(func(book *witness.Book) error { return d.renewAll(ctx, book, h, confirmed, &done) })
	return done, errors.Join(err, syncFolder(d.envelopesFolder()))
}

func (d *Desk) renewAll(ctx context.Context, book *witness.Book, h *history, confirmed Renewal, done *Renewed) error {
	all, err := d.renewals(ctx, book, confirmed.Channel)
	if err != nil || len(all) == 0 {
		return err
	}
	r := all[0]
	switch {
	case r.Problem != nil:
		return r.Problem
	case r.roster.Sum != confirmed.roster.Sum || !slices.Equal(r.Readers, confirmed.Readers):
		return ErrRosterChanged
	}
	queued, err := d.queuedEnvelopes()
	if err != nil {
		return err
	}
	stale := map[string][]queuedEnvelope{}
	for _, q := range h.sortEnvelopes(book, queued).stale {
		stale[q.id] = append(stale[q.id], q)
	}
	for _, id := range r.IDs {
		if err := ctx.Err(); err != nil {
			return err
		}
		envelope, err := d.reseal(book, id, r)
		if err != nil {
			done.Failed[id] = err.Error()
			continue
		}
		if err := d.queue(queuedOf(id, r.roster.Epoch, envelope), envelope, stale[id]); err != nil {
			return err
		}
		done.Made++
	}
	return nil
}

// reseal makes a new envelope, and looks at it as every desk will: what the server
// puts in the place of the old one must open.
func (d *Desk) reseal(book *witness.Book, id string, r Renewal) ([]byte, error) {
	at, err := d.store().at(id)
	if err != nil {
		return nil, err
	}
	e, err := d.store().entry(id)
	if err != nil {
		return nil, err
	}
	old, err := at.envelope()
	if err != nil || digestOf(old) != e.Envelope.SHA256 {
		return nil, fmt.Errorf("its envelope here: %w", unseal.ErrDamaged)
	}
	key, v2, err := d.key.SessionKey(old)
	if err != nil {
		return nil, fmt.Errorf("its envelope here: %w", err)
	}
	fresh, err := seal.Reseal(r.sealTo, key, v2, time.Now())
	if err != nil {
		return nil, err
	}
	if again, _, err := d.key.SessionKey(fresh); err != nil || !bytes.Equal(again, key) {
		return nil, errors.New("the new envelope does not open")
	}
	e.Epoch = r.roster.Epoch
	for _, f := range book.Check(received(e, fresh)) {
		if !f.Kind.Notice() {
			return nil, &witness.Refused{Finding: f}
		}
	}
	return fresh, nil
}

// queue puts a new envelope into the outbox, in the place of those that it
// overtakes.
func (d *Desk) queue(q queuedEnvelope, envelope []byte, overtaken []queuedEnvelope) error {
	if err := placeFile(d.envelopesFolder(), q.name(), envelope); err != nil {
		return err
	}
	for _, old := range overtaken {
		if err := d.dropEnvelope(old); err != nil {
			return err
		}
	}
	return nil
}
