package answer

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"sourdine/journalist-ui/visible"
)

// The line that a worker sends before it takes a byte of the document. The
// number changes with the layout of Answer, so that a desk replaced on disk while
// it runs is noticed.
const (
	readyLine   = "sourdine preview 1: shut in\n"
	refusalLine = "sourdine preview 1: no sandbox: "
	maxLine     = 512
)

// Ready tells the parent that the worker is shut in, or, with an error, why it
// is not and ends.
func Ready(w io.Writer, refusal error) error {
	line := readyLine
	if refusal != nil {
		reason := strings.ReplaceAll(visible.Text(refusal.Error()), "\n", " ")
		line = refusalLine + strings.ToValidUTF8(reason[:min(len(reason), maxLine-len(refusalLine)-1)], "") + "\n"
	}
	_, err := io.WriteString(w, line)
	return err
}

// AwaitReady returns nil when the worker is shut in, and else the worker's
// reason why not. It reads byte by byte: what follows the line belongs to Read.
func AwaitReady(r io.Reader) error {
	line := make([]byte, 0, maxLine)
	for len(line) < maxLine {
		var one [1]byte
		if _, err := io.ReadFull(r, one[:]); err != nil {
			return fmt.Errorf("waiting for the preview's worker: %w", err)
		}
		if line = append(line, one[0]); one[0] == '\n' {
			break
		}
	}
	if string(line) == readyLine {
		return nil
	}
	reason, ok := strings.CutPrefix(string(line), refusalLine)
	if reason = strings.TrimSuffix(reason, "\n"); ok && visible.Is(reason) {
		return errors.New(reason)
	}
	return errors.New("the preview's worker is not the program expected")
}
