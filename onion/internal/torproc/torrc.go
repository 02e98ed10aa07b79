package torproc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Quote writes s as a quoted value of a torrc line (tor(1), "the configuration
// file format").
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\%03o`, c)
			continue
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String()
}

// baseTorrc are the lines every tor of ours has. The heartbeat is off because
// it writes down how many clients came; SafeLogging keeps addresses out.
func baseTorrc(dir string) []string {
	return []string{
		"DataDirectory " + Quote(dir),
		"Log " + Quote("notice file "+filepath.Join(dir, logFile)),
		"TruncateLogFile 1",
		"SafeLogging 1",
		"HeartbeatPeriod 0",
		"AvoidDiskWrites 1",
		"RunAsDaemon 0",
		fmt.Sprintf("__OwningControllerProcess %d", os.Getpid()),
	}
}

// writeTorrc stores the configuration of one tor. A line that holds a line
// break would smuggle in a second option.
func writeTorrc(dir string, lines []string) error {
	all := append(baseTorrc(dir), lines...)
	for _, line := range all {
		if strings.ContainsAny(line, "\r\n\x00") {
			return fmt.Errorf("torrc line %q holds a line break", line)
		}
	}
	text := strings.Join(all, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, torrcFile), []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing torrc: %w", err)
	}
	return nil
}
