package vault_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// crashEnv makes the test binary a child that works until it is killed.
const crashEnv = "SOURDINE_VAULT_CRASH_TEST"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		workForever(path)
	}
	if path := os.Getenv(openEnv); path != "" {
		v, err := vault.Open(path)
		orExit(err)
		orExit(v.Close())
		os.Exit(0)
	}
	if path := os.Getenv(limitEnv); path != "" {
		fillUp(path)
	}
	os.Exit(m.Run())
}

// openEnv makes the test binary a child that opens a vault and closes it.
const openEnv = "SOURDINE_VAULT_OPEN_TEST"

// A worker changes a vault in every way until it is killed, and prints what was
// done after it was, and what it is about to delete before.
type worker struct {
	vault *vault.Vault
	lines chan string
	ids   chan vault.ID // committed, for the others to work on
}

func (w worker) say(words ...any) { w.lines <- fmt.Sprintln(words...) }

// workForever never returns.
func workForever(path string) {
	v, err := vault.Open(path)
	orExit(err)
	w := worker{v, make(chan string), make(chan vault.ID, 100)}
	for _, work := range []func(){w.commit, w.commit, w.commit, w.delete, w.apply, w.log, w.compact} {
		go func() {
			for {
				work()
			}
		}()
	}
	for line := range w.lines {
		os.Stdout.WriteString(line)
	}
}

func orExit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (w worker) commit() {
	payload := random(rand.IntN(400_000))
	d := w.vault.NewDraft()
	item, err := d.Item(ctx, 0)
	orExit(err)
	_, err = item.Write(payload)
	orExit(errors.Join(err, item.Close()))
	id, err := d.Commit(ctx, commitment())
	orExit(err)
	w.say("committed", id, digest(payload))
	select {
	case w.ids <- id:
	default:
	}
}

func (w worker) delete() {
	var deletions []vault.Deletion
	for range rand.IntN(3) + 1 {
		id := <-w.ids
		deletions = append(deletions, byRetention(id))
		w.say("deleting", id)
	}
	orExit(w.vault.Delete(ctx, deletions))
	for _, d := range deletions {
		w.say("deleted", d.ID)
	}
}

func (w worker) apply() {
	acked, deleted := <-w.ids, <-w.ids
	w.say("deleting", deleted)
	orExit(w.vault.Apply(ctx, func(c *vault.Change) error {
		return errors.Join(c.Acknowledge(acked, fingerprint("A")), c.Reenvelope(acked, []byte("new envelope"), 1),
			c.Delete(byRetention(deleted)))
	}))
	w.say("deleted", deleted)
	w.say("applied", acked)
}

func (w worker) log() {
	size, err := w.vault.Batch(ctx)
	orExit(err)
	w.say("log", size)
	time.Sleep(5 * time.Millisecond)
}

func (w worker) compact() {
	time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
	_, _, err := w.vault.Compact(ctx)
	orExit(err)
}

// What a killed worker said.
type said struct {
	committed map[string]string // id to digest
	deleting  map[string]bool
	deleted   map[string]bool
	applied   map[string]bool
	log       int64
}

func (s *said) hear(line string) {
	words := strings.Fields(line)
	switch {
	case len(words) == 3 && words[0] == "committed" && len(words[2]) == 64:
		s.committed[words[1]] = words[2]
	case len(words) == 2 && words[0] == "deleting":
		s.deleting[words[1]] = true
	case len(words) == 2 && words[0] == "deleted":
		s.deleted[words[1]] = true
	case len(words) == 2 && words[0] == "applied":
		s.applied[words[1]] = true
	case len(words) == 2 && words[0] == "log":
		if size, err := strconv.ParseInt(words[1], 10, 64); err == nil {
			s.log = max(s.log, size)
		}
	}
}

// killsEnv is how often TestKill kills, when it is not to be 8 times.
const killsEnv = "SOURDINE_KILLS"

// TestKill kills a working process again and again, on one vault: what it said
// was committed is there, whole, what it said was deleted is gone, and nothing
// half is visible (promise 3).
func TestKill(t *testing.T) {
	kills := 8
	if testing.Short() {
		kills = 3
	}
	if n, err := strconv.Atoi(os.Getenv(killsEnv)); err == nil {
		kills = n
	}
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	s := &said{committed: map[string]string{}, deleting: map[string]bool{}, deleted: map[string]bool{}, applied: map[string]bool{}}
	for range kills {
		workAndKill(t, path, s, 5+rand.IntN(60))
		checkSaid(t, path, s)
	}
	if len(s.committed) < kills || len(s.deleted) == 0 || len(s.applied) == 0 || s.log == 0 {
		t.Fatalf("the test tested little: %d committed, %d deleted, %d applied, a log of %d", len(s.committed), len(s.deleted), len(s.applied), s.log)
	}
	t.Logf("over %d kills: %d committed, %d deleted, %d applied, a log of %d", kills, len(s.committed), len(s.deleted), len(s.applied), s.log)
}

// workAndKill hears what the child says until it is killed, some time after that
// many lines.
func workAndKill(t *testing.T, path string, s *said, after int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for ; lines.Scan(); after-- {
		if after == 0 {
			time.AfterFunc(time.Duration(rand.IntN(20_000))*time.Microsecond, func() { cmd.Process.Kill() })
		}
		s.hear(lines.Text())
	}
	cmd.Wait()
	if stderr.Len() > 0 {
		t.Fatalf("the child failed: %s", stderr.String())
	}
}

func checkSaid(t *testing.T, path string, s *said) {
	t.Helper()
	v, err := vault.Open(path)
	if err != nil {
		t.Fatalf("the vault does not open after a kill: %v", err)
	}
	for text, want := range s.committed {
		id, err := vault.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Entry(id); s.deleting[text] && errors.Is(err, vault.ErrNotFound) {
			continue // perhaps before it could say so
		}
		if s.deleted[text] {
			t.Fatalf("submission %s was deleted, and is there", id)
		}
		if got := digest(payloadOf(t, v, id, 0)); got != want {
			t.Fatalf("submission %s came back changed", id)
		}
		envelope, err := v.Envelope(id)
		if err != nil || s.applied[text] && string(envelope) != "new envelope" {
			t.Fatalf("the envelope of %s is %q, %v", id, envelope, err)
		}
	}
	for text := range s.applied {
		id, err := vault.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		if acks, err := v.Acknowledgements(id); err != nil || len(acks) != 1 {
			t.Fatalf("%s is acknowledged by %+v, %v", id, acks, err)
		}
	}
	if size, err := v.LogSize(); err != nil || size < s.log {
		t.Fatalf("the log had %d leaves and has %d, %v", s.log, size, err)
	}
	if stats, err := v.Stats(); err != nil || stats.Drafts != 0 {
		t.Fatalf("after the sweep: %+v, %v", stats, err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := vaulttest.Check(path); err != nil {
		t.Fatal(err)
	}
}
