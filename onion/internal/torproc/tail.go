package torproc

import (
	"errors"
	"io"
	"os"
	"strings"
)

const (
	tailBytes = 16 << 10 // read from the end of a log
	tailLines = 5        // shown
	lineBytes = 300      // shown of one line
)

// complaint returns the end of the logs as an error that starts with a
// separator, to be put behind a sentence.
func complaint(logs ...string) error {
	var lines []string
	for _, log := range logs {
		lines = append(lines, tail(log)...)
	}
	lines = worst(lines)
	if len(lines) == 0 {
		return errors.New("; it logged nothing")
	}
	return errors.New("; the end of its log:\n\t" + strings.Join(lines, "\n\t"))
}

func tail(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, end-tailBytes), io.SeekStart)
	}
	b, err := io.ReadAll(io.LimitReader(f, tailBytes))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// worst picks the lines to show: the last warnings and errors, for tor's last
// words are seldom its reason, or the last of any kind when it never warned.
func worst(lines []string) []string {
	picked := pick(lines, func(line string) bool {
		return strings.Contains(line, "[warn]") && !routine(line) || strings.Contains(line, "[err]")
	})
	if len(picked) == 0 {
		picked = pick(lines, func(line string) bool { return line != "" })
	}
	return picked[max(0, len(picked)-tailLines):]
}

func pick(lines []string, wanted func(string) bool) []string {
	var picked []string
	for _, line := range lines {
		if wanted(line) {
			picked = append(picked, line[:min(len(line), lineBytes)])
		}
	}
	return picked
}

// routine reports warnings that every tor of ours gives and that explain no
// failure.
func routine(line string) bool {
	for _, s := range []string{
		"You are running Tor as root", "TestingTorNetwork is set",
		"specify alternate directory authorities", "approved-routers",
		"SR state file", "sr-state", "fetching consensus directory", "marked ourself as down",
	} {
		if strings.Contains(line, s) {
			return true
		}
	}
	return false
}
