package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// groupBytes is how much one transaction takes at most. Measured: with
	// 16 MiB a transaction, bbolt writes as fast as a plain file that is synced
	// as often; 8 MiB are no slower and leave room for fifty uploads at once.
	groupBytes = 8 << 20

	// queueLength bounds what waits for the writer: as much as one group.
	queueLength = groupBytes / chunkSize

	// linger is how long a chunk that nobody waits for may wait for others.
	// Without it a fast disk makes thousands of small transactions, each with
	// its two syncs; an upload learns nothing from them.
	linger = 50 * time.Millisecond
)

// An op is a change for the writer. apply runs inside a transaction that other
// ops share; when it returns an error it must not have changed anything. done
// is told apply's error, or the transaction's, once the outcome is durable.
type op struct {
	size    int
	awaited bool // somebody stands still until done
	alone   bool // in a transaction of its own, undone when apply returns an error
	apply   func(*bolt.Tx) error
	between func() error // instead of apply: runs while there is no transaction
	done    func(error)
}

// write is the vault's one writer. It takes up to a group into one transaction:
// while that one is synced the next group gathers.
func (v *Vault) write() {
	for first := range v.ops {
		for next := &first; next != nil; {
			var group []op
			group, next = v.gather(*next)
			v.commit(group)
		}
	}
}

// gather takes what is waiting, and lingers for more as long as that keeps
// nobody from going on. An op that wants to be alone ends the group, and is
// returned for the next.
func (v *Vault) gather(first op) (group []op, left *op) {
	group = []op{first}
	if first.alone {
		return group, nil
	}
	size, awaited := first.size, first.awaited
	patience := time.NewTimer(linger)
	defer patience.Stop()
	for size < groupBytes {
		next, ok := v.nextOp(awaited, patience.C)
		if !ok {
			break
		}
		if next.alone {
			return group, &next
		}
		group, size, awaited = append(group, next), size+next.size, awaited || next.awaited
	}
	return group, nil
}

// nextOp returns the next op, or false when it is time to write what there is.
func (v *Vault) nextOp(atOnce bool, over <-chan time.Time) (next op, ok bool) {
	select {
	case next, ok = <-v.ops:
		return next, ok
	default:
	}
	if atOnce {
		return op{}, false
	}
	select {
	case next, ok = <-v.ops:
		return next, ok
	case <-over:
		return op{}, false
	}
}

// commit runs a group in one transaction and tells each op what became of it.
func (v *Vault) commit(group []op) {
	refused := make([]error, len(group))
	err := v.InPlace()
	switch {
	case v.hasFailed():
		err = ErrFailed
	case err != nil:
	case group[0].between != nil:
		if err = fromDisk(guarded(group[0].between)); err != nil && isFull(err) {
			err = fmt.Errorf("%w: %w", ErrFull, err)
		}
	default:
		err = v.transact(group, refused)
	}
	if err == nil {
		// Nobody is told that something is kept in a file that has no name.
		if err = v.InPlace(); err != nil {
			err = unsure{err}
		}
	}
	for i, o := range group {
		if err != nil {
			refused[i] = err
		}
		o.done(refused[i])
	}
}

// transact runs the transaction. When there is no room for it, or a page that it
// needs cannot be read, nothing has changed. When it fails for another reason, nobody knows what reached the disk:
// bbolt's meta page can be written, and visible, though its fsync failed. Going on
// could erase under a visible submission, so the vault changes nothing any more.
func (v *Vault) transact(group []op, refused []error) error {
	undone, attempt, size := false, 0, 0
	for _, o := range group {
		size += o.size
	}
	err := fromDisk(v.transaction(func(tx *bolt.Tx) error {
		attempt = tx.ID()
		for i, o := range group {
			refused[i] = o.apply(tx)
		}
		undone = group[0].alone && refused[0] != nil
		if undone {
			return refused[0]
		}
		return nil
	}))
	switch {
	case err == nil:
		v.full.pass(size)
	case undone:
	case errors.Is(err, errFault) && !v.isVisible(attempt):
	case isFull(err) && !v.isVisible(attempt):
		err = fmt.Errorf("%w: %w", ErrFull, err)
		v.full.note(size, err)
	default:
		close(v.failed)
	}
	return err
}

// isVisible tells whether the meta page of a failed transaction was written: it
// comes last. Its sync may have failed, and still it may be on the disk.
func (v *Vault) isVisible(attempt int) bool {
	visible := true
	err := v.db.View(func(tx *bolt.Tx) error {
		visible = attempt > 0 && tx.ID() >= attempt
		return nil
	})
	return err != nil || visible
}

func (v *Vault) hasFailed() bool {
	select {
	case <-v.failed:
		return true
	default:
		return false
	}
}

// enqueue hands an op to the writer, waiting while the queue is full.
func (v *Vault) enqueue(ctx context.Context, o op) error {
	v.gate.RLock()
	defer v.gate.RUnlock()
	if v.closed {
		return ErrClosed
	}
	select {
	case v.ops <- o:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// update runs apply on the writer and waits until its outcome is durable. Once
// queued it is waited for even when ctx ends: the caller must learn what
// became of it.
func (v *Vault) update(ctx context.Context, size int, apply func(*bolt.Tx) error) error {
	return v.await(ctx, op{size: size, apply: apply})
}

// updateAlone is update in a transaction of its own: an error of apply undoes
// what it did.
func (v *Vault) updateAlone(ctx context.Context, apply func(*bolt.Tx) error) error {
	return v.await(ctx, op{alone: true, apply: apply})
}

func (v *Vault) await(ctx context.Context, o op) error {
	outcome := make(chan error, 1)
	o.awaited, o.done = true, func(err error) { outcome <- err }
	if err := v.enqueue(ctx, o); err != nil {
		return err
	}
	return <-outcome
}
