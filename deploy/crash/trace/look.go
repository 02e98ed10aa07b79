//go:build crash && linux && amd64

package trace

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// stepOf tells whether a call changes a file in the folder.
func (t *tracer) stepOf(tid int, info callInfo) (s Step, ok bool) {
	c, ok := calls[info.Nr]
	if !ok || c.openat && info.Args[2]&syscall.O_CREAT == 0 {
		return s, false
	}
	s.Call = c.name
	if c.size >= 0 {
		s.Size = int(info.Args[c.size])
	}
	path := ""
	if c.path >= 0 {
		path = textAt(tid, info.Args[c.path])
	} else {
		path, _ = os.Readlink(fdPath(t.pid, info.Args[c.fd]))
	}
	s.File, ok = strings.CutPrefix(path, t.folder)
	if s.File = strings.TrimPrefix(s.File, "/"); s.File == "" {
		s.File = "."
	}
	return s, ok
}

func fdPath(pid int, fd uint64) string { return fmt.Sprintf("/proc/%d/fd/%d", pid, int32(fd)) }

// textAt reads a path out of the program.
func textAt(tid int, at uint64) string {
	var text []byte
	for len(text) < syscall.PathMax {
		var b [64]byte
		n, err := syscall.PtracePeekData(tid, uintptr(at), b[:])
		if err != nil && n == 0 {
			return ""
		}
		if end := bytes.IndexByte(b[:n], 0); end >= 0 {
			return string(append(text, b[:end]...))
		}
		text, at = append(text, b[:n]...), at+uint64(n)
	}
	return ""
}
