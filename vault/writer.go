package vault

import (
	"context"
	"errors"
	"syscall"
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
	apply   func(*bolt.Tx) error
	done    func(error)
}

// write is the vault's one writer. It takes up to a group into one transaction:
// while that one is synced the next group gathers.
func (v *Vault) write() {
	for first := range v.ops {
		v.commit(v.gather(first))
	}
}

// gather takes what is waiting, and lingers for more as long as that keeps
// nobody from going on.
func (v *Vault) gather(first op) []op {
	group, size, awaited := []op{first}, first.size, first.awaited
	patience := time.NewTimer(linger)
	defer patience.Stop()
	for size < groupBytes {
		next, ok := v.nextOp(awaited, patience.C)
		if !ok {
			break
		}
		group, size, awaited = append(group, next), size+next.size, awaited || next.awaited
	}
	return group
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

// commit runs a group in one transaction. When that fails for another reason
// than a full disk, nobody knows what reached the disk: bbolt's meta page can
// be written, and visible, though its fsync failed. Going on could erase under
// a visible submission, so the vault changes nothing any more.
func (v *Vault) commit(group []op) {
	refused := make([]error, len(group))
	if v.hasFailed() {
		for _, o := range group {
			o.done(ErrFailed)
		}
		return
	}
	err := v.db.Update(func(tx *bolt.Tx) error {
		for i, o := range group {
			refused[i] = o.apply(tx)
		}
		return nil
	})
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		close(v.failed)
	}
	for i, o := range group {
		if err != nil {
			refused[i] = err
		}
		o.done(refused[i])
	}
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
	outcome := make(chan error, 1)
	o := op{size: size, awaited: true, apply: apply, done: func(err error) { outcome <- err }}
	if err := v.enqueue(ctx, o); err != nil {
		return err
	}
	return <-outcome
}
