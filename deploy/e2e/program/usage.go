package program

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// A Usage is what the kernel says of a process. Sizes are in bytes.
type Usage struct {
	CPU       time.Duration // user and system
	Peak      int64         // largest resident set so far
	Anonymous int64         // resident now, the process's own
	File      int64         // resident now, pages of files that can be dropped
}

const clockTicks = 100 // a second, on every Linux that Go runs on

// Usage reads the server's usage.
func (s *Server) Usage(t testing.TB) Usage {
	t.Helper()
	var u Usage
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	var user, system int64
	fmt.Sscan(fields[11], &user) // fields 14 and 15 of proc(5), which counts from the process id
	fmt.Sscan(fields[12], &system)
	u.CPU = time.Duration(user+system) * time.Second / clockTicks
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		var kib int64
		fmt.Sscan(value, &kib)
		switch name {
		case "VmHWM":
			u.Peak = kib << 10
		case "RssAnon":
			u.Anonymous = kib << 10
		case "RssFile":
			u.File = kib << 10
		}
	}
	return u
}
