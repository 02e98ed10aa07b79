package pickup

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A plan costs the reading of every header, and a download that goes on asks for
// it again at once: some are kept, for a while.
const (
	maxPlans       = 8
	maxSubmissions = 30_000 // that all kept plans may list, some 20 MiB; one is kept anyhow
	planPatience   = 10 * time.Minute
)

// plans keeps the last plans. A kept plan may be of a vault that has changed
// since; what it lists and is gone makes the reading fail, and drops it. Of other
// rosters it is not: who was removed from one must get nothing more, and who was not
// gets the same bytes of a new plan.
type plans struct {
	server Server
	turn   chan struct{} // one is made at a time: each takes memory

	mu    sync.Mutex
	kept  []keptPlan // the latest last
	ended bool
}

type keptPlan struct {
	request Request
	plan    Plan
	rosters uint64      // [Server.Rosters] before it was made
	timer   *time.Timer // frees it
}

func newPlans(server Server) *plans {
	return &plans{server: server, turn: make(chan struct{}, 1)}
}

func (p *plans) get(ctx context.Context, r Request) (Plan, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	rosters := p.server.Rosters()
	if plan := p.find(r, rosters); plan != nil {
		return plan, nil
	}
	plan, err := p.server.Plan(ctx, r)
	// Without a size it is the parcel of this moment.
	if err == nil && r.Size > 0 {
		p.keep(r, plan, rosters)
	}
	return plan, err
}

// find drops the plans of other rosters.
func (p *plans) find(r Request, rosters uint64) Plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropIf(func(k keptPlan) bool { return k.rosters != rosters })
	for _, k := range p.kept {
		if k.request == r {
			return k.plan
		}
	}
	return nil
}

func (p *plans) keep(r Request, plan Plan, rosters uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.kept = append(p.kept, keptPlan{r, plan, rosters, time.AfterFunc(planPatience, func() { p.drop(r, plan) })})
	for len(p.kept) > 1 && (len(p.kept) > maxPlans || p.listed() > maxSubmissions) {
		p.kept[0].timer.Stop()
		p.kept = slices.Delete(p.kept, 0, 1)
	}
}

func (p *plans) listed() (n int) {
	for _, k := range p.kept {
		n += k.plan.Count()
	}
	return n
}

// drop forgets a plan, if it is still the one that is kept.
func (p *plans) drop(r Request, plan Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropIf(func(k keptPlan) bool { return k.request == r && k.plan == plan })
}

// dropIf is for who holds mu.
func (p *plans) dropIf(is func(keptPlan) bool) {
	p.kept = slices.DeleteFunc(p.kept, func(k keptPlan) bool {
		if !is(k) {
			return false
		}
		k.timer.Stop()
		return true
	})
}

// forget drops all plans: the vault has changed.
func (p *plans) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropIf(func(keptPlan) bool { return true })
}

// clear is forget for good.
func (p *plans) clear() {
	p.forget()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
}
