package vault

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// A Commitment is what turns a draft into a submission.
type Commitment struct {
	Channel  string
	Day      string // UTC, "2006-01-02": all that is kept of the time
	Epoch    uint64 // of the roster that the envelope is sealed to
	Envelope []byte

	// Receipt, when set, is put into the mailbox in the same transaction.
	Receipt *Receipt
}

// A commit is a submission ready to be stored.
type commit struct {
	id      ID
	header  []byte
	wrapped wrapped
	leaf    []byte
	receipt *Receipt
}

// Commit makes the submission visible and returns its id once it is on stable
// storage, and so is its leaf for the log. The items must be numbered from 0
// without a gap, and all closed. When it returns an error the submission does
// not exist and never will; the draft must then be discarded.
func (d *Draft) Commit(ctx context.Context, c Commitment) (ID, error) {
	if err := d.commit(ctx, c); err != nil {
		return ID{}, fmt.Errorf("failed to commit submission: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	return d.id, nil
}

func (d *Draft) commit(ctx context.Context, c Commitment) error {
	h, err := d.header(c)
	if err != nil {
		return err
	}
	ready := commit{id: d.id, receipt: c.Receipt}
	if ready.header, err = h.encode(); err != nil {
		return err
	}
	if ready.leaf, err = d.vault.submissionLeaf(d.id, h); err != nil {
		return err
	}
	if ready.wrapped, err = d.vault.wrap(d.id, c.Envelope); err != nil {
		return err
	}
	size := len(ready.header) + len(ready.wrapped.value) + len(ready.leaf)
	err = d.vault.update(ctx, size, func(tx *bolt.Tx) error {
		// The chunks before this in the queue may have failed since.
		if err := d.failure(); err != nil {
			return err
		}
		return ready.put(tx)
	})
	if err != nil {
		d.vault.giveBack(err, ready.wrapped)
	}
	return err
}

func (d *Draft) header(c Commitment) (Header, error) {
	h := Header{Channel: c.Channel, Day: c.Day, Epoch: c.Epoch}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.ended:
		return h, errors.New("the draft is ended already")
	case d.err != nil:
		return h, d.err
	case d.open > 0:
		return h, errors.New("an item of the draft is still open")
	case len(c.Envelope) == 0:
		return h, errors.New("the submission has no envelope")
	}
	for n := range uint32(len(d.items)) {
		i, ok := d.items[n]
		if !ok {
			return h, fmt.Errorf("item %d of the draft is missing", n)
		}
		h.Payloads, h.Digests = append(h.Payloads, i.length), append(h.Digests, i.digest)
	}
	return h, nil
}

func (c commit) put(tx *bolt.Tx) error {
	if c.receipt != nil {
		if err := c.receipt.put(tx); err != nil {
			return err
		}
	}
	if err := c.wrapped.put(tx, c.id); err != nil {
		return err
	}
	if err := put(tx.Bucket(bucketSubmissions), c.id[:], c.header); err != nil {
		return err
	}
	if err := putPending(tx, c.leaf); err != nil {
		return err
	}
	return tx.Bucket(bucketDrafts).Delete(c.id[:])
}
