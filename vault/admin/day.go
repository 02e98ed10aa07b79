package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"sourdine/vault"
	"sourdine/vault/translog"
)

// maxDaysAhead is how far the clock may be ahead of the last day that retention and
// limits were looked after, in days. A machine whose battery is empty, or that was
// told a wrong time, is further away, and would delete what nobody has read.
const maxDaysAhead = 3

// ErrPaused: the clock may be wrong, and so nothing is deleted because of its age
// until [Local.ConfirmDay].
var ErrPaused = errors.New("retention is paused")

func (l *Local) today() string { return l.now().UTC().Format(time.DateOnly) }

// noteDay keeps today as the last day, or returns [ErrPaused].
func (l *Local) noteDay(ctx context.Context) error {
	why, last, err := l.whyPaused()
	switch {
	case err != nil:
		return err
	case why != "":
		return fmt.Errorf("%w: %s", ErrPaused, why)
	case last == l.today():
		return nil
	}
	return l.stored(l.vault.SetLastDay(ctx, l.today()))
}

// ConfirmDay takes the admin's word that it is this day (UTC, "2006-01-02"), which
// must be what the clock says, so that [Local.Retain] goes on.
func (l *Local) ConfirmDay(ctx context.Context, day string) error {
	if today := l.today(); day != today {
		return fmt.Errorf("%w: the clock says that it is %s: set the clock of this machine if that is wrong", ErrRefused, today)
	}
	return l.stored(l.vault.SetLastDay(ctx, day))
}

// whyPaused says what is wrong with the day, and what goes if it is right, or "".
func (l *Local) whyPaused() (why, last string, err error) {
	last, err = l.vault.LastDay()
	switch today := l.today(); {
	case errors.Is(err, vault.ErrDamaged):
		why = fmt.Sprintf("the clock says %s, and which day was the last that this server saw is damaged", today)
	case err != nil || last == "" || plausible(last, today):
		return "", last, err
	default:
		why = fmt.Sprintf("the clock says %s, and the last day that this server saw was %s", today, last)
	}
	goes, err := l.wouldGo()
	return why + ": nothing is deleted because of its age until the day is confirmed; " + goes, last, err
}

func plausible(last, today string) bool {
	from, err1 := time.Parse(time.DateOnly, last)
	to, err2 := time.Parse(time.DateOnly, today)
	return err1 == nil && err2 == nil && !to.Before(from) && !to.After(from.AddDate(0, 0, maxDaysAhead))
}

// wouldGo says what is deleted if today is right.
func (l *Local) wouldGo() (string, error) {
	var all, byLimit int
	for d, err := range l.vault.Expired(l.today()) {
		switch {
		case errors.Is(err, vault.ErrDamaged):
		case err != nil:
			return "", err
		case d.Reason == translog.ByLimit:
			byLimit++
			all++
		default:
			all++
		}
	}
	return fmt.Sprintf("then %d submissions are deleted at once, %d of them by a limit, whether anybody has read them or not", all, byLimit), nil
}

// passedOver is what the last [Local.Retain] could not delete.
type passedOver struct {
	mu        sync.Mutex
	damaged   []vault.ID
	elsewhere []string
}

func (p *passedOver) set(damaged map[vault.ID]bool, elsewhere map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.damaged = slices.SortedFunc(maps.Keys(damaged), func(a, b vault.ID) int { return slices.Compare(a[:], b[:]) })
	p.elsewhere = slices.Sorted(maps.Keys(elsewhere))
}

// retentionProblems says why retention and limits do not delete something.
func (l *Local) retentionProblems() (list []string, err error) {
	why, _, err := l.whyPaused()
	if why != "" {
		list = append(list, why+"; if the date is right: sourdine vault retention --home DIR --today "+l.today())
	}
	l.passedOver.mu.Lock()
	defer l.passedOver.mu.Unlock()
	if n := len(l.passedOver.damaged); n > 0 {
		list = append(list, fmt.Sprintf("retention and limits passed over %s of which something is damaged (%s): copy the home as it is, see what is damaged with sourdine vault verify, and restore a backup beside it", counted(n, "submission"), listed(l.passedOver.damaged)))
	}
	for _, said := range l.passedOver.elsewhere {
		list = append(list, "nothing of it is deleted by retention or a limit: "+said+": set the policy anew, with both days: sourdine channel policy --home DIR NAME --retention DAYS --limit DAYS")
	}
	return list, err
}
