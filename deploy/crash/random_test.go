//go:build crash && linux && amd64

package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sourdine/deploy/crash/trace"
)

// TestKilledAtRandom kills a busy server again and again at random moments, on
// one home, and never starts afresh.
func TestKilledAtRandom(t *testing.T) {
	seed := seedOf(t)
	w := newWorld(t)
	random := rand.New(rand.NewPCG(seed, 2))
	n := kills(t) * 4 / 10
	began := time.Now()
	var sum load
	for round := range n {
		after := time.Duration(random.IntN(400)) * time.Millisecond
		done, err := w.workAndKill(round, after)
		if err == nil {
			err = w.verify()
		}
		if err != nil {
			t.Fatalf("kill %d, %s after the first work: %v", round, after, err)
		}
		sum.add(done)
		w.forget()
	}
	took := time.Since(began)
	t.Logf("%d kills in %s, %.2f/s, of a server that received %d submissions, applied %d return parcels, exported %d, compacted %d times; %d were deleted, and the log has %d leaves",
		n, took.Round(time.Second), float64(n)/took.Seconds(), sum.received.Load(), sum.applied.Load(), sum.exported.Load(), sum.compacted.Load(), sum.deleted.Load(), w.head.Size)
	if sum.received.Load() < int64(n)/3 || sum.applied.Load() < int64(n)/10 || sum.deleted.Load() == 0 {
		t.Error("the test tested little")
	}
}

// A load is what was done, and answered, before a kill.
type load struct{ received, applied, deleted, exported, compacted atomic.Int64 }

func (l *load) add(m *load) {
	l.received.Add(m.received.Load())
	l.applied.Add(m.applied.Load())
	l.deleted.Add(m.deleted.Load())
	l.exported.Add(m.exported.Load())
	l.compacted.Add(m.compacted.Load())
}

// workAndKill keeps the server busy from all sides until it is killed.
func (w *world) workAndKill(round int, after time.Duration) (*load, error) {
	p, err := w.nextOrder()
	if err != nil {
		return nil, err
	}
	s, err := w.launch(trace.Rule{Mode: trace.Untraced})
	if err != nil {
		return nil, err
	}
	if err := s.ready(); err != nil {
		_, _ = s.kill()
		return nil, err
	}
	var done load
	var dead atomic.Bool
	var workers sync.WaitGroup
	for n := range 3 {
		workers.Go(func() {
			for i := 0; !dead.Load(); i++ {
				message := fmt.Sprintf("%d.%d.%d", round, n, i)
				var file []byte
				if n > 0 {
					file = random(1 << (10 * n) * (1 + i%3)) // KiB from one, MiB from another
				}
				if s.submit(message, file) == nil {
					done.received.Add(1)
				}
			}
		})
	}
	workers.Go(func() {
		if p != nil && s.apply(p) == nil {
			done.applied.Add(1)
			done.deleted.Add(int64(len(p.deletions)))
		}
	})
	workers.Go(func() { s.command(&dead, &done.exported, "parcel", "export", "-o", "-") })
	workers.Go(func() { s.command(&dead, &done.compacted, "vault", "compact") })
	time.Sleep(after)
	dead.Store(true)
	end, err := s.kill()
	workers.Wait()
	if err == nil && end.Signal == 0 {
		err = fmt.Errorf("the server ended by itself: %+v: %s", end, s.output())
	}
	return &done, err
}

// command runs a command again and again until the server is to be killed.
func (s *server) command(dead *atomic.Bool, done *atomic.Int64, args ...string) {
	for !dead.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if exec.CommandContext(ctx, s.program, append(args, "--home", s.home)...).Run() == nil {
			done.Add(1)
		}
		cancel()
	}
}

// nextOrder deletes all but a few of what is there, so that the home stays small.
func (w *world) nextOrder() (*returned, error) {
	if w.inFlight != nil {
		return nil, errors.New("a return parcel is still unanswered")
	}
	all := w.pick(1000, func(string) bool { return true })
	if len(all) < 4 {
		return nil, nil
	}
	if err := w.turnRoster(); err != nil {
		return nil, err
	}
	return w.order(orders{deletions: all[4:], acks: all[:1], opened: all[1:2], envelopes: all[2:4]})
}

// forget drops what was deleted long ago, but not its keys.
func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for message, s := range w.sent {
		if _, there := w.there[message]; !there && s.id == ([16]byte{}) {
			delete(w.sent, message) // never received, never there: and cannot come later
		}
	}
}
