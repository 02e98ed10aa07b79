package preview

import (
	"io"
	"os"

	"sourdine/journalist-ui/preview/internal/answer"
	"sourdine/journalist-ui/preview/internal/parse"
	"sourdine/journalist-ui/preview/sandbox"
)

// Exit codes of the worker.
const (
	exitAnswered  = 0
	exitNoAnswer  = 1
	exitNoSandbox = 3
)

// workerLimits is room for the worst decoder's 20 bytes for each of MaxDecoded
// pixels (800 MB) and a file, not of the largest kind at the same time: that picture ends as damaged.
func workerLimits() sandbox.Limits {
	return sandbox.Limits{Memory: 1 << 30, Seconds: 30}
}

// RunWorker is the whole of the hidden command that New's arguments name. The
// program must call it before it opens anything and pass its result to os.Exit.
func RunWorker() int {
	return Worker(os.Stdin, os.Stdout)
}

// Worker shuts the process in for good, then reads one document from stdin and
// writes one answer to stdout. If the process cannot be shut in it says so
// without reading a byte. It returns the exit code.
func Worker(stdin io.Reader, stdout io.Writer) int {
	refusal := sandbox.Enter(workerLimits())
	if err := answer.Ready(stdout, refusal); err != nil || refusal != nil {
		return exitNoSandbox
	}
	a, err := examine(stdin)
	if err == nil {
		err = answer.Write(stdout, a)
	}
	if err != nil {
		return exitNoAnswer // and no word on stderr: it could quote the document
	}
	return exitAnswered
}

// examine turns a decoder's panic into an answer: to the reviewer it is one
// more damaged document.
func examine(stdin io.Reader) (a answer.Answer, err error) {
	defer func() {
		if recover() != nil {
			a, err = answer.Answer{Kind: answer.Damaged, MediaType: "application/octet-stream"}, nil
		}
	}()
	return parse.Document(stdin)
}
