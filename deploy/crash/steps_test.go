//go:build crash && linux && amd64

package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"sourdine/deploy/crash/trace"
)

// A fault is what is done at a step of an operation.
type fault struct {
	op    operation
	step  trace.Step
	rule  trace.Rule
	begin *world
}

func (f fault) name() string {
	name := fmt.Sprintf("%s/%d %s %s/%s", f.op.name, f.step.N, f.step.Call, f.step.File, f.rule.Mode)
	if f.rule.Errno != 0 {
		name += " " + errnoNames[f.rule.Errno]
		if f.rule.Ever {
			name += " and on"
		}
	}
	return strings.ReplaceAll(name, " ", "_")
}

var errnoNames = map[syscall.Errno]string{
	syscall.EIO: "EIO", syscall.ENOSPC: "ENOSPC", syscall.EDQUOT: "EDQUOT", syscall.EFBIG: "EFBIG", syscall.EROFS: "EROFS",
}

// A bench is the seeded world, and each operation's own.
type bench struct {
	seeded *world
	steps  map[string][]trace.Step
	worlds map[string]*world
	ops    []operation
}

// newBench runs every operation once without harm, and counts its steps.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{seeded: seed(t), steps: map[string][]trace.Step{}, worlds: map[string]*world{}}
	b.seeded.parcels = map[string]*returned{}
	for _, name := range []string{"delete", "apply"} {
		p, err := b.seeded.prepared(name)
		if err != nil {
			t.Fatal(err)
		}
		b.seeded.parcels[name] = p
	}
	for _, op := range operations() {
		if op.world == nil {
			op.world = theSeeded
		}
		begin := op.world(t, b)
		steps, err := countSteps(t, op, begin)
		if err != nil {
			t.Fatalf("%s, without a fault: %v", op.name, err)
		}
		if len(steps) == 0 {
			t.Fatalf("%s has no steps", op.name)
		}
		b.steps[op.name], b.worlds[op.name] = steps, begin
		b.ops = append(b.ops, op)
		t.Logf("%-10s %s", op.name, describe(steps))
	}
	return b
}

// describe counts steps by call and file.
func describe(steps []trace.Step) string {
	counts := map[string]int{}
	var order []string
	for _, s := range steps {
		what := s.Call + " " + s.File
		if counts[what]++; counts[what] == 1 {
			order = append(order, what)
		}
	}
	for i, what := range order {
		order[i] = fmt.Sprintf("%d %s", counts[what], what)
	}
	return fmt.Sprintf("%d steps: %s", len(steps), strings.Join(order, ", "))
}

func countSteps(t *testing.T, op operation, begin *world) ([]trace.Step, error) {
	t.Helper()
	w, err := begin.copyTo(newFolder(t))
	if err != nil {
		return nil, err
	}
	s, steps, err := w.attempt(op, trace.Rule{})
	if err != nil {
		if s != nil {
			_, _ = s.kill()
		}
		return nil, err
	}
	if !op.ends {
		if _, err := s.kill(); err != nil {
			return nil, err
		}
	}
	return steps, w.verify()
}

// attempt starts a server and runs an operation under a rule.
func (w *world) attempt(op operation, rule trace.Rule) (s *server, steps []trace.Step, err error) {
	first := trace.Rule{}
	if op.atStart {
		first = rule
	}
	launch := w.launch
	if op.alone {
		launch = w.launchAlone
	}
	if s, err = launch(first); err != nil {
		return nil, nil, err
	}
	if !op.atStart {
		if err = errors.Join(s.ready(), s.settled()); err == nil && op.prepare != nil {
			err = op.prepare(s)
		}
		if err == nil {
			err = s.rest()
		}
		if err = errors.Join(err, s.Arm(rule)); err != nil {
			return s, nil, fmt.Errorf("before the fault: %w", err)
		}
	}
	err = op.run(s)
	if op.ends {
		end, _ := s.Wait()
		return s, end.Steps, err
	}
	if err == nil {
		err = s.rest()
	}
	if err == nil {
		steps, err = s.Steps()
	}
	return s, steps, err
}

// killModes are the ways to die at a step.
func killModes(s trace.Step) []trace.Mode {
	modes := []trace.Mode{trace.KillBefore, trace.KillAfter, trace.Cut}
	if s.Call == "pwrite64" && s.Size >= 2*os.Getpagesize() {
		modes = append(modes, trace.KillTorn)
	}
	return modes
}

// kills lists every way to die at every step.
func (b *bench) kills(seed uint64) (all []fault) {
	for _, op := range b.ops {
		for _, step := range b.steps[op.name] {
			for _, mode := range killModes(step) {
				f := fault{op: op, step: step, rule: trace.Rule{At: step.N, Mode: mode}, begin: b.worlds[op.name]}
				f.rule.Seed = seedFor(seed, f.name())
				all = append(all, f)
			}
		}
	}
	return all
}

// die does a fault that ends the server, and returns whether it came to it.
func (f fault) die(t *testing.T) (reached bool, undone int) {
	w, err := f.begin.copyTo(newFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := w.attempt(f.op, f.rule)
	if s == nil {
		t.Fatal(err)
	}
	end, killErr := s.kill()
	if killErr != nil {
		t.Fatalf("%v (%v): %s", killErr, err, s.output())
	}
	if end.Hit != nil && (end.Signal != int(syscall.SIGKILL) || f.op.name == "open" && err == nil) {
		t.Errorf("the server ended with %+v at %s", end, end.Hit)
	}
	if err := w.verify(); err != nil {
		t.Fatalf("after %s at step %s, %d changes undone: %v", f.rule.Mode, end.Hit, end.Undone, err)
	}
	return end.Hit != nil, end.Undone
}

// draw takes n faults, as many of each kind as of the others: most steps are
// writes of one slot after the other.
func draw(all []fault, n int, seed uint64) (drawn []fault) {
	if n >= len(all) {
		return all
	}
	random := rand.New(rand.NewPCG(seed, 1))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	kinds := map[string][]fault{}
	var names []string
	for _, f := range all {
		kind := f.op.name + f.step.Call + f.step.File
		if kinds[kind] == nil {
			names = append(names, kind)
		}
		kinds[kind] = append(kinds[kind], f)
	}
	for i := 0; len(drawn) < n; i++ {
		kind := names[i%len(names)]
		if left := kinds[kind]; len(left) > 0 {
			drawn, kinds[kind] = append(drawn, left[0]), left[1:]
		}
	}
	return drawn
}

// TestKilledAtSteps kills the server at the steps of everything it does.
func TestKilledAtSteps(t *testing.T) {
	seed := seedOf(t)
	b := newBench(t)
	all := b.kills(seed)
	if n := kills(t) * 6 / 10; !isFull(t) {
		all = draw(all, n, seed)
	}
	var table table
	began := time.Now()
	t.Run("at", func(t *testing.T) {
		for _, f := range all {
			t.Run(f.name(), func(t *testing.T) {
				t.Parallel()
				reached, undone := f.die(t)
				table.add(f, reached, undone)
			})
		}
	})
	table.print(t, time.Since(began))
}
