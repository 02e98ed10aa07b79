//go:build crash && linux && amd64

package crash

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sourdine/deploy/crash/trace"
	"sourdine/deploy/e2e/program"
	"sourdine/vault/admin"
)

// patience is how long the server may take for anything.
const patience = 30 * time.Second

// A server is sourdine serve under a tracer, and those who talk to it.
type server struct {
	*world
	*trace.Process
	visitor program.Visitor
	words   string
	next    *returned // what a reviewer carries

	mu     sync.Mutex
	said   []string
	source chan string // its address, once; closed when it says nothing more
}

// launch starts the server, without waiting for it.
func (w *world) launch(rule trace.Rule) (*server, error) {
	return w.start(rule, w.program, "serve", "--home", w.home, "--listen", "127.0.0.1:0")
}

// launchAlone starts what compacts the vault.
func (w *world) launchAlone(rule trace.Rule) (*server, error) {
	return w.start(rule, os.Args[0], compactArg, w.vaultPath())
}

func (w *world) start(rule trace.Rule, command string, args ...string) (*server, error) {
	process, err := trace.Start(w.home, filepath.Dir(w.home), rule, command, args...)
	if err != nil {
		return nil, err
	}
	s := &server{world: w, Process: process, source: make(chan string, 1)}
	s.visitor.Client = &http.Client{Transport: &http.Transport{}, Timeout: patience}
	go s.listen()
	return s, nil
}

func (s *server) listen() {
	defer close(s.source)
	for line := range s.Lines {
		s.mu.Lock()
		s.said = append(s.said, line)
		s.mu.Unlock()
		if address, ok := strings.CutPrefix(line, "source "); ok {
			s.source <- strings.TrimSuffix(address, "/")
		}
	}
}

// output is what it said so far.
func (s *server) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.said, "\n")
}

// lastWords is all of what it said, once it has ended.
func (s *server) lastWords() string {
	for range s.source { // closed when all was heard
	}
	return s.output()
}

// ready waits until the server can be reached, and has nothing more to do.
func (s *server) ready() error {
	select {
	case url, ok := <-s.source:
		if !ok {
			return fmt.Errorf("the server ended before it could be reached: %s", s.output())
		}
		s.visitor.URL = url
	case <-time.After(patience):
		return fmt.Errorf("the server did not say where it is: %s", s.output())
	}
	if err := s.rest(); err != nil {
		return err
	}
	var err error
	s.words, err = s.visitor.Words()
	return err
}

// rest waits until the server changes nothing any more.
func (s *server) rest() error {
	for last, same := -1, 0; same < 2; time.Sleep(15 * time.Millisecond) {
		steps, err := s.Steps()
		if err != nil {
			return err
		}
		if same++; len(steps) != last {
			last, same = len(steps), 0
		}
	}
	return nil
}

// settled waits until the server has let join its log what was pending when it
// started: on a busy machine that comes late, and a fault is meant for another.
func (s *server) settled() error {
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		status, err := s.recover()
		if err != nil || status.Log.Pending == 0 {
			return err
		}
		if time.Since(began) > patience {
			return fmt.Errorf("%d leaves never joined the log: %s", status.Log.Pending, s.output())
		}
	}
}

// serve starts a server that is done no harm.
func (w *world) serve(t testing.TB) *server {
	t.Helper()
	s, err := w.launch(trace.Rule{})
	if err == nil {
		err = s.ready()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stop interrupts the server, which must end well.
func (s *server) stop(t testing.TB) {
	t.Helper()
	s.visitor.Client.CloseIdleConnections()
	s.Signal(syscall.SIGTERM)
	if end, err := s.Wait(); err != nil || end.Exit != 0 || end.Signal != 0 {
		t.Fatalf("the server ended with %+v, %v: %s", end, err, s.output())
	}
}

// kill ends the server if it lives, and returns what became of it.
func (s *server) kill() (trace.End, error) {
	s.visitor.Client.CloseIdleConnections()
	s.Signal(syscall.SIGKILL)
	return s.Wait()
}

// A refusal is a page that is no receipt.
type refusal struct {
	status int
	page   string
}

func (r *refusal) Error() string { return fmt.Sprintf("status %d instead of a receipt", r.status) }

// submit sends a submission, and notes the receipt.
func (s *server) submit(message string, file []byte) error {
	var files []program.File
	if file != nil {
		files = append(files, program.File{Name: "a.bin", Content: bytes.NewReader(file), Size: int64(len(file))})
	}
	acked := s.send(message, file)
	status, page, err := s.visitor.Post(s.words, channel, message, files...)
	if err != nil {
		return err
	}
	received := strings.Contains(page, "<title>Reçu</title>")
	if status != http.StatusOK {
		if received {
			return fmt.Errorf("status %d says that it was received", status)
		}
		return &refusal{status, page}
	}
	if !received {
		return &refusal{status, page}
	}
	acked()
	return nil
}

// control connects to the control socket.
func (s *server) control() (admin.Admin, error) {
	home, err := admin.OpenHome(s.home)
	if err != nil {
		return nil, err
	}
	return admin.Connect(home)
}

// apply sends a return parcel, and notes the receipt.
func (s *server) apply(p *returned) error {
	a, err := s.control()
	if err != nil {
		return err
	}
	defer a.Close()
	s.inFlight = p
	s.end(p.messages, false)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	receipt, err := a.ApplyParcel(ctx, bytes.NewReader(p.tar))
	if err != nil {
		return err
	}
	if receipt.Again || receipt.Note.Done.Refused > 0 || receipt.Note.Done.Deleted != len(p.deletions) {
		return fmt.Errorf("the receipt says %+v", receipt)
	}
	s.confirm(p)
	return nil
}
