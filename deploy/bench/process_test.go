//go:build bench

package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sourdine/deploy/e2e/program"
)

// A cost is what a program took. Sizes are in bytes.
type cost struct {
	wall, cpu time.Duration
	own       int64 // the most memory of its own at a time
	mapped    int64 // the most pages of files at a time, which the kernel can drop
}

func (c cost) String() string {
	return fmt.Sprintf("%7.2f s wall, %6.2f s CPU, peak %4d MiB of its own and %d MiB of mapped files",
		c.wall.Seconds(), c.cpu.Seconds(), c.own/mib, c.mapped/mib)
}

// medianCost has the median of times, and the most memory.
func medianCost(all []cost) (m cost) {
	var wall, cpu []time.Duration
	for _, c := range all {
		wall, cpu = append(wall, c.wall), append(cpu, c.cpu)
		m.own, m.mapped = max(m.own, c.own), max(m.mapped, c.mapped)
	}
	m.wall, m.cpu = middle(wall), middle(cpu)
	return m
}

// lookEvery is how often a program's memory is looked at. (What wait4 says of
// the most it ever had is at least what this process had when it forked.)
const lookEvery = 5 * time.Millisecond

// run runs a program to its end, which must be a good one. Its output goes to
// the file, if there is one, and is returned otherwise.
func run(t *testing.T, out *os.File, name string, args ...string) (cost, string) {
	t.Helper()
	cmd := exec.Command(program.Path(t, name), args...)
	var said, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &errOut
	if out != nil {
		cmd.Stdout = out
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var c cost
	if err := c.watch(cmd.Process.Pid, ended); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errOut.String())
	}
	c.wall = time.Since(start)
	c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return c, said.String()
}

// watch looks at a process until it has ended, and returns how.
func (c *cost) watch(pid int, ended <-chan error) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			c.look(pid)
		}
	}
}

// look notes the memory that a process has now, if it is still there.
func (c *cost) look(pid int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		var kib int64
		fmt.Sscan(value, &kib)
		switch name {
		case "RssAnon":
			c.own = max(c.own, kib<<10)
		case "RssFile":
			c.mapped = max(c.mapped, kib<<10)
		}
	}
}
