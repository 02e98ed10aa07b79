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
	// Damaged counts the submissions, and the channels, of which something is
	// damaged: what of theirs expired was not deleted. [Local.Status] names them.
	Damaged int `json:"damaged,omitempty"`
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

// Retain deletes what the channels' policies want deleted today. What is damaged
// it passes over. What was deleted when it fails is counted. It deletes nothing and
// returns [ErrPaused] when the clock cannot be trusted.
func (l *Local) Retain(ctx context.Context) (Retained, error) {
	if err := l.noteDay(ctx); err != nil {
		return Retained{}, err
	}
	r := retaining{local: l, damaged: map[vault.ID]bool{}}
	err := r.run(ctx)
	l.passedOver.set(r.damaged, r.elsewhere)
	return r.done, err
}

// A retaining is one run of [Local.Retain].
type retaining struct {
	local     *Local
	damaged   map[vault.ID]bool
	elsewhere map[string]bool // damage of channels, in sentences
	overtaken int
	done      Retained
}

func (r *retaining) run(ctx context.Context) error {
	for {
		expired, err := r.expired()
		r.done.Damaged = len(r.damaged) + len(r.elsewhere)
		if err != nil || len(expired) == 0 {
			return err
		}
		if err := r.delete(ctx, expired); err != nil {
			return r.local.stored(err)
		}
	}
}

// expired looks up some, and notes anew whose policy or acknowledgements cannot be
// read.
func (r *retaining) expired() (expired []vault.Deletion, err error) {
	r.elsewhere = map[string]bool{}
	for d, err := range r.local.vault.Expired(r.local.today()) {
		switch {
		case errors.Is(err, vault.ErrDamaged) && d.ID != vault.ID{}:
			r.damaged[d.ID] = true
		case errors.Is(err, vault.ErrDamaged):
			r.elsewhere[err.Error()] = true
		case err != nil:
			return nil, err
		case !r.damaged[d.ID]:
			expired = append(expired, d)
		}
		if len(expired) == retainAtOnce {
			break
		}
	}
	return expired, nil
}

// delete deletes all at once, or one by one when one of them is damaged.
func (r *retaining) delete(ctx context.Context, expired []vault.Deletion) error {
	err := r.local.vault.Delete(ctx, expired)
	switch {
	case err == nil:
		r.done.add(expired)
		return nil
	case errors.Is(err, vault.ErrNotOverwritten):
		return err
	case errors.Is(err, vault.ErrNotFound) && r.overtaken < maxOvertaken:
		r.overtaken++ // a reviewer's order was faster
		return nil
	case !errors.Is(err, vault.ErrDamaged):
		return err
	}
	for i, d := range expired {
		switch err := r.local.vault.Delete(ctx, expired[i:i+1]); {
		case err == nil:
			r.done.add(expired[i : i+1])
		case errors.Is(err, vault.ErrNotFound):
		case errors.Is(err, vault.ErrDamaged) && !errors.Is(err, vault.ErrNotOverwritten):
			r.damaged[d.ID] = true
		default:
			return err
		}
	}
	return nil
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

// Upkeep does what is to be done daily, now and until ctx ends: it applies the
// policies; and every few hours it lets what is pending join the log. Much more often it ends what a
// failing disk did not let end. event is told fixed names of what failed; the
// next time tries again.
func (l *Local) Upkeep(ctx context.Context, event func(name string)) {
	daily, batches, often := time.NewTicker(upkeepPause), time.NewTicker(batchPause), time.NewTicker(finishPause)
	defer daily.Stop()
	defer batches.Stop()
	defer often.Stop()
	l.daily(ctx, event)
	for failing := false; ; {
		select {
		case <-daily.C:
			l.daily(ctx, event)
		case <-batches.C:
			l.batch(ctx, event)
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
	switch done, err := l.Retain(ctx); {
	case ctx.Err() != nil:
	case errors.Is(err, ErrPaused):
		event("retention_paused")
	case err != nil:
		event("retention_failed")
	case done.Damaged > 0:
		event("retention_damage")
	}
	l.batch(ctx, event) // after the deletions, so that desks hear of them
}

func (l *Local) batch(ctx context.Context, event func(name string)) {
	if _, err := l.vault.Batch(ctx); err != nil && ctx.Err() == nil {
		event("log_failed")
	}
}
