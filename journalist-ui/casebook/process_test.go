package casebook

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child starts this test's program again, as another process that does to the
// casebook at path what beChild says.
func child(t *testing.T, what, path string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], path)
	cmd.Env = append(append(os.Environ(), "CASEBOOK_TEST_CHILD="+what), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func beChild(what, path string) int {
	ctx := context.Background()
	for n := 0; what == "create until killed"; n++ {
		fmt.Println(n)
		if _, err := Create(ctx, path+strconv.Itoa(n), testKey, author); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	c, err := Open(ctx, path, testKey, author)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch what {
	case "write until killed":
		for n := rand.N(1 << 40); ; n++ {
			writeAndSay(ctx, c, n)
		}
	case "write until the file may not grow":
		signal.Ignore(syscall.SIGXFSZ)
		limit, _ := strconv.ParseUint(os.Getenv("LIMIT"), 10, 64)
		syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit})
		for n := 0; ; n++ {
			if err := writeAndSay(ctx, c, n); err != nil {
				fmt.Println("error", err)
				return 0
			}
		}
	case "stop in a change":
		c.AddSubmission(ctx, sample(0))
		err := c.write(ctx, func(tx *sql.Tx) error {
			// Pages are written before the commit, and the first block is to be too.
			tx.Exec("PRAGMA cache_size = 5; PRAGMA user_version = 1")
			for n := range 50 {
				if err := c.enter(ctx, tx, submissionImport, sample(n+1)); err != nil {
					return err
				}
			}
			fmt.Println("stopped")
			time.Sleep(time.Hour)
			return nil
		})
		fmt.Fprintln(os.Stderr, err)
	case "attach":
		for n := range 30 {
			if _, err := c.Attach(ctx, os.Getenv("RECORD"), os.Getenv("SUBMISSION"), 1+(n+os.Getpid())%30); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
	}
	c.Close()
	return 0
}

// writeAndSay makes a change and names it on stdout once it is acknowledged.
func writeAndSay(ctx context.Context, c *Casebook, n int) error {
	s := sample(n)
	s.Message = strings.Repeat(s.Message, 1+n%200)
	if _, err := c.AddSubmission(ctx, s); err != nil {
		return err
	}
	fmt.Println("submission", s.ID)
	r, err := c.AddRecord(ctx, s.Message[:40], []Field{{"n", s.ID}})
	if err != nil {
		return err
	}
	fmt.Println("record", r.ID)
	if _, err = c.Attach(ctx, r.ID, s.ID, 1); err == nil {
		fmt.Println("exhibit", r.ID)
	}
	return err
}

func TestKilledWhileWriting(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 3
	}
	path := created(t)
	var said []string
	hot := 0
	for range rounds {
		cmd, out := child(t, "write until killed", path)
		kill := time.AfterFunc(time.Hour, func() { cmd.Process.Kill() })
		for first := true; out.Scan(); first = false {
			if first {
				kill.Reset(rand.N(80 * time.Millisecond))
			}
			said = append(said, out.Text())
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		if info, err := os.Stat(journalName(path)); err == nil && info.Size() > 0 {
			hot++
			// The wrong key must not spoil what the right one will restore.
			if _, err := Open(t.Context(), path, [32]byte{1, 2, 3}, author); !errors.Is(err, ErrKey) {
				t.Errorf("wrong key: %v", err)
			}
		}
		c, err := Open(t.Context(), path, testKey, author)
		if err != nil {
			t.Fatal(err)
		}
		mustHaveAll(t, c, said)
		mustHold(t, c)
		c.Close()
	}
	t.Logf("%d acknowledged changes, %d of %d kills left a journal to undo", len(said), hot, rounds)
}

// A creation that was cut short is told from a casebook, at any instant.
func TestKilledWhileCreating(t *testing.T) {
	whole, unfinished := 0, 0
	for range 10 {
		path := filepath.Join(t.TempDir(), "casebook")
		cmd, out := child(t, "create until killed", path)
		out.Scan()
		time.AfterFunc(rand.N(60*time.Millisecond), func() { cmd.Process.Kill() })
		last := out.Text()
		for out.Scan() {
			last = out.Text()
		}
		cmd.Wait()
		c, err := Open(t.Context(), path+last, testKey, author)
		switch {
		case err == nil:
			whole++
			mustAdd(t, c, sample(1))
			mustHold(t, c)
			c.Close()
		case errors.Is(err, errUnfinished):
			unfinished++
		case !strings.Contains(err.Error(), "no such file"):
			t.Error(err)
		}
	}
	t.Logf("%d whole, %d unfinished", whole, unfinished)
}

func mustHaveAll(t *testing.T, c *Casebook, said []string) {
	t.Helper()
	for _, line := range said {
		what, id, _ := strings.Cut(line, " ")
		var err error
		switch what {
		case "submission":
			_, err = c.Submission(t.Context(), id)
		case "record":
			_, err = c.Record(t.Context(), id)
		case "exhibit":
			var r Record
			if r, err = c.Record(t.Context(), id); len(r.Exhibits) != 1 {
				err = fmt.Errorf("%d exhibits", len(r.Exhibits))
			}
		default:
			err = errors.New("unexpected")
		}
		if err != nil {
			t.Fatalf("%s, acknowledged: %v", line, err)
		}
	}
}

// The first block torn by a crash is mended from the journal; the wrong key
// must not get in the way of that.
func TestTornFirstBlock(t *testing.T) {
	path := created(t)
	cmd, out := child(t, "stop in a change", path)
	if !out.Scan() {
		t.Fatal("the child ended")
	}
	cmd.Process.Kill()
	cmd.Wait()
	if ok, err := startsWith(journalName(path), journalMagic, testKey); !ok || err != nil {
		t.Fatalf("there is no journal to undo: %v", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteAt([]byte("torn"), 512)
	f.Close()
	if _, err := Open(t.Context(), path, [32]byte{5}, author); !errors.Is(err, ErrKey) {
		t.Errorf("wrong key: %v", err)
	}
	c := reopen(t, path)
	if got := allSubmissions(t, c); len(got) != 1 || got[0].ID != sample(0).ID {
		t.Errorf("got %d submissions", len(got))
	}
	mustHold(t, c)
}

// A disk that refuses to grow a file: what was acknowledged stays, the rest is
// undone, and the casebook goes on when there is room.
func TestNoRoom(t *testing.T) {
	for _, limit := range []int{200_000, 270_001} {
		c, path := fresh(t)
		cmd, out := child(t, "write until the file may not grow", path, fmt.Sprint("LIMIT=", limit))
		var said []string
		failed := ""
		for out.Scan() {
			if text, ok := strings.CutPrefix(out.Text(), "error "); ok {
				failed = text
			} else {
				said = append(said, out.Text())
			}
		}
		if err := cmd.Wait(); err != nil || !strings.Contains(failed, "is it full?") {
			t.Fatalf("%v, %q", err, failed)
		}
		t.Logf("%d acknowledged, then: %s", len(said), failed)
		mustHaveAll(t, c, said)
		mustRecord(t, c, "Il y a de nouveau de la place")
	}
}

// Two processes and two handles of this one attach the same thirty items at the
// same time: each gets one number, once.
func TestWritersTakeTurns(t *testing.T) {
	c, path := fresh(t)
	r := mustRecord(t, c, "Titre")
	s := sample(1)
	s.Items = nil
	for n := range 30 {
		s.Items = append(s.Items, Item{N: n + 1, Name: "a", SHA256: digest(1, n)})
	}
	mustAdd(t, c, s)
	env := []string{"RECORD=" + r.ID, "SUBMISSION=" + s.ID}
	a, _ := child(t, "attach", path, env...)
	b, _ := child(t, "attach", path, env...)
	var wg sync.WaitGroup
	for _, c := range []*Casebook{c, c, reopen(t, path)} {
		wg.Go(func() {
			for n := range 30 {
				if _, err := c.Attach(t.Context(), r.ID, s.ID, 30-n); err != nil {
					t.Error(err)
				}
				for _, err := range c.Submissions(t.Context(), "") {
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(a.Wait(), b.Wait()); err != nil {
		t.Error(err)
	}
	got, err := c.Record(t.Context(), r.ID)
	if err != nil || len(got.Exhibits) != 30 {
		t.Fatalf("%d exhibits, %v", len(got.Exhibits), err)
	}
	items := map[int]bool{}
	for i, x := range got.Exhibits {
		if items[x.Item] || x.Number != i+1 {
			t.Errorf("exhibit %d: %+v", i+1, x)
		}
		items[x.Item] = true
	}
}

// A writer that is stuck makes the others give up with a plain sentence, and at
// once when their context ends.
func TestBusy(t *testing.T) {
	c, path := fresh(t)
	other := reopen(t, path)
	tx, err := other.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = c.AddSubmission(ctx, sample(1))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	if got := allSubmissions(t, c); got != nil { // reading goes on beside a writer
		t.Errorf("got %v", got)
	}
	c.db.SetMaxOpenConns(1)
	c.db.Exec("PRAGMA busy_timeout = 30")
	if _, err = c.AddSubmission(t.Context(), sample(1)); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
	t.Log(err)
	tx.Rollback()
	mustAdd(t, c, sample(1))
}

func TestProcessesCreateOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "casebook")
	var wg sync.WaitGroup
	made := make(chan *Casebook, 8)
	for range cap(made) {
		wg.Go(func() {
			if c, err := Create(t.Context(), path, testKey, author); err == nil {
				made <- c
			}
		})
	}
	wg.Wait()
	if len(made) != 1 {
		t.Fatalf("%d were created", len(made))
	}
	c := <-made
	defer c.Close()
	mustAdd(t, c, sample(1))
	mustHold(t, c)
}
