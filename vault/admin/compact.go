package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	// compactAfter is how often a running server compacts its vault.
	compactAfter = 7 * 24 * time.Hour
	// maintainPause is how often it looks whether it should sooner.
	maintainPause = time.Hour
	// worthwhile is how much must be free before it does, in bytes.
	worthwhile = 16 << 20
)

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

// Maintain compacts the vault once a week, and sooner when more than half of its
// file is free, until ctx ends. event is told fixed names of what failed; the
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
	due := free > size/2 || l.now().Sub(*last) >= compactAfter
	if !due || free < worthwhile {
		return ""
	}
	room, disk, err := diskSpace(l.home.dir)
	if err != nil || room < uint64(size-free)+disk/20 {
		return "compact_without_room"
	}
	if _, err := l.Compact(ctx); err != nil {
		return "compact_failed"
	}
	*last = l.now()
	return ""
}
