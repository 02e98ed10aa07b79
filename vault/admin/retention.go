package admin

import (
	"context"
	"errors"
	"time"

	"sourdine/vault"
	"sourdine/vault/translog"
)

const (
	// upkeepPause is how often a running server does what is to be done daily.
	upkeepPause = 24 * time.Hour

	// finishPause is how often it tries to end what the disk did not let end.
	finishPause = 10 * time.Second

	// retainAtOnce is how many submissions are looked up before they are deleted.
	retainAtOnce = 1000

	// maxOvertaken is how often somebody else may be faster than one Retain.
	maxOvertaken = 10
)

// Retained counts what [Local.Retain] deleted.
type Retained struct {
	ByRetention int `json:"by_retention"` // every reviewer had acknowledged it
	ByLimit     int `json:"by_limit"`     // its channel's limit had passed, acknowledged or not
}

// Policy returns a channel's policy, or [vault.ErrNotFound].
func (l *Local) Policy(_ context.Context, channel string) (vault.Policy, error) {
	return l.vault.Policy(channel)
}

// SetPolicy changes a channel's policy; the log, and so every desk, has it.
func (l *Local) SetPolicy(ctx context.Context, channel string, p vault.Policy) error {
	switch err := l.vault.SetPolicy(ctx, channel, p); {
	case err == nil:
		return nil
	case l.isStorage(err):
		return l.stored(err)
	default:
		return refused(err)
	}
}

// Retain deletes what the channels' policies want deleted today. What was deleted
// when it fails is counted.
func (l *Local) Retain(ctx context.Context) (done Retained, err error) {
	for overtaken := 0; ; {
		expired, err := l.expired()
		if err != nil || len(expired) == 0 {
			return done, err
		}
		err = l.vault.Delete(ctx, expired)
		switch {
		case errors.Is(err, vault.ErrNotFound) && overtaken < maxOvertaken:
			overtaken++ // a reviewer's order was faster
		case err != nil:
			return done, l.stored(err)
		default:
			done.add(expired)
		}
	}
}

func (r *Retained) add(deleted []vault.Deletion) {
	for _, d := range deleted {
		if d.Reason == translog.ByLimit {
			r.ByLimit++
		} else {
			r.ByRetention++
		}
	}
}

func (l *Local) expired() (expired []vault.Deletion, err error) {
	for d, err := range l.vault.Expired(l.now().UTC().Format(time.DateOnly)) {
		if err != nil {
			return nil, err
		}
		if expired = append(expired, d); len(expired) == retainAtOnce {
			break
		}
	}
	return expired, nil
}

// Upkeep does what is to be done daily, now and until ctx ends: it lets what is
// pending join the log, and applies the policies. Much more often it ends what a
// failing disk did not let end. event is told fixed names of what failed; the
// next time tries again.
func (l *Local) Upkeep(ctx context.Context, event func(name string)) {
	daily, often := time.NewTicker(upkeepPause), time.NewTicker(finishPause)
	defer daily.Stop()
	defer often.Stop()
	l.daily(ctx, event)
	for failing := false; ; {
		select {
		case <-daily.C:
			l.daily(ctx, event)
		case <-often.C:
			err := l.finish(ctx)
			if err != nil && !failing {
				event("deletion_unfinished") // once, until it ends
			}
			failing = err != nil
		case <-ctx.Done():
			return
		}
	}
}

func (l *Local) daily(ctx context.Context, event func(name string)) {
	if _, err := l.Retain(ctx); err != nil && ctx.Err() == nil {
		event("retention_failed")
	}
	// After the deletions, so that desks hear of them.
	if _, err := l.vault.Batch(ctx); err != nil && ctx.Err() == nil {
		event("log_failed")
	}
}
