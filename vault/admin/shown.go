package admin

import (
	"context"
	"errors"
	"time"

	"sourdine/vault/parcel"
)

// batchPause is how often a running server lets what is pending join the log. The log
// tells in which batch a submission came, and so about when: whoever looks at pickup
// more often learns no more, and adds nothing to what a seized server tells.
const batchPause = 6 * time.Hour

// shownProbe is enough to learn whether the log tells what became of everything.
const shownProbe = 1 // bytes of a parcel

// Shown returns the size of the log that pickup shows: as it was at the last batch.
// See [Local.PlanShown].
func (l *Local) Shown(ctx context.Context) (int64, error) {
	plan, err := l.PlanShown(ctx, Export{Bytes: shownProbe})
	if err != nil {
		return 0, err
	}
	return plan.Index().Size, nil
}

// PlanShown is [Local.Plan] but for the log that an export without a size shows: no
// submission joins it because somebody asks. Only where there is no log yet, or where
// it does not tell what an admin or a reviewer did since, there is a batch.
func (l *Local) PlanShown(ctx context.Context, e Export) (*parcel.Plan, error) {
	if e.Size > 0 {
		return l.Plan(ctx, e)
	}
	size, err := l.vault.LogSize()
	if err != nil {
		return nil, err
	}
	if size > 0 {
		shown := e
		shown.Size = size
		if plan, err := l.Plan(ctx, shown); !errors.Is(err, parcel.ErrOutdated) {
			return plan, err
		}
	}
	return l.Plan(ctx, e)
}
