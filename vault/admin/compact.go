package admin

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// compactAfter is how often a running server compacts its vault.
	compactAfter = 7 * 24 * time.Hour
	// maintainPause is how often it looks whether it should sooner.
	maintainPause = time.Hour
	// worthwhile is how much must be free before it does, in bytes, or that part of a
	// small file: uploads wait while a large one is written for nothing.
	worthwhile     = 16 << 20
	worthwhilePart = 8 // an eighth
)

// A compacting is what Maintain lets status know.
type compacting struct {
	missing atomic.Uint64 // room on the disk, in bytes, that it waits for
	free    atomic.Int64  // bytes of the file that it would give back
}

// problems says that a compaction is due and waits.
func (c *compacting) problems() ([]string, error) {
	missing := c.missing.Load()
	if missing == 0 {
		return nil, nil
	}
	return []string{fmt.Sprintf("the vault's file is to be compacted, which would give back %d MiB, and waits for room: another %d MiB must be free on the disk; the server tries again every hour", c.free.Load()>>20, missing>>20+1)}, nil
}

// Compacted is the size of the vault's file, in bytes.
type Compacted struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

// Compact writes the vault anew without what was deleted. Uploads wait
// meanwhile, and the disk must have room for the new file.
func (l *Local) Compact(ctx context.Context) (Compacted, error) {
	before, after, err := l.vault.Compact(ctx)
	if err != nil && l.isStorage(err) {
		err = fmt.Errorf("%w: %w", ErrStorage, err)
	}
	return Compacted{before, after}, err
}

func (l *Local) serveCompact(w http.ResponseWriter, r *http.Request) {
	done, err := l.Compact(r.Context())
	answer(w, done, err)
}

func (r *remote) Compact(ctx context.Context) (done Compacted, err error) {
	err = r.call(ctx, http.MethodPost, "/compact", nil, &done)
	return done, err
}

// Maintain compacts the vault once a week when there is something to gain, and sooner
// when more than half of its file is free, until ctx ends. event is told fixed names of what failed; the
// next hour tries again.
func (l *Local) Maintain(ctx context.Context, event func(name string)) {
	hourly := time.NewTicker(maintainPause)
	defer hourly.Stop()
	last := l.now()
	for {
		select {
		case <-hourly.C:
		case <-ctx.Done():
			return
		}
		if failed := l.maintain(ctx, &last); failed != "" && ctx.Err() == nil {
			event(failed)
		}
	}
}

// maintain compacts when it is time, and there is room for a second file.
func (l *Local) maintain(ctx context.Context, last *time.Time) (failed string) {
	size, free := l.vault.Space()
	soon := free > size/2 && free >= worthwhile
	weekly := l.now().Sub(*last) >= compactAfter && free >= min(worthwhile, size/worthwhilePart)
	l.compacting.missing.Store(0)
	if !soon && !weekly {
		return ""
	}
	room, disk, err := l.disk(l.home.dir)
	if err != nil {
		return "compact_failed"
	}
	if needed := uint64(size-free) + disk/20; room < needed {
		l.compacting.free.Store(free)
		l.compacting.missing.Store(needed - room)
		return "compact_without_room"
	}
	if _, err := l.Compact(ctx); err != nil {
		return "compact_failed"
	}
	*last = l.now()
	return ""
}
