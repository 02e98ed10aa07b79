//go:build crash && linux && amd64

package crash

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sourdine/deploy/crash/trace"
)

// A table counts faults by operation, call and mode.
type table struct {
	mu      sync.Mutex
	rows    map[string]map[trace.Mode]int
	total   int
	reached int
	undone  int
}

func (x *table) add(f fault, reached bool, undone int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.total++
	x.undone += undone
	if !reached {
		return
	}
	x.reached++
	if x.rows == nil {
		x.rows = map[string]map[trace.Mode]int{}
	}
	row := fmt.Sprintf("%-10s %-10s %s", f.op.name, f.step.Call, f.step.File)
	if x.rows[row] == nil {
		x.rows[row] = map[trace.Mode]int{}
	}
	x.rows[row][f.rule.Mode]++
}

func (x *table) print(t *testing.T, took time.Duration, modes ...trace.Mode) {
	if len(modes) == 0 {
		modes = []trace.Mode{trace.KillBefore, trace.KillAfter, trace.KillTorn, trace.Cut}
	}
	var lines []string
	for row, counts := range x.rows {
		line := fmt.Sprintf("%-45s", row)
		for _, mode := range modes {
			line += fmt.Sprintf(" %5d", counts[mode])
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	t.Logf("%d faults, %d reached, in %s: %.2f/s; power cuts took back %d changes\ncolumns: %q\n%s",
		x.total, x.reached, took.Round(time.Second), float64(x.total)/took.Seconds(), x.undone, modes, strings.Join(lines, "\n"))
	if x.total == 0 || x.reached < x.total*9/10 {
		t.Errorf("of %d faults only %d were reached", x.total, x.reached)
	}
}
