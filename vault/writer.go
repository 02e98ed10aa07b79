package vault

import (
	"context"
	"errors"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

const (
	// groupBytes is how much one transaction takes at most. Measured: with
	// 16 MiB a transaction, bbolt writes as fast as a plain file that is synced
	// as often; 8 MiB are no slower and leave room for fifty uploads at once.
	groupBytes = 8 << 20

	// queueLength bounds what waits for the writer: as much as one group.
	queueLength = groupBytes / chunkSize
)

// An op is a change for the writer. apply runs inside a transaction that other
// ops share; when it returns an error it must not have changed anything. done
// is told apply's error, or the transaction's, once the outcome is durable.
type op struct {
	size  int
	apply func(*bolt.Tx) error
	done  func(error)
}

// write is the vault's one writer. It takes whatever is waiting, up to a group,
// into one transaction: while that one is synced the next group gathers.
func (v *Vault) write() {
	for first := range v.ops {
		v.commit(v.gather(first))
	}
}

func (v *Vault) gather(first op) []op {
	group, size := []op{first}, first.size
	for size < groupBytes {
		select {
		case next, ok := <-v.ops:
			if !ok {
				return group
			}
			group, size = append(group, next), size+next.size
		default:
			return group
		}
	}
	return group
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
	o := op{size: size, apply: apply, done: func(err error) { outcome <- err }}
	if err := v.enqueue(ctx, o); err != nil {
		return err
	}
	return <-outcome
}
